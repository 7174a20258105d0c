import BlockModel
import BlockRuntime

/// Linearizable tail reads of one collection, shared: one read serves everybody who asked before it
/// started. Whoever asks while one is under way waits for the next, because the one under way may
/// have looked before the question was asked.
struct TailReads: Sendable {
    enum Waiter: Hashable, Sendable {
        case task(UInt64)
        case writer
    }

    private(set) var isRunning = false
    private var served: [Waiter] = []
    private var next: [Waiter] = []

    /// - Returns: Whether a read has to be started now.
    mutating func ask(_ waiter: Waiter) -> Bool {
        guard isRunning else {
            served.append(waiter)
            isRunning = true
            return true
        }
        next.append(waiter)
        return false
    }

    /// The read under way has ended.
    /// - Returns: Those it serves, and whether another one has to be started.
    mutating func end() -> (served: [Waiter], startsAgain: Bool) {
        defer {
            served = next
            next = []
            isRunning = !served.isEmpty
        }
        return (served, !next.isEmpty)
    }
}
