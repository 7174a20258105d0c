import BlockModel
import BlockRuntime

/// One collection's way from the actions of clients to a batch that can be sent: what is known of
/// its log, which actions wait, which of them have landed before, what goes into the next entry.
///
/// | part | what it knows |
/// |---|---|
/// | ``KnownLog`` | the chosen tail, and whether it is being read |
/// | ``ActionQueue`` | which actions wait, for how long, and whose turn it is |
/// | ``DedupeScan`` | which of them have landed before (protocol: dedupe-scan) |
/// | ``UnreadableBlocks`` | which of them have to wait for a block |
/// | ``BatchBuilder``, ``RebasableBatch`` | what goes into the next entry |
///
/// It sends nothing: its driver takes what ``advance(_:isFree:)`` has built, makes an
/// ``InFlightBatch`` of it, and says how that ended. A ``CollectionWriter`` drives one and sends
/// each batch as an attempt of its own.
///
/// **Transactions over several collections**: a ``TransactionGroup`` drives several. Each source
/// scans its log to the end and builds on it; the group makes an in-flight batch of each, at the
/// next revision of its collection, keeps what is built early until all of them are, and has all of
/// them decided at the home (protocol: home-decides). So a source never assumes that what it built
/// is sent at once, or alone: until ``sent(_:)``, which a group never calls, the actions stay in
/// the queue, and what is built next has them again.
package struct BatchSource: Sendable {
    private let collection: CollectionID
    private var known = KnownLog()
    private var queue = ActionQueue()
    private var scan = DedupeScan()
    private var unreadable = UnreadableBlocks()
    private var builder: BatchBuilder
    /// The tail is being read for an action alone that has seen more than is known here, or says
    /// so: it holds up no other one, or a client could stop the collection with such actions.
    private var readsForOneAhead = false

    package init(collection: CollectionID) {
        self.collection = collection
        builder = BatchBuilder(collection: collection)
    }

    /// What is known of the log, without an action: what a transaction begins with.
    var emptied: BatchSource {
        var other = BatchSource(collection: collection)
        other.known = known.settled
        other.scan = scan.settled
        return other
    }

    /// No action waits.
    package var isEmpty: Bool { queue.isEmpty }
    /// Actions that wait.
    var count: Int { queue.count }
    /// Something that was asked for is to come.
    package var isWaiting: Bool {
        known.isReadingTail || scan.isFetching || builder.isFetching
    }
    /// A chosen tail that what is known of the log begins with; nil when it has to be read again.
    var tail: Tail? { log == nil ? nil : known.tail }
    /// Every action that waits was looked for in all of the log that is known.
    var isScanned: Bool { log.map { queue.isScanned(through: $0.revision) } ?? false }
    /// Whether an action waits for a block that cannot be read.
    var lacksBlocks: Bool { queue.lacksBlocks }
    /// What is known of the log; nil when its tail has to be read again.
    package var log: LogState? { known.state }
    /// Bytes of what it remembers of its log, about.
    package var weight: Int { scan.weight }

    // MARK: Actions

    /// The action with this id, if it waits here.
    func action(_ id: ActionID) -> PendingAction? { queue.action(id) }

    /// Another request for an action shares its outcome.
    /// - Returns: Whether that action waits here.
    mutating func join(_ id: ActionID, _ waiter: PendingAction.Waiter) -> Bool {
        let isWaiting = queue.join(id, waiter)
        invariant(isWaiting == queue.contains(id), "\(id) was joined elsewhere")
        return isWaiting
    }

    /// A client's action has come, which neither waits here nor is under way.
    /// - Parameters:
    ///   - bytes: Its content as the log keeps it.
    ///   - record: What its entry is to record of the transaction that it is the first action of.
    /// - Returns: Why it may not wait here now; nil when it does.
    package mutating func add(
        _ request: ActionRequest, _ bytes: Bytes, client: CollectionWriter.Client,
        _ waiter: PendingAction.Waiter, record: Digest? = nil
    ) -> DatabaseError? {
        invariant(request.collection == collection, "an action on another collection")
        if let problem = queue.problem(bytes, of: client) { return problem }
        var pending = PendingAction(
            request, bytes: bytes, client: client, waiter: waiter,
            tailReadsBefore: known.tailReadCount, record: record)
        if planted(.firstRevisionRaised), let log {
            pending.plantScanned(through: max(request.firstRevision, log.revision))
        }
        queue.append(pending)
        invariant(queue.contains(request.action), "\(request.action) does not wait")
        return nil
    }

    /// These actions do not wait any more; their requests are answered by the caller.
    mutating func withdraw(_ ids: [ActionID]) {
        for id in ids { _ = queue.take(id) }
    }

    /// Whether nothing but a free place is missing to the action that `request` asks for: it fits,
    /// and is known not to have landed.
    func isReady(for request: ActionRequest) -> Bool {
        guard let log else { return false }
        return log.includes(request) && scan.rulesOut(request, on: log)
    }

    /// Time has passed: answers the clients whose time is up.
    /// - Parameter trouble: Why things take so long.
    package mutating func expire(_ trouble: DatabaseError, _ effects: inout WriterEffects) {
        queue.expire(trouble, unreadable: unreadable, &effects)
    }

    // MARK: The log

    /// Asks for a read of the tail, if none was asked for yet.
    package mutating func readTail(_ effects: inout WriterEffects) {
        readsForOneAhead = false
        guard !known.isReadingTail else { return }
        known.readBegan()
        effects.readTail()
        invariant(isWaiting, "a tail read is not waited for")
    }

    /// The tail that was asked for was read: answers the actions that it shows no collection for.
    /// ``advance(_:isFree:)`` is due, then ``readWasHandled()``.
    package mutating func tailWasRead(
        _ value: TailValue, _ effects: inout WriterEffects
    ) -> KnownLog.Adoption {
        known.readEnded()
        readsForOneAhead = false
        let adoption = adopt(value, tailRead: known.tailReadCount)
        if log == nil { queue.failAbsent(tailRead: known.tailReadCount, &effects) }
        invariant(!known.isReadingTail, "a read that has ended goes on")
        return adoption
    }

    package mutating func readWasHandled() { known.readWasHandled() }

    package mutating func tailReadFailed() {
        known.readEnded()
        readsForOneAhead = false
    }

    /// Takes over a chosen value, which the answer to an attempt brought.
    package mutating func adopt(_ value: TailValue) -> KnownLog.Adoption {
        adopt(value, tailRead: 0)
    }

    private mutating func adopt(_ value: TailValue, tailRead: UInt64) -> KnownLog.Adoption {
        let adoption = known.adopt(value, tailRead: tailRead)
        switch adoption {
        case .older: break
        case .lives(let tail):
            invariant(log?.incarnation == tail.incarnation, "the log is of another life")
            scan.lives(tail.incarnation)
        case .ended:
            invariant(log == nil, "the log of a life that is over is known")
            scan.lifeEnded()
            builder.lifeEnded()
            unreadable.lifeEnded()
        }
        return adoption
    }

    /// What became of an attempt cannot be told from what is known: the tail has to be read.
    package mutating func mustBeReadAgain() { known.mustBeReadAgain() }

    // MARK: Fetches

    /// What was asked for has come.
    /// - Returns: Why nothing can go on, if so.
    package mutating func wasFetched(
        _ things: Fetched, for purpose: FetchPurpose, _ effects: inout WriterEffects
    ) -> DatabaseError? {
        switch purpose {
        case .scan: scan.fetchEnded(things)
        case .run: builder.fetchEnded(things)
        case .apart:
            builder.retryEnded(things)
            unreadable.retryEnded(things, &queue)
        }
        return unreadable.note(things.failures, &effects)
    }

    /// It could not be had now.
    package mutating func fetchFailed(
        _ error: DatabaseError, for purpose: FetchPurpose, _ effects: inout WriterEffects
    ) {
        switch purpose {
        case .scan: scan.fetchFailed()
        case .run: builder.fetchFailed()
        case .apart: unreadable.retryFailed()
        }
        // What the tail points to may have been truncated since: then the tail says so.
        if error.code == .corrupted { readTail(&effects) }
    }

    // MARK: Batches

    /// Goes as far as possible without waiting: scans, and builds a batch.
    /// - Parameter isFree: Whether its driver could take a batch.
    /// - Returns: A batch that could be sent now, at the revision after ``log``.
    package mutating func advance(
        _ effects: inout WriterEffects, isFree: Bool
    ) -> BatchBuilder.Built? {
        queue.wakeAtDeadlines(&effects)
        guard !queue.isEmpty, !known.isReadingTail || readsForOneAhead else { return nil }
        guard let log else {
            readTail(&effects)
            return nil
        }
        if queue.refuseMisfits(of: log, &effects), !known.isReadingTail {
            readTail(&effects)
            readsForOneAhead = true
        }
        guard !scan.advance(&queue, on: log, tail: known.tail, &effects) else {
            readTail(&effects)
            return nil
        }
        guard isFree else { return nil }
        switch builder.build(&queue, &unreadable, on: log, tail: known.tail, &effects) {
        case .built(let built):
            invariant(!queue.isEmpty, "what was built has left the queue")
            return built
        case .waits: return nil
        case .needsTail:
            readTail(&effects)
            return nil
        }
    }

    /// Its driver has sent a batch, which was built on what is known of the log: the actions are
    /// under way.
    package mutating func sent(_ batch: InFlightBatch) {
        invariant(batch.incarnation == log?.incarnation, "sent to another life")
        invariant(batch.target == log?.revision.next, "sent to \(batch.target), built elsewhere")
        queue.take(batch.ids)
        builder.sent()
    }

    /// A batch has landed at its target.
    package mutating func landed(_ batch: InFlightBatch, _ effects: inout WriterEffects) {
        invariant(!batch.ids.contains(where: queue.contains), "an action waits that has landed")
        builder.landed()
        // Of a life that is over nothing need be remembered.
        if known.landed(batch) {
            scan.landed(batch)
            batch.publish(&effects)
        }
    }

    /// A batch did not land, as far as is known: its actions are the next again.
    package mutating func putBack(_ batch: InFlightBatch) { queue.putBack(batch.unfinished) }

    /// Likewise; the same batch may be sent again as it is, if it is still good then.
    package mutating func keep(_ batch: InFlightBatch) { builder.keep(batch, on: log) }

    /// The planted bugs: takes entries that were not read for free of these actions.
    mutating func plantScanned(_ ids: Set<ActionID>, through revision: Revision) {
        queue.plantScanned(ids, through: revision)
    }

    package func checkInvariants() {
        known.checkInvariants()
        queue.checkInvariants()
        scan.checkInvariants(on: log)
        unreadable.checkInvariants()
        builder.checkInvariants()
    }
}
