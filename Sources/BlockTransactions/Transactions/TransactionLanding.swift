import BlockModel
import BlockRuntime

/// How a transaction lands what it wrote: one action, sent under one id; where no answer says what
/// became of it, that is asked for, and never found out by sending another.
///
/// The SDK and the simulator perform the steps.
package struct TransactionLanding: Sendable {
    package enum Step: Sendable {
        /// Then ``receive(_:)`` what came of it.
        case ask(ClientRequest)
        /// The writes are durable.
        case landed
    }

    private enum Stage: Sendable {
        case acting
        case asking(because: DatabaseError)
        case landed
    }

    /// What is sent.
    package let request: ActionRequest
    private var doubt = AttemptDoubt()
    private var stage = Stage.acting

    /// - Returns: nil when nothing was written.
    /// - Throws: What is wrong with the action.
    package init?(_ state: TransactionState, id: ActionID) throws(DatabaseError) {
        let action = state.action
        guard let info = state.collection, !action.operations.isEmpty else { return nil }
        if let problem = action.problem { throw problem }
        request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation, action: id,
            firstRevision: state.firstRevision, content: .tree(action))
    }

    package var next: Step {
        switch stage {
        case .acting: .ask(.act(request))
        case .asking:
            .ask(
                .actionStatus(
                    ActionStatusRequest(
                        collection: request.collection, incarnation: request.incarnation,
                        action: request.action, firstRevision: request.firstRevision)))
        case .landed: .landed
        }
    }

    /// What came of what was asked; an error is a reply like any other.
    /// - Throws: `.conflict` when something that was read is no longer so; what ended it otherwise,
    ///   with an unknown outcome where that is the truth.
    package mutating func receive(_ reply: ClientReply) throws(DatabaseError) {
        switch (stage, reply) {
        case (.acting, .acted(let landing)), (.asking, .actionStatus(let landing?, _)):
            try take(landing)
        case (.acting, .failed(let error)):
            doubt.handedOver()
            doubt.tryEnded(error)
            guard doubt.mayHaveCommitted else { throw error }
            stage = .asking(because: error)
        case (.acting, _):
            doubt.raise()
            stage = .asking(because: TransactionLanding.unexpectedReply)
        case (.asking(let error), _):
            // Not there up to now, or no log can say: it may still come.
            var told = doubt.told(error)
            told.message +=
                "; it was action \(request.action), first sent at revision \(request.firstRevision)"
            throw told
        case (.landed, _): invariant(false, "an answer that nobody asked for")
        }
    }

    private mutating func take(_ landing: ActionLanding) throws(DatabaseError) {
        switch landing.outcome {
        case .tree(.applied): stage = .landed
        case .tree(.conflict(let check)):
            throw DatabaseError(
                .conflict,
                "condition \(check) did not hold at revision \(landing.position.revision)")
        case .appended, .queue: throw TransactionLanding.unexpectedReply
        }
    }

    private static var unexpectedReply: DatabaseError {
        DatabaseError(
            .malformedMessage, "the proxy answered something else than was asked",
            outcome: .unknown)
    }
}

/// When a transaction that met a conflict runs again.
package struct TransactionRetry: Sendable {
    private let deadline: Instant
    private var backoff = Backoff(.bodies)

    package init(until deadline: Instant) { self.deadline = deadline }

    /// - Returns: How long to wait before the body runs again, on a newer revision.
    /// - Throws: `error`, when there is no time for that, or when it is no conflict.
    package mutating func pause(
        after error: DatabaseError, at now: Instant, using generator: inout SeededGenerator
    ) throws(DatabaseError) -> Duration {
        guard error.code == .conflict else { throw error }
        let delay = backoff.next(using: &generator)
        guard now.advanced(by: delay) < deadline else { throw error }
        return delay
    }
}
