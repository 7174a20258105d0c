import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// How a transaction stands.
public enum TransactionPhase: Hashable, Sendable {
    /// It reads and writes, and nothing of it has taken effect.
    case open
    /// ``Transaction/commit(timeout:)`` is under way.
    case committing
    /// It has taken effect, everywhere.
    case committed(TransactionCommit)
    /// It has not taken effect anywhere, and never will.
    case rolledBack
    /// It may have taken effect, everywhere or nowhere, or may do so later: ask
    /// ``Database/status(of:timeout:)``.
    case unknown(TransactionID)
}

extension Database {
    /// Begins a transaction that the caller ends: where ``withTransaction(timeout:_:)`` does not
    /// fit. It has the same verbs, and holds nothing in the cluster until it is committed: one that
    /// is let go of was rolled back.
    ///
    /// Every call of it has the database's timeout. A call that throws `.conflict` has rolled it
    /// back, for what it read has changed: begin another one. After any other error of a verb it is
    /// ``TransactionPhase/open`` as before, and can be gone on with. After an error of
    /// ``Transaction/commit(timeout:)`` it is rolled back, or unknown, with an id. So after every
    /// error ``Transaction/phase`` says what holds.
    /// - Throws: `.shuttingDown` when the database was closed.
    public func beginTransaction() async throws -> Transaction {
        try connection.checkOpen()
        return try Transaction(database: self, time: .eachCall(timeout))
    }
}

extension Transaction {
    /// How it stands. In the body of ``Database/withTransaction(timeout:_:)`` it is open.
    public var phase: TransactionPhase { stage.withLock { $0 } }

    /// What its fate can be asked by, also by another process: from when its commit has begun, if
    /// it writes something; nil before. See ``Database/status(of:timeout:)``.
    public var id: TransactionID? { landingID.withLock { $0 } }

    /// Has everything that was written take effect, together, if everything that was read is still
    /// so.
    ///
    /// - Parameter timeout: After it a commit that had no answer asks what became of it, within the
    ///   database's timeout.
    /// - Returns: Its id, and where it took effect.
    /// - Throws: `.conflict` when something that was read has changed; `.commitResultUnknown` when
    ///   it may have taken effect, or may yet: its ``phase`` has the id to ask by, also after a
    ///   `CancellationError`;
    ///   `.invalidArgument` when it is not open, while a statement is being executed, or when it
    ///   belongs to
    ///   ``Database/withTransaction(timeout:_:)``, which commits what its body leaves.
    @discardableResult
    public func commit(timeout: Duration? = nil) async throws -> TransactionCommit {
        try checkSession("commit")
        let deadline = database.connection.now.advanced(by: timeout ?? database.timeout)
        return try await land(until: deadline)
    }

    /// Gives up everything that was written. Nothing of it was visible to others.
    /// - Throws: `.invalidArgument` when it is committed, or may be, and as ``commit(timeout:)``.
    public func rollback() throws {
        try checkSession("rollback")
        guard phase != .rolledBack else { return }
        _ = try end(.rolledBack)
    }

    private func checkSession(_ verb: String) throws(DatabaseError) {
        guard case .eachCall = time else {
            throw DatabaseError(
                .invalidArgument,
                "\(verb)() in withTransaction, which commits when its body returns, and rolls back "
                    + "when it throws")
        }
    }

    /// No verb is taken any more.
    /// - Throws: `.invalidArgument` when it is not open any more.
    func end(_ next: TransactionPhase) throws(DatabaseError) -> TransactionState {
        try stage.withLock { phase throws(DatabaseError) in
            try Transaction.checkOpen(phase)
            phase = next
        }
        return state.withLock { state in
            state.hasEnded = true
            return state
        }
    }

    /// - Throws: `.invalidArgument` when it is not open any more.
    func checkOpen() throws(DatabaseError) { try Transaction.checkOpen(phase) }

    private static func checkOpen(_ phase: TransactionPhase) throws(DatabaseError) {
        guard phase != .open else { return }
        throw DatabaseError(.invalidArgument, "the transaction is \(phase.word), not open")
    }

    /// Lands what was written, and says how it stands then.
    func land(until deadline: Instant) async throws -> TransactionCommit {
        var state = try endStatements()
        var landing: TransactionLanding?
        do {
            try await prepareCustoms(&state, until: deadline)
            landing = try TransactionLanding(
                state, id: action, first: first, stamp: stamp(until: deadline),
                statements: statements)
            landingID.withLock { $0 = landing?.id }
            let commit = try await database.finish(&landing, state, until: deadline)
            stage.withLock { $0 = .committed(commit) }
            return commit
        } catch {
            // A task that stops waiting because it is cancelled knows nothing of what was sent.
            let isCertain = (error as? DatabaseError).map { $0.outcome == .notApplied } ?? false
            let id = isCertain ? nil : landing?.id
            stage.withLock { $0 = id.map { .unknown($0) } ?? .rolledBack }
            throw error
        }
    }

    /// Its body has ended: an application that has kept it can do nothing with it any more.
    func giveUp() { _ = try? end(.rolledBack) }

    /// What a verb threw, and it goes on being thrown: nothing can be committed any more when what
    /// was read has changed.
    func rollBack(after error: any Error) {
        guard (error as? DatabaseError)?.code == .conflict else { return }
        giveUp()
    }
}

extension Database {
    /// Performs the steps of a landing; nil: nothing is written.
    fileprivate func finish(
        _ landing: inout TransactionLanding?, _ state: TransactionState, until deadline: Instant
    ) async throws -> TransactionCommit {
        guard landing != nil else {
            // What was read was so at one moment.
            return TransactionCommit(id: nil, revisions: state.vector([:]))
        }
        while case .ask(let request)? = landing?.next {
            var timeLeft = max(Limits.requestTimeMin, deadline.since(connection.now))
            // Also when the time ran out it is worth while to ask what became of it.
            if case .actionStatus = request { timeLeft = timeout }
            let reply: ClientReply
            do {
                reply = try await connection.request(request, timeout: timeLeft)
            } catch let error as DatabaseError {
                reply = .failed(error)
            }
            try landing?.receive(reply)
        }
        guard let landing, case .landed(let revisions) = landing.next else {
            fatalError("invariant: a transaction ends before it has landed")
        }
        let known = TransactionCommit(id: landing.id, revisions: state.vector(revisions))
        // Who found out later what became of it knows the home's revision only.
        guard known.revisions.elements.count < state.usedCount,
            let decided = revisions[landing.id.home.collection],
            let told = try? await commit(of: landing.id, decidedAt: decided, timeout: timeout)
        else { return known }
        return told
    }
}

extension TransactionState {
    /// Where everything that it used was, given where it landed.
    fileprivate func vector(_ landed: [CollectionID: Revision]) -> RevisionVector {
        RevisionVector(
            drafts.compactMap { draft in
                let read = draft.writesSomething ? nil : draft.snapshot
                return (landed[draft.info.collection] ?? read).map { (draft.info, $0) }
            })
    }

    /// Collections that it read or wrote.
    fileprivate var usedCount: Int {
        drafts.count { $0.writesSomething || $0.snapshot != nil }
    }
}

extension TransactionPhase {
    fileprivate var word: String {
        switch self {
        case .open: "open"
        case .committing: "being committed"
        case .committed: "committed"
        case .rolledBack: "rolled back"
        case .unknown: "of unknown outcome"
        }
    }
}
