import BlockModel
import BlockRuntime

/// Which actions of a collection wait, and what they take, together and by client.
struct QueueLoad: Sendable {
    private(set) var bytes = 0
    private var actions: Set<ActionID> = []
    private var byClient: [CollectionWriter.Client: Int] = [:]

    var count: Int { actions.count }

    func bytes(of client: CollectionWriter.Client) -> Int { byClient[client] ?? 0 }

    /// Whether an action waits.
    /// - Complexity: O(1), where a search of the queue is one of all its actions.
    func contains(_ action: ActionID) -> Bool { actions.contains(action) }

    mutating func add(_ action: PendingAction) {
        let isNew = actions.insert(action.action).inserted
        invariant(isNew, "\(action.action) waits twice")
        bytes += action.weight
        byClient[action.client, default: 0] += action.weight
    }

    mutating func remove(_ action: PendingAction) {
        let wasThere = actions.remove(action.action) != nil
        invariant(wasThere, "\(action.action) leaves a queue that it was not in")
        bytes -= action.weight
        let left = bytes(of: action.client) - action.weight
        invariant(left >= 0, "client \(action.client) has \(left) bytes in the queue")
        byClient[action.client] = left == 0 ? nil : left
    }

    /// Why `client` may not add an action of `actionBytes` now; nil when it may.
    func problem(_ actionBytes: Int, of client: CollectionWriter.Client) -> DatabaseError? {
        let more = actionBytes + Limits.queuedActionBytes
        if bytes + more > Limits.collectionQueueBytesMax {
            return overloaded(
                "\(bytes + more) bytes wait for this collection, collectionQueueBytesMax = "
                    + "\(Limits.collectionQueueBytesMax)")
        }
        // Of one client: the rest of the queue is for the others.
        if bytes(of: client) + more > Limits.clientQueueBytesMax {
            return overloaded(
                "\(bytes(of: client) + more) bytes of this client wait for this collection, "
                    + "clientQueueBytesMax = \(Limits.clientQueueBytesMax)")
        }
        if count >= Limits.collectionQueueCountMax {
            return overloaded(
                "\(count) actions wait for this collection, collectionQueueCountMax = "
                    + "\(Limits.collectionQueueCountMax)")
        }
        return nil
    }

    private func overloaded(_ message: String) -> DatabaseError {
        DatabaseError(.overloaded, message, retryAfter: RetryTiming.afterFullBudget)
    }

    func checkInvariants() {
        let sum = byClient.values.reduce(0, +)
        invariant(sum == bytes, "clients have \(sum) of \(bytes) bytes")
        invariant(byClient.values.allSatisfy { $0 > 0 }, "a client without bytes is counted")
        invariant(actions.isEmpty == (bytes == 0), "\(count) actions weigh \(bytes) bytes")
    }
}
