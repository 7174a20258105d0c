import BlockModel
import BlockRuntime
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

    /// The name that it was opened by.
    public nonisolated var name: String { info.name }

    /// The revision of the snapshot, which only grows.
    public var revision: Revision { local.revision }

    /// The actions that are not known to be durable, oldest first.
    public var pending: [Action] { local.pending.map(\.action) }

    /// Those of ``pending`` that may have landed, or may land yet, by an attempt whose outcome is
    /// not known. An update or a sync finds out, as long as this life of the collection goes on;
    /// once it was dropped neither can, and they stay what they are.
    public var mayHaveCommitted: [(id: ActionID, action: Action)] {
        local.doubtful.map { ($0.id, $0.action) }
    }

    /// What became of pending actions and no call has returned yet, because it threw: those that
    /// were dropped, replaced, found to have landed or to fail, or landed by a sync that then
    /// failed. The next ``update(timeout:)`` or ``sync(timeout:)`` that returns tells it as well.
    public var untold: CollectionBehavior<Action>.Update { local.untold }

    // MARK: Here

    /// Does an action on the local snapshot and keeps it for the next sync: all of it, or nothing
    /// when this throws.
    ///
    /// - Throws: What the handler throws; `.valueTooLarge`; and what reading blocks throws.
    public func act(_ action: Action, timeout: Duration? = nil) async throws {
        try await exclusively(timeout) { deadline in
            let id = database.makeActionID()
            try await perform(.run { [local] in try local.act(action, id: id) }, deadline)
        }
    }

    /// Looks at the local snapshot as the pending actions leave it. Changes are undone.
    ///
    /// - Parameter body: Must let pass every error that the scope throws; runs again then, with
    ///   the blocks it missed.
    public func read<Result: Sendable>(
        timeout: Duration? = nil, _ body: @escaping @Sendable (ActionScope) throws -> Result
    ) async throws -> Result {
        try await exclusively(timeout) { deadline in
            var result: Result?
            try await perform(.run { [local] in result = try local.read(body) }, deadline)
            guard let result else { fatalError("invariant: a body that ended has a result") }
            return result
        }
    }

    // MARK: With the others

    /// Brings the snapshot to the newest revision, linearizable, and runs the pending actions on
    /// it, after the behaviour has said what becomes of them.
    ///
    /// - Throws: What reading throws; it is `unknown` while ``mayHaveCommitted`` names actions.
    ///   What had become of pending actions by then is in ``untold``.
    @discardableResult
    public func update(timeout: Duration? = nil) async throws -> CollectionBehavior<Action>.Update {
        try await exclusively(timeout) { try await perform(.update, $0) }
    }

    /// Lands all pending actions, each exactly once. When this returns they are synced to the disks
    /// of a majority of the replicas of everything they touched.
    ///
    /// Where others were first it updates, and goes on; ``CollectionBehavior/Update`` tells what
    /// that did to the actions.
    /// - Throws: `.conflict` when others were first until the time ran out: the actions are still
    ///   pending. `.commitResultUnknown` when those that ``mayHaveCommitted`` names may or may not
    ///   have landed: they are still pending as well, and the next sync finds out, without landing
    ///   anything twice. Until one has, every error says so, whatever it was that went wrong: also
    ///   when the collection was dropped meanwhile, and then for ever. What had become of other
    ///   actions by then is in ``untold``.
    @discardableResult
    public func sync(timeout: Duration? = nil) async throws -> CollectionBehavior<Action>.Update {
        try await exclusively(timeout) { try await perform(.sync, $0) }
    }

    /// The actions of the collection that landed, above the revision of `position` and up to the
    /// newest when reading begins, in the order in which they landed or the other way round.
    /// - Throws: From the iterator: `.positionNotFound` when the position does not exist yet, or is
    ///   one of another life of the collection.
    public nonisolated func log(
        after position: CollectionPosition? = nil, direction: ReadDirection = .forward,
        timeout: Duration? = nil
    ) -> LoggedActions {
        LoggedActions(
            database: database, info: info, behavior: behavior, after: position,
            direction: direction,
            timeout: timeout ?? database.timeout)
    }

    // MARK: In a transaction

    /// The collection for one transaction: as new as it gets, with nothing pending.
    func forTransaction(timeout: Duration) async throws -> CustomCollection<Action> {
        let known = local.known
        let own = CustomCollection(
            database: database, info: info, local: LocalCollection(known),
            generator: generator.fork())
        try await own.update(timeout: timeout)
        return own
    }

    /// As ``act(_:timeout:)``, under the id that an action of a transaction has by its number.
    func act(_ action: Action, of transaction: ActionID, timeout: Duration) async throws {
        try await exclusively(timeout) { deadline in
            let number = local.pending.count
            let id = number == 0 ? transaction : transaction.following(number)
            try await perform(.run { [local] in try local.act(action, id: id) }, deadline)
        }
    }

    /// What the pending actions do, for the transaction that lands them.
    func prepared(timeout: Duration) async throws -> PreparedPart? {
        try await exclusively(timeout) { deadline in
            var part: PreparedPart?
            let body: () throws -> Void = { [local] in
                part = try local.prepared().map { PreparedPart(actions: $0, prepared: $1) }
            }
            try await perform(.run(body), deadline)
            return part
        }
    }

    // MARK: Steps

    /// Performs a call step by step: what the simulator does in simulated time.
    @discardableResult
    private func perform(
        _ kind: LocalCollectionCall<Action>.Kind, _ deadline: Instant
    ) async throws -> CollectionBehavior<Action>.Update {
        let source = LocalCollectionCall<Action>.Source(
            makeID: { [database] in database.makeActionID() },
            wallMilliseconds: { [database] in database.wallMilliseconds })
        var call = LocalCollectionCall(
            kind, on: local, until: deadline, source: source, generator: generator.fork())
        while true {
            switch try call.next(at: database.connection.now) {
            case .ask(let request):
                let reply: ClientReply
                do {
                    reply = try await database.connection.request(
                        request, timeout: timeLeft(deadline))
                } catch let error as DatabaseError {
                    reply = .failed(error)
                } catch {
                    try call.letGo(error)
                    continue
                }
                try call.receive(reply)
            case .pause(let delay):
                await database.connection.pause(delay)
                if Task.isCancelled { try call.letGo(CancellationError()) }
            case .done(let report): return report
            }
        }
    }

    private func timeLeft(_ deadline: Instant) -> Duration {
        max(Limits.requestTimeMin, deadline.since(database.connection.now))
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
