/// Lets one task at a time through, in the order in which they came. To be used inside one actor.
struct AsyncLock {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Returns: Whether the lock was free and is taken now; otherwise wait.
    mutating func tryTake() -> Bool {
        guard !isTaken else { return false }
        isTaken = true
        return true
    }

    /// - Precondition: ``tryTake()`` has just failed.
    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) {
        waiting.append(continuation)
    }

    /// Hands the lock to the next one who waits.
    mutating func release() {
        if waiting.isEmpty {
            isTaken = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}
