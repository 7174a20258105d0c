import BlockModel
import BlockRuntime

/// Linearizable tail reads of one collection, shared: one read serves every task, and the writer,
/// that asked before it started. What asks while one is under way waits for the next, because the
/// one under way may have looked before the question was asked.
struct TailReads: Sendable {
    enum Waiter: Hashable, Sendable {
        case task(UInt64)
        case writer
        case transaction(HostedTransactions.ID)
    }

    private var isRunning = false
    /// The waiters whom the read under way serves.
    private(set) var served: [Waiter] = []
    private var next: [Waiter] = []
    /// The deepest reason known why the read under way, or the last one, takes so long.
    private(set) var trouble: DatabaseError?

    /// All who wait, for this read or the next.
    var waiting: [Waiter] { served + next }

    mutating func learned(_ error: DatabaseError) { trouble = error.orDeeper(trouble) }

    /// - Returns: Whether ``begin()`` is to be called, when all that arrived together has asked:
    ///   no read is under way, and no earlier waiter was told so.
    mutating func ask(_ waiter: Waiter) -> Bool {
        next.append(waiter)
        return !isRunning && next.count == 1
    }

    /// - Returns: Whether a read is to be made, for all who wait.
    mutating func begin() -> Bool {
        guard !isRunning, !next.isEmpty else { return false }
        invariant(served.isEmpty, "waiters of a read that has ended")
        served = next
        next = []
        isRunning = true
        return true
    }

    /// The read under way has ended. - Returns: Those it serves.
    mutating func end() -> [Waiter] {
        invariant(isRunning && !served.isEmpty, "the end of a tail read that was not begun")
        defer { served = [] }
        trouble = nil
        isRunning = false
        return served
    }

    /// Stops the process unless a read serves waiters exactly while it is under way.
    func checkInvariants() {
        invariant(isRunning == !served.isEmpty, "\(served.count) served, running: \(isRunning)")
        invariant(isRunning || !next.isEmpty, "tail reads are kept for no waiter")
    }
}
