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

    private var isRunning = false
    /// Those whom the read under way serves.
    private(set) var served: [Waiter] = []
    private var next: [Waiter] = []
    /// The deepest reason known why the read under way, or the last one, takes so long.
    private(set) var trouble: DatabaseError?

    /// All who wait, for this read or the next.
    var waiting: [Waiter] { served + next }

    mutating func learned(_ error: DatabaseError) { trouble = error.orDeeper(trouble) }

    /// - Returns: Whether nobody has seen to it yet that a read begins: it should, when all that
    ///   arrived together has asked.
    mutating func ask(_ waiter: Waiter) -> Bool {
        next.append(waiter)
        return !isRunning && next.count == 1
    }

    /// - Returns: Whether a read is to be made, for everybody who waits.
    mutating func begin() -> Bool {
        guard !isRunning, !next.isEmpty else { return false }
        served = next
        next = []
        isRunning = true
        return true
    }

    /// The read under way has ended. - Returns: Those it serves.
    mutating func end() -> [Waiter] {
        defer { served = [] }
        trouble = nil
        isRunning = false
        return served
    }
}
