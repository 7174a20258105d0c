import BlockStructures
import BlockTransactions
import OptimysticClient

/// A collection of an application's own kind: its actions run here, on a local snapshot, and become
/// durable when ``sync(timeout:)`` says so.
///
/// ``act(_:)`` shows its effect at once, to this object only. ``update(timeout:)`` brings what
/// others did; ``sync(timeout:)`` lands the pending actions as one atomic entry, each exactly once.
/// Calls exclude each other: one that comes while another is under way waits for it.
public actor CustomCollection<Action: Sendable> {
    /// As it was when it was opened.
    public nonisolated let info: CollectionInfo

    private let database: Database
    private nonisolated let behavior: CollectionBehavior<Action>
    private let local: LocalCollection<Action>
    private var lock = AsyncLock()
    private var generator: SeededGenerator

    init(
        database: Database, info: CollectionInfo, local: LocalCollection<Action>,
        generator: SeededGenerator
    ) {
        self.database = database
        self.info = info
        behavior = local.behavior
        self.local = local
        self.generator = generator
    }

    public nonisolated var name: String { info.name }

    /// The revision of the snapshot, which only grows.
    public var revision: Revision { local.revision }

    /// The actions that are not known to be durable, oldest first.
    public var pending: [Action] { local.pending.map(\.action) }

    // MARK: Here

    /// Does an action on the local snapshot and keeps it for the next sync: all of it, or nothing
    /// when this throws.
    ///
    /// - Throws: What the handler throws; `.valueTooLarge`; and what reading blocks throws.
    public func act(_ action: Action, timeout: Duration? = nil) async throws {
        try await exclusively(timeout) { deadline in
            let id = database.makeActionID()
            try await withBlocks(deadline) { try local.act(action, id: id) }
        }
    }

    /// Looks at the local snapshot as the pending actions leave it. Changes are undone.
    ///
    /// - Parameter body: Must let pass every error that the scope throws; runs again then, with
    ///   the blocks it missed.
    public func read<Result: Sendable>(
        timeout: Duration? = nil, _ body: @Sendable (ActionScope) throws -> Result
    ) async throws -> Result {
        try await exclusively(timeout) { deadline in
            try await withBlocks(deadline) { try local.read(body) }
        }
    }

    // MARK: With the others

    /// Brings the snapshot to the newest revision, linearizable, and runs the pending actions on
    /// it, after the behaviour has said what becomes of them.
    @discardableResult
    public func update(timeout: Duration? = nil) async throws -> CollectionUpdate<Action> {
        try await exclusively(timeout) { try await catchUp($0) }
    }

    /// Lands all pending actions, each exactly once. When this returns they are synced to the disks
    /// of a majority of the replicas of everything they touched.
    ///
    /// Where others were first it updates, and goes on; ``CollectionUpdate`` tells what that did to
    /// the actions.
    /// - Throws: `.conflict` when others were first until the time ran out: the actions are still
    ///   pending. `.commitResultUnknown` when they may or may not have landed: they are still
    ///   pending as well, and the next sync finds out, without landing anything twice.
    @discardableResult
    public func sync(timeout: Duration? = nil) async throws -> CollectionUpdate<Action> {
        try await exclusively(timeout) { deadline in
            var report = try await catchUp(deadline)
            var backoff = Backoff(base: .milliseconds(10), longest: .milliseconds(500))
            while let attempt = try await nextAttempt(deadline) {
                switch try await send(attempt, deadline) {
                case .landed: backoff.reset()
                case .overtaken:
                    let delay = backoff.next(using: &generator)
                    guard database.connection.now.advanced(by: delay) < deadline else {
                        throw DatabaseError(
                            .conflict,
                            "others were first until the time ran out; "
                                + "\(local.pending.count) actions are still pending")
                    }
                    await database.connection.pause(delay)
                    try Task.checkCancellation()
                    report.add(try await catchUp(deadline))
                }
            }
            report.revision = local.revision
            await makeFinal(deadline)
            return report
        }
    }

    /// The actions of the collection that landed, above the revision of `position` and up to the
    /// newest when reading begins, in the order in which they landed or the other way round.
    /// - Throws: From the iterator: `.positionNotFound` when the position does not exist yet, or is
    ///   one of another life of the collection.
    public nonisolated func log(
        after position: CollectionPosition? = nil, direction: ReadDirection = .forward,
        timeout: Duration? = nil
    ) -> LoggedActions<Action> {
        LoggedActions(
            database: database, info: info, behavior: behavior, after: position,
            direction: direction,
            timeout: timeout ?? database.timeout)
    }

    // MARK: Steps

    private enum Outcome {
        case landed, overtaken
    }

    private func nextAttempt(_ deadline: Instant) async throws -> CommitAttempt? {
        let payload = PayloadID(action: database.makeActionID(), execution: 0)
        let wall = database.wallMilliseconds
        return try await withBlocks(deadline) {
            try local.attempt(payload: payload, wallMilliseconds: wall)
        }
    }

    private func send(_ attempt: CommitAttempt, _ deadline: Instant) async throws -> Outcome {
        let reply: ClientReply
        do {
            reply = try await database.connection.request(
                .commit(attempt), timeout: timeLeft(deadline))
        } catch let error as DatabaseError where error.outcome == .notApplied {
            local.attemptWasNotBegun()
            throw error
        }
        switch reply {
        case .committed(let revision, _):
            return local.attemptLanded(at: revision) ? .landed : .overtaken
        case .refused(.gone):
            local.attemptWasNotBegun()
            throw DatabaseError(
                .collectionNotFound,
                "\"\(name)\" was dropped, and perhaps created again, since it was opened")
        case .refused(.fenced):
            // It never lands: the actions go into another attempt.
            local.attemptWasNotBegun()
            return .overtaken
        case .refused: return .overtaken
        default: throw Database.misfit(reply)
        }
    }

    /// Reads the log to its end and runs the pending actions on what it shows.
    private func catchUp(_ deadline: Instant) async throws -> CollectionUpdate<Action> {
        try await readLog(deadline)
        var update = local.settle { database.makeActionID() }
        update.failed += try await withBlocks(deadline) { try local.replayAll() }
        return update
    }

    /// Reads pages until the last one.
    private func readLog(_ deadline: Instant) async throws {
        while true {
            let request = LogReadRequest(
                collection: info.collection, incarnation: info.incarnation,
                after: local.nextPageAfter)
            let page = try await database.ask(
                .readLog(request), timeout: timeLeft(deadline)
            ) { reply in
                if case .logPage(let page) = reply { page } else { nil }
            }
            if try local.read(page) { return }
        }
    }

    /// Runs `body`, again with the blocks it missed, until it has them all.
    private func withBlocks<Result>(
        _ deadline: Instant, _ body: () throws -> Result
    ) async throws -> Result {
        while true {
            do {
                return try body()
            } catch let missing as MissingBlocks {
                let requests = local.requests(for: missing)
                let copies = try await database.ask(
                    .readBlocks(requests), timeout: timeLeft(deadline)
                ) { reply in
                    if case .blocks(let copies) = reply { copies } else { nil }
                }
                try local.add(copies, for: requests)
            }
        }
    }

    /// Makes older entries final, so that readers need not know of them one by one. A hint: what
    /// cannot be done now is done later.
    private func makeFinal(_ deadline: Instant) async {
        for entry in local.entriesToFinalise() {
            let reply = try? await database.connection.request(
                .finalise(entry), timeout: timeLeft(deadline))
            local.finaliseEnded(entry, isFinal: reply == .finalised)
        }
    }

    private func timeLeft(_ deadline: Instant) -> Duration {
        max(.milliseconds(1), deadline.since(database.connection.now))
    }

    private func exclusively<Result>(
        _ timeout: Duration?, _ body: (Instant) async throws -> Result
    ) async throws -> Result {
        let deadline = database.connection.now.advanced(by: timeout ?? database.timeout)
        if !lock.tryTake() { await withCheckedContinuation { lock.wait($0) } }
        defer { lock.release() }
        try Task.checkCancellation()
        return try await body(deadline)
    }
}
