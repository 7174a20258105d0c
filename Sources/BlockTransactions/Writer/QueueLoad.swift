import BlockModel

/// Which actions of a collection wait, and what they take, together and by client.
struct QueueLoad: Sendable {
    private(set) var bytes = 0
    private var actions: Set<ActionID> = []
    private var byClient: [CollectionWriter.Client: Int] = [:]

    func bytes(of client: CollectionWriter.Client) -> Int { byClient[client] ?? 0 }

    /// Whether an action waits.
    /// - Complexity: O(1), where a look at the queue is one at everybody in it.
    func contains(_ action: ActionID) -> Bool { actions.contains(action) }

    mutating func add(_ action: PendingAction) {
        actions.insert(action.action)
        bytes += action.weight
        byClient[action.client, default: 0] += action.weight
    }

    mutating func remove(_ action: PendingAction) {
        actions.remove(action.action)
        bytes -= action.weight
        let left = bytes(of: action.client) - action.weight
        byClient[action.client] = left == 0 ? nil : left
    }

    mutating func removeAll() {
        bytes = 0
        actions = []
        byClient = [:]
    }
}
