import BlockModel

extension TailFunction {
    /// Creates a collection: the first change of the register, so that two creators of one name
    /// have one arbiter. The loser, like a creator that runs again, finds the winner's collection.
    static func create(_ request: CreateCollection, _ value: TailValue) -> TailDecision {
        let generation: UInt64
        switch value {
        case .live: return .keep(.tail(value))
        case .absent(let last), .dropped(let last): generation = last + 1
        }
        let tail = Tail(
            name: request.name,
            incarnation: Incarnation(generation: generation, nonce: request.nonce),
            header: request.header, createdBy: request.payload)
        return .replace(.live(tail), .tail(.live(tail)))
    }
}
