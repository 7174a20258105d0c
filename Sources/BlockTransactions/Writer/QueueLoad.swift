/// What the waiting actions of a collection take, together and by client.
struct QueueLoad: Sendable {
    private(set) var bytes = 0
    private var byClient: [CollectionWriter.Client: Int] = [:]

    func bytes(of client: CollectionWriter.Client) -> Int { byClient[client] ?? 0 }

    mutating func add(_ action: PendingAction) {
        bytes += action.weight
        byClient[action.client, default: 0] += action.weight
    }

    mutating func remove(_ action: PendingAction) {
        bytes -= action.weight
        let left = bytes(of: action.client) - action.weight
        byClient[action.client] = left == 0 ? nil : left
    }

    mutating func removeAll() {
        bytes = 0
        byClient = [:]
    }
}
