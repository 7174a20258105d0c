import BlockModel
import BlockRuntime
import Synchronization

/// The answer to a request that is on its way: asked for at once, awaited when it is needed.
///
/// Letting go of it cancels the request: no caller waits any more, and it is not tried again. What
/// was sent may still be carried out.
package final class PendingReply: Sendable {
    private let slot: ReplySlot
    private let onAbandon: @Sendable () -> Void

    init(slot: ReplySlot, onAbandon: @escaping @Sendable () -> Void) {
        self.slot = slot
        self.onAbandon = onAbandon
    }

    deinit {
        if slot.abandon() { onAbandon() }
    }

    /// Waits for the answer. Only one task may wait; the answer is handed out once.
    ///
    /// - Throws: The `DatabaseError` of a failure; `CancellationError` when the task is cancelled.
    package func value() async throws -> ClientReply {
        let reply = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { slot.wait($0) }
        } onCancel: {
            if slot.cancel() { onAbandon() }
        }
        if case .failed(let error) = reply { throw error }
        return reply
    }
}

/// Where the event loop leaves a reply and a task picks it up, in either order.
final class ReplySlot: Sendable {
    typealias Continuation = CheckedContinuation<ClientReply, any Error>

    private enum State {
        case empty
        case awaited(Continuation)
        case filled(ClientReply)
        case cancelled
        case finished
    }

    private let state = Mutex(State.empty)

    func fill(_ reply: ClientReply) {
        let waiter = state.withLock { state -> Continuation? in
            switch state {
            case .empty: state = .filled(reply)
            case .awaited(let continuation):
                state = .finished
                return continuation
            case .filled, .cancelled, .finished: break
            }
            return nil
        }
        waiter?.resume(returning: reply)
    }

    func wait(_ continuation: Continuation) {
        enum Readiness {
            case ready(ClientReply)
            case cancelled, later
        }
        let readiness = state.withLock { state -> Readiness in
            switch state {
            case .empty:
                state = .awaited(continuation)
                return .later
            case .filled(let reply):
                state = .finished
                return .ready(reply)
            case .cancelled: return .cancelled
            case .awaited, .finished:
                invariant(false, "a reply is awaited once")
                return .cancelled
            }
        }
        switch readiness {
        case .ready(let reply): continuation.resume(returning: reply)
        case .cancelled: continuation.resume(throwing: CancellationError())
        case .later: break
        }
    }

    /// The waiting task was cancelled. - Returns: Whether the request is still under way.
    func cancel() -> Bool {
        let (waiter, isUnderWay) = state.withLock { state -> (Continuation?, Bool) in
            switch state {
            case .empty:
                state = .cancelled
                return (nil, true)
            case .awaited(let continuation):
                state = .cancelled
                return (continuation, true)
            case .filled, .cancelled, .finished: return (nil, false)
            }
        }
        waiter?.resume(throwing: CancellationError())
        return isUnderWay
    }

    /// The caller will ask no more. - Returns: Whether the request is still under way.
    func abandon() -> Bool {
        state.withLock { state in
            guard case .empty = state else { return false }
            state = .cancelled
            return true
        }
    }
}
