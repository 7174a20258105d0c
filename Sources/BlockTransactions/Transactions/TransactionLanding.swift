import BlockModel
import BlockRuntime

/// How a transaction lands what it wrote: one request, sent under one id; where no proxy says what
/// became of it, that is asked for, and never found out by sending another.
///
/// The SDK and the simulator perform the steps.
package struct TransactionLanding: Sendable {
    package enum Step: Sendable {
        /// Then ``receive(_:)`` what came of it.
        case ask(ClientRequest)
        /// The writes are durable: at these revisions, as far as the answer says.
        case landed([CollectionID: Revision])
    }

    /// What is sent.
    package enum Work: Sendable {
        /// One action on the one tree that was used.
        case act(ActionRequest)
        case transact(TransactionRequest)
    }

    private enum Stage: Sendable {
        case acting
        case asking(because: DatabaseError)
        case landed([CollectionID: Revision])
    }

    package let work: Work
    /// Asks what became of it, where it is decided.
    private let question: ActionStatusRequest
    private var doubt = AttemptDoubt()
    private var stage = Stage.acting

    /// - Parameters:
    ///   - first: The id of the first run of the body; nil for that itself.
    ///   - stamp: What it says of itself.
    ///   - statements: What the engine that the stamp names was given.
    /// - Returns: nil when nothing is written: what was read was so at one moment.
    /// - Throws: What is wrong with what is to land.
    package init?(
        _ state: TransactionState, id: ActionID, first: ActionID? = nil,
        stamp: TransactionStamp, statements: [Bytes] = []
    ) throws(DatabaseError) {
        let written = state.drafts.filter(\.writesSomething)
        // The greatest of those that are written decides (protocol: home-is-fixed).
        guard let home = written.max(by: { $0.info.collection < $1.info.collection }) else {
            return nil
        }
        let parts = state.drafts.compactMap(\.part)
        invariant(
            parts.contains { $0.collection == home.info.collection },
            "what decides has no part in it")
        question = ActionStatusRequest(
            collection: home.info.collection, incarnation: home.info.incarnation, action: id,
            firstRevision: home.firstRevision)
        // What one action is made of stands in the action itself.
        if parts.count == 1, stamp.engine == .actions,
            case .tree(let action)? = parts[0].actions.first
        {
            if let problem = action.problem { throw problem }
            work = .act(
                ActionRequest(
                    collection: question.collection, incarnation: question.incarnation,
                    action: id, firstRevision: question.firstRevision, content: .tree(action),
                    body: first ?? id))
        } else {
            let request = TransactionRequest(
                action: id, home: question.collection, parts: parts, first: first,
                source: TransactionSource(
                    stamp: stamp, statements: statements, reads: state.reads))
            if let problem = request.problem { throw problem }
            work = .transact(request)
        }
    }

    /// What its fate is asked by.
    package var id: TransactionID {
        TransactionID(
            action: question.action,
            home: CollectionLife(
                collection: question.collection, incarnation: question.incarnation),
            firstRevision: question.firstRevision)
    }

    package var next: Step {
        switch (stage, work) {
        case (.acting, .act(let request)): .ask(.act(request))
        case (.acting, .transact(let request)): .ask(.transact(request))
        case (.asking, _): .ask(.actionStatus(question))
        case (.landed(let revisions), _): .landed(revisions)
        }
    }

    /// What came of what was asked; an error is a reply like any other.
    /// - Throws: `.conflict` when something that was read is no longer so; what ended it otherwise,
    ///   with an unknown outcome where that is the truth.
    package mutating func receive(_ reply: ClientReply) throws(DatabaseError) {
        switch (stage, reply) {
        case (.acting, .transacted(let parts)):
            stage = .landed(
                Dictionary(
                    parts.map { ($0.collection, $0.revision) }, uniquingKeysWith: { $1 }))
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
            told.message += "; it was transaction \(id)"
            throw told
        case (.landed, _): invariant(false, "an answer that nobody asked for")
        }
    }

    private mutating func take(_ landing: ActionLanding) throws(DatabaseError) {
        let landed = Stage.landed([question.collection: landing.position.revision])
        switch landing.outcome {
        case .tree(.applied): stage = landed
        case .tree(.conflict(let check)):
            // Its proxy has kept its place.
            throw DatabaseError(
                .conflict,
                "condition \(check) did not hold at revision \(landing.position.revision)",
                retryAfter: RetryTiming.keptTurn)
        // Of other kinds only what landed is in a log.
        case .appended, .queue: stage = landed
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
        // Where its place is kept others wait for it.
        let delay = error.retryAfter ?? backoff.next(using: &generator)
        guard now.advanced(by: delay) < deadline else { throw error }
        return delay
    }
}
