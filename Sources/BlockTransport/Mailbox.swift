import BlockRuntime
import Synchronization

/// Hands values from any thread or task to one event loop.
///
/// The loop is woken once for each change from empty to non-empty, not once for each value: a wake
/// costs a system call, a lock does not. The loop drains after every wait.
package final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        /// What later posts are told; nil while it is open.
        var refusal: DatabaseError?
    }

    private let state = Mutex(State())
    private let waker: Waker
    private let countMax: Int

    /// - Parameters:
    ///   - waker: Of the loop that drains.
    ///   - countMax: Values held at most.
    package init(waker: Waker, countMax: Int = Limits.mailboxCountMax) {
        invariant(countMax > 0, "a mailbox for \(countMax) values")
        self.waker = waker
        self.countMax = countMax
    }

    /// Leaves a value for the loop.
    ///
    /// - Throws: `.overloaded` when the mailbox is full; when it is closed, why. The value was not
    ///   taken.
    package func post(_ element: Element) throws(DatabaseError) {
        // The wake is a system call and the error builds text: both happen outside the lock.
        let outcome = state.withLock { state -> Posting in
            if let refusal = state.refusal { return .closed(refusal) }
            guard state.elements.count < countMax else { return .full }
            state.elements.append(element)
            return state.elements.count == 1 ? .first : .another
        }
        switch outcome {
        case .first: waker.wake()
        case .another: break
        case .full:
            throw DatabaseError(
                .overloaded, "mailbox holds \(countMax) values, its limit; the loop is behind")
        case .closed(let refusal): throw refusal
        }
    }

    /// Takes everything, in the order of posting. Values of one thread keep their order.
    package func drain() -> [Element] {
        state.withLock { state in
            let taken = state.elements
            state.elements = []
            return taken
        }
    }

    /// Refuses further values. What is held can still be drained.
    /// - Parameter cause: What later posts are told, the first one given; nil: `.shuttingDown`.
    package func close(because cause: DatabaseError? = nil) {
        let refusal =
            cause ?? DatabaseError(.shuttingDown, "the loop that reads this mailbox has ended")
        state.withLock { $0.refusal = $0.refusal ?? refusal }
    }

    /// - Throws: What a post would be told for good: that it is closed, and why.
    package func checkOpen() throws(DatabaseError) {
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    }

    package var count: Int { state.withLock { $0.elements.count } }

    private enum Posting {
        case first, another, full
        case closed(DatabaseError)
    }
}
