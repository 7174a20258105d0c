import BlockModel

extension TailFunction {
    /// Creates a collection: the first change of the register, so that two creators of one name
    /// have one arbiter. What the value says of the creation, ``Creation/fate(in:)`` tells.
    static func create(_ request: CreateCollection, _ value: TailValue) -> TailDecision {
        guard request.creation.fate(in: value) == .open else { return .keep(.tail(value)) }
        let tail = Tail(
            name: request.name,
            incarnation: Incarnation(generation: value.generation + 1, nonce: request.nonce),
            header: request.header, createdBy: request.creation.action)
        return .replace(.live(tail), .tail(.live(tail)))
    }
}
