import BlockModel
import BlockRuntime
import BlockTransactions

/// What a proxy holds, in numbers.
package struct ProxyMemory: Equatable, Sendable {
    /// Collections of which it is known when they were used last.
    package let collectionCount: Int
    /// Alarms, those that nobody waits for any more included.
    package let alarmCount: Int
    package let writerCount: Int
    package let historyCount: Int
    package let tailCount: Int
    /// Bytes of objects and blocks that tasks hold.
    package let taskBytes: Int
    /// Bytes of what is known of collections, about.
    package let historyBytes: Int
    package let writerBytes: Int
    package let suspicionCount: Int
}

/// Bytes that are kept for collections, about, and of all of them together.
struct CollectionWeights: Sendable {
    private var weights: [CollectionID: Int] = [:]
    private(set) var total = 0

    /// - Parameter weight: nil when nothing is kept any more.
    mutating func set(_ collection: CollectionID, _ weight: Int?) {
        total += (weight ?? 0) - (weights[collection] ?? 0)
        weights[collection] = weight
    }
}

/// What is held for requests is bounded in bytes, for each client and for all.
extension ClientProxy {
    /// Counts what a task holds after a step.
    mutating func account(for task: inout ProxyTask, isOver: Bool) {
        if task.fetched.isEmpty { task.objectBytes = 0 }
        let bytes = isOver ? 0 : task.bufferBytes
        taskBytes.remove(task.heldBytes, for: task.client)
        taskBytes.add(bytes, for: task.client)
        task.heldBytes = bytes
    }

    /// Whether a task may hold so much more. One that may not is answered, and its client told to
    /// ask for less at once.
    mutating func mayHold(_ id: UInt64, _ bytes: Int) -> Bool {
        guard let task = tasks[id],
            let refusal = taskBytes.refusal(of: bytes, for: task.client)
        else { return true }
        runTask(id, .reply(.failed(refusal)))
        return false
    }
}
