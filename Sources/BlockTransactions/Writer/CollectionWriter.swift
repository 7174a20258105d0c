import BlockModel
import BlockRuntime

/// The proposer that holds the clients of one collection: queues their actions, looks for earlier
/// landings, runs batches of them on the newest snapshot, and lands the batches one at a time.
///
/// Exactly once (protocol: dedupe-scan, scan-again-after-moved): an action is proposed at revision
/// n only after every entry in (its firstRevision, n − 1] was read from a chosen tail and found not
/// to hold it; after every change of n the new entries are read too; nothing of a batch is proposed
/// at n + 1 while its outcome at n is unknown.
package struct CollectionWriter: Sendable {
    /// Names a client's request for the host.
    package typealias Token = UInt64
    /// Tells the clients of a host from one another, so that none of them crowds out the rest.
    package typealias Client = UInt64

    let collection: CollectionID
    /// Of the cluster.
    let shardCount: Int
    /// What is known of the log from chosen tails; nil when it has to be read again.
    var log: LogState?
    /// A chosen tail, to read entries from; may be older than ``log``.
    var tail: Tail?
    var index: ActionIndex?
    /// Actions not under way, oldest first.
    var queue: [PendingAction] = []
    var load = QueueLoad()
    var flight: Flight?
    /// A batch that lost its race or failed, to land as it is if nothing it depends on has changed.
    var stash: Stash?
    var checkpointer: Checkpointer?
    /// When shards that lag are tried again.
    var retriesLaggingAt = Instant.origin
    var isReadingTail = false
    /// Tail reads begun so far, one at a time.
    var tailReadCount: UInt64 = 0
    var isFetching = false
    /// Objects fetched for the scan that is under way.
    var fetched: [LogObjectKey: LogObject] = [:]
    var isPreparing = false
    /// What was fetched to run a batch on top of revision ``preparedFor``.
    var prepared = Fetched()
    var preparedFor: Revision?
    /// Blocks that could not be read lately: who needs one is set aside, or told.
    var unreadable: [BlockID: Unreadable] = [:]
    var isRetrying = false
    /// Bytes of actions that the next batch may hold; less after one that became too large.
    var batchBytesMax = Limits.actionBytesMax
    /// The last thing that went wrong below: what a client is told when its time runs out.
    var lastTrouble: DatabaseError?

    /// The revision, life and beginning of a log.
    struct LogState: Sendable {
        var incarnation: Incarnation
        var revision: Revision
        var truncatedThrough: Revision
        /// The header part at ``revision``, and when it was last changed.
        var header: CollectionHeader
        var headerRevision: Revision
        var checkpoint: Checkpoint
        /// The tail read that brought this, while its answer is handled; zero for a memory, which
        /// may be behind.
        var tailRead: UInt64

        /// Whether it was read after the action had come: what it lacks then is not there.
        func isFresh(for pending: PendingAction) -> Bool { tailRead > pending.tailReadsBefore }
    }

    /// A batch on its way to a coordinator.
    struct Flight: Sendable {
        let incarnation: Incarnation
        let target: Revision
        /// The checkpoint that its entry carries.
        let checkpoint: Checkpoint?
        let actions: [PendingAction]
        let ids: Set<ActionID>
        let prepared: PreparedBatch
        /// What is known of whether it landed.
        var doubt: AttemptDoubt
    }

    /// Why a block could not be read, and when it is to be asked for again.
    struct Unreadable: Sendable {
        let error: DatabaseError
        let until: Instant
    }

    /// A prepared batch without a target.
    struct Stash: Sendable {
        let actions: [PendingAction.Identity]
        let prepared: PreparedBatch
    }

    /// - Parameter shardCount: Of the cluster.
    package init(collection: CollectionID, shardCount: Int) {
        self.collection = collection
        self.shardCount = shardCount
    }

    /// Nothing is queued or under way.
    package var isIdle: Bool { queue.isEmpty && flight == nil }

    /// Nothing is queued, and nothing is waited for.
    package var isQuiet: Bool { isIdle && !isReadingTail && !isFetching && !isPreparing }

    /// Every entry that is known of is final on its quorums, as far as is known.
    package var isFinal: Bool {
        guard let log, log.header.kind.hasBlocks, let checkpointer else { return true }
        return checkpointer.isFinal(through: log.revision)
    }

    /// Bytes of what it remembers of its log, about; what waits is counted by whoever let it in.
    package var weight: Int { index?.weight ?? 0 }

    /// Nothing is under way and nothing is known that would be worth keeping.
    package var isForgettable: Bool { isQuiet && log == nil }

    // MARK: Events

    /// A client's action. It goes on its way with the next ``tick(_:)``, which is wanted at once:
    /// whatever arrives together is proposed together.
    package mutating func act(
        _ request: ActionRequest, token: Token, client: Client = 0, deadline: Instant,
        _ effects: inout WriterEffects
    ) {
        invariant(request.collection == collection, "an action on another collection")
        if let problem = request.content.problem {
            return effects.respond(token, .failed(problem))
        }
        let waiter = PendingAction.Waiter(token: token, deadline: deadline)
        let bytes = request.content.bytes
        if let underWay = underWay(request.action) {
            guard underWay.bytes == bytes, underWay.incarnation == request.incarnation,
                underWay.content.kind == request.content.kind
            else {
                return effects.respond(token, .failed(CollectionWriter.actionIDReuse))
            }
            mark("writer.joined")
            return join(request.action, waiter, &effects)
        }
        if let problem = problem(bytes, of: client) {
            return effects.respond(token, .failed(problem))
        }
        queue.append(
            PendingAction(
                request, bytes: bytes, client: client, waiter: waiter,
                tailReadsBefore: tailReadCount))
        load.add(queue[queue.count - 1])
        if planted(.firstRevisionRaised), let log {
            queue[queue.count - 1].scannedThrough = max(request.firstRevision, log.revision)
        }
        effects.wake(at: onlyWaits(request) ? deadline : effects.now)
    }

    /// The action with this id, if it waits or is in the attempt under way.
    private func underWay(_ action: ActionID) -> PendingAction? {
        if let flight, flight.ids.contains(action) {
            return flight.actions.first { $0.action == action }
        }
        return load.contains(action) ? queue.first { $0.action == action } : nil
    }

    /// Whether nothing can be done about a new action, nor told of it, before the attempt under way
    /// ends: so a look at everybody else in the queue is saved for each that comes.
    private func onlyWaits(_ request: ActionRequest) -> Bool {
        guard flight != nil, let log, let index, index.incarnation == log.incarnation else {
            return false
        }
        return request.incarnation == log.incarnation && request.content.kind == log.header.kind
            && request.firstRevision <= log.revision
            && index.covers(after: request.firstRevision, through: log.revision)
            && index.landing(of: request.action) == nil
    }

    /// A chosen tail was read, after whatever asked for it.
    package mutating func tailWasRead(_ value: TailValue, _ effects: inout WriterEffects) {
        isReadingTail = false
        adopt(value, tailRead: tailReadCount)
        if log == nil { failAbsent(&effects) }
        advance(&effects)
        log?.tailRead = 0
    }

    /// What was asked for has come.
    package mutating func wasFetched(
        _ things: Fetched, for purpose: FetchPurpose = .scan, _ effects: inout WriterEffects
    ) {
        switch purpose {
        case .scan:
            isFetching = false
            fetched.merge(things.objects) { _, new in new }
        case .run:
            isPreparing = false
            prepared.merge(things)
        case .apart:
            isRetrying = false
            prepared.merge(things)
            letGoOn(things)
        }
        if let error = note(things.failures, &effects) { return lookedInVain(error, &effects) }
        advance(&effects)
    }

    /// `entry`, which was to be made final, is, or could not be made so now.
    package mutating func finaliseEnded(
        _ entry: FinaliseEntry, isFinal: Bool, _ effects: inout WriterEffects
    ) {
        checkpointer?.ended(entry, isFinal: isFinal)
        if !isFinal { retriesLaggingAt = effects.now.advanced(by: Limits.laggingRetryTime) }
        // Of a life that is over, nothing becomes final any more: only the tail shows that.
        if !isFinal, isQuiet, log != nil {
            mark("writer.notFinal")
            readTail(&effects)
        }
        finalise(countMin: Limits.finaliseIntervalRevisions, &effects)
    }

    /// A tail read failed for good; the clients' deadlines decide how long to go on.
    package mutating func tailReadFailed(_ error: DatabaseError, _ effects: inout WriterEffects) {
        isReadingTail = false
        lookedInVain(error, &effects)
    }

    /// Likewise a fetch.
    package mutating func fetchFailed(
        _ error: DatabaseError, for purpose: FetchPurpose, _ effects: inout WriterEffects
    ) {
        switch purpose {
        case .scan: isFetching = false
        case .run: isPreparing = false
        case .apart: isRetrying = false
        }
        // What the tail points to may have been truncated since: then the tail says so.
        if error.code == .corrupted, !isReadingTail { readTail(&effects) }
        lookedInVain(error, &effects)
    }

    private mutating func lookedInVain(_ error: DatabaseError, _ effects: inout WriterEffects) {
        learned(error)
        expire(&effects)
        effects.wakeSoon()
    }

    /// Time has passed: answers those whose time is up and goes on with the rest.
    package mutating func tick(_ effects: inout WriterEffects) {
        expire(&effects)
        advance(&effects)
        if isIdle {
            finalise(countMin: 1, &effects)
        } else if !isFinal {
            // What is under way may never land.
            effects.wake(at: effects.now.advanced(by: Limits.finaliseIdleTime))
        }
    }

    /// Gives readers of a chosen tail the blocks that its newest entry made, when that entry is the
    /// attempt under way whose answer has not come yet: they need not be fetched.
    package func share(with tail: Tail, in blocks: SharedBlockCache) {
        guard let flight, flight.incarnation == tail.incarnation, flight.target == tail.revision,
            tail.entries.last?.payload == flight.prepared.payload
        else { return }
        for block in flight.prepared.results {
            blocks.keep(block, incarnation: tail.incarnation, revision: tail.revision)
        }
    }

    /// Nobody will ask this writer any more: what is left to be made final.
    package mutating func leave(_ history: BlockHistory?) -> [FinaliseEntry] {
        guard let history else { return [] }
        return checkpointer?.begin(history, collection, countMin: 1, retriesLagging: false) ?? []
    }

    // MARK: What is known of the log

    /// Takes over a chosen value. What is known never goes back, neither within one life nor to an
    /// earlier one: the answer to an attempt may be older than what was read meanwhile.
    /// - Parameter tailRead: The number of the tail read that brought it. The answer to an attempt
    ///   was begun before the newest actions came.
    mutating func adopt(_ value: TailValue, tailRead: UInt64 = 0) {
        if let log, value.generation < log.incarnation.generation { return }
        guard let tail = value.live else {
            log = nil
            self.tail = nil
            index = nil
            stash = nil
            checkpointer = nil
            unreadable = [:]
            return
        }
        if let index, index.incarnation != tail.incarnation { self.index = nil }
        if let log, log.incarnation == tail.incarnation, log.revision > tail.revision {
            self.log?.tailRead = tailRead
            self.log?.truncatedThrough = max(log.truncatedThrough, tail.truncatedThrough)
            self.log?.checkpoint = log.checkpoint.merged(with: tail.checkpoint)
        } else {
            log = LogState(
                incarnation: tail.incarnation, revision: tail.revision,
                truncatedThrough: tail.truncatedThrough, header: tail.header,
                headerRevision: tail.headerRevision, checkpoint: tail.checkpoint, tailRead: tailRead
            )
        }
        if checkpointer?.incarnation != tail.incarnation {
            checkpointer = Checkpointer(
                incarnation: tail.incarnation, checkpoint: tail.checkpoint,
                shardCount: shardCount)
        }
        if self.tail?.incarnation != tail.incarnation
            || (self.tail?.revision ?? .zero) <= tail.revision
        {
            self.tail = tail
        }
    }

    // MARK: Answers

    static let actionIDReuse = DatabaseError(
        .actionIDReuse, "this action id came before with other bytes")

    private static let absent = DatabaseError(
        .collectionNotFound, "the collection does not exist")

    private func problem(_ bytes: Bytes, of client: Client) -> DatabaseError? {
        if bytes.count > Limits.actionBytesMax {
            return DatabaseError(
                .valueTooLarge,
                "an action of \(bytes.count) bytes, actionBytesMax = \(Limits.actionBytesMax)")
        }
        let more = bytes.count + Limits.queuedActionBytes
        if load.bytes + more > Limits.collectionQueueBytesMax {
            return DatabaseError(
                .overloaded,
                "\(load.bytes + more) bytes wait for this collection, collectionQueueBytesMax = "
                    + "\(Limits.collectionQueueBytesMax)", retryAfter: .milliseconds(200))
        }
        // Of one client: the rest of the queue is for the others.
        if load.bytes(of: client) + more > Limits.clientQueueBytesMax {
            return DatabaseError(
                .overloaded,
                "\(load.bytes(of: client) + more) bytes of this client wait for this collection, "
                    + "clientQueueBytesMax = \(Limits.clientQueueBytesMax)",
                retryAfter: .milliseconds(200))
        }
        if queue.count >= Limits.collectionQueueCountMax {
            return DatabaseError(
                .overloaded,
                "\(queue.count) actions wait for this collection, collectionQueueCountMax = "
                    + "\(Limits.collectionQueueCountMax)", retryAfter: .milliseconds(200))
        }
        return nil
    }

    /// A second request for an action that is under way shares its outcome.
    private mutating func join(
        _ action: ActionID, _ waiter: PendingAction.Waiter, _ effects: inout WriterEffects
    ) {
        if let position = queue.firstIndex(where: { $0.action == action }) {
            queue[position].waiters.append(waiter)
        } else if let flight {
            var actions = flight.actions
            if let position = actions.firstIndex(where: { $0.action == action }) {
                actions[position].waiters.append(waiter)
            }
            self.flight = flight.replacing(actions)
        }
        effects.wake(at: waiter.deadline)
    }

    func landed(
        _ pending: PendingAction, at landing: ActionIndex.Landing, _ effects: inout WriterEffects
    ) {
        guard landing.fingerprint == pending.fingerprint else {
            return pending.fail(CollectionWriter.actionIDReuse, &effects)
        }
        do throws(DatabaseError) {
            let outcome = try ActionOutcome(landing.outcome, kind: pending.content.kind)
            pending.landed(at: landing.position, outcome, &effects)
        } catch {
            // It is there, but what came of it cannot be told.
            pending.fail(error.asUnknown, &effects)
        }
    }

    /// The tail just read shows no collection: fails every action that had come before the read.
    private mutating func failAbsent(_ effects: inout WriterEffects) {
        var kept: [PendingAction] = []
        for pending in queue {
            if pending.tailReadsBefore < tailReadCount {
                pending.fail(CollectionWriter.absent, &effects)
                load.remove(pending)
            } else {
                kept.append(pending)
            }
        }
        queue = kept
    }

    /// Answers the waiters whose deadline has passed with what is known of their action.
    private mutating func expire(_ effects: inout WriterEffects) {
        let now = effects.now
        let late = DatabaseError(.deadlineExceeded, "the time given ran out")
        var trouble = lastTrouble ?? late
        if trouble.outcome == .unknown {
            // Of another batch: of an action that was never sent, more is known.
            trouble = DatabaseError(.quorumUnavailable, trouble.message, cause: trouble)
        }
        for position in queue.indices {
            let reason = queue[position].awaited.min().flatMap { unreadable[$0]?.error }
            queue[position].expire(at: now, reason ?? trouble, &effects)
        }
        queue.removeAll { pending in
            if pending.waiters.isEmpty { load.remove(pending) }
            return pending.waiters.isEmpty
        }
        guard let flight else { return }
        // While anybody waits the attempt is tried again, with everybody's actions in it.
        let goesOn = flight.actions.contains { $0.waiters.contains { $0.deadline > now } }
        var doubt = flight.doubt
        if goesOn { doubt.handedOver() }
        var actions = flight.actions
        for position in actions.indices {
            actions[position].expire(at: now, trouble, in: doubt, &effects)
        }
        self.flight = flight.replacing(actions)
    }
}

extension CollectionWriter.Flight {
    func replacing(_ actions: [PendingAction]) -> Self {
        Self(
            incarnation: incarnation, target: target, checkpoint: checkpoint, actions: actions,
            ids: ids, prepared: prepared, doubt: doubt)
    }
}
