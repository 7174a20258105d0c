import BlockModel
import BlockRuntime

/// The proposer that holds the clients of one collection: queues their actions, looks for earlier
/// landings, runs batches of them on the newest snapshot, and lands the batches one at a time.
///
/// It keeps the order of events. What is known and decided is in its parts, each a value with a
/// state and events of its own: ``BatchSource``, which is the way from actions to a batch,
/// ``InFlightBatch``, which is on its way to a coordinator, and ``Finality``.
///
/// Exactly once (protocol: dedupe-scan, unknown-holds-the-next): nothing of a batch is proposed at
/// n + 1 while its outcome at n is unknown. It is in flight until the attempt has ended; after that
/// the scan reads what is at n before its actions are ready again.
package struct CollectionWriter: Sendable {
    /// Names a client's request for the host.
    package typealias Token = UInt64
    /// Tells the clients of a host from one another, so that none of them crowds out the rest.
    package typealias Client = UInt64

    private let collection: CollectionID
    private var source: BatchSource
    private var inFlight: InFlightBatch?
    private var finality: Finality
    private var gathering = Gathering()
    /// The last thing that went wrong below: what a client is told when its time runs out.
    private var lastTrouble: DatabaseError?
    /// A transaction over several collections has the collection, or will have it when the attempt
    /// under way has ended: nothing else is proposed meanwhile.
    private var isHeld = false

    /// - Parameter shardCount: Of the cluster.
    package init(collection: CollectionID, shardCount: Int) {
        self.collection = collection
        source = BatchSource(collection: collection)
        finality = Finality(collection: collection, shardCount: shardCount)
    }

    /// Nothing is queued or under way.
    package var isIdle: Bool { source.isEmpty && inFlight == nil }

    /// Nothing is queued, and nothing is waited for.
    package var isQuiet: Bool { isIdle && !source.isWaiting && !isHeld }

    /// Every entry that is known of is final on its quorums, as far as is known.
    package var isFinal: Bool { finality.isFinal(on: source.log) }

    /// Bytes of what it remembers of its log, about; what waits is counted by the host.
    package var weight: Int { source.weight }

    /// Nothing is under way and nothing is known that would be worth keeping.
    package var isForgettable: Bool { isQuiet && source.log == nil }

    // MARK: Clients

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
        if let earlier = inFlight?.action(request.action) ?? source.action(request.action) {
            guard !earlier.isReused(by: request, bytes) else {
                return effects.respond(token, .failed(PendingAction.reuse))
            }
            mark("writer.joined")
            if !source.join(request.action, waiter) { inFlight?.join(request.action, waiter) }
            return effects.wake(at: deadline)
        }
        if let problem = source.add(request, bytes, client: client, waiter) {
            return effects.respond(token, .failed(problem))
        }
        // When nothing can be done about it, nor told of it, before the attempt under way ends, a
        // look at the rest of the queue is saved.
        let onlyWaits = inFlight != nil && source.isReady(for: request)
        effects.wake(at: onlyWaits ? deadline : effects.now)
    }

    /// Time has passed: answers the clients whose time is up and goes on with the rest.
    package mutating func tick(_ effects: inout WriterEffects) {
        expire(&effects)
        advance(&effects)
        if isIdle {
            finality.sweep(countMin: 1, on: source.log, &effects)
        } else if !isFinal {
            // What is under way may never land.
            effects.wake(at: effects.now.advanced(by: Limits.finaliseIdleTime))
        }
    }

    private mutating func expire(_ effects: inout WriterEffects) {
        let late = DatabaseError(.deadlineExceeded, "the time given ran out")
        var trouble = lastTrouble ?? late
        if trouble.outcome == .unknown {
            // Of another batch: of an action that was never sent, more is known.
            trouble = DatabaseError(.quorumUnavailable, trouble.message, cause: trouble)
        }
        source.expire(trouble, &effects)
        inFlight?.expire(trouble, &effects)
    }

    /// Why something that it waits for takes so long: what those whose time runs out are told.
    package mutating func learned(_ trouble: DatabaseError) {
        lastTrouble = trouble.orDeeper(lastTrouble)
    }

    // MARK: What was asked for

    /// A chosen tail was read, by a read that began after it was asked for.
    package mutating func tailWasRead(_ value: TailValue, _ effects: inout WriterEffects) {
        finality.follow(source.tailWasRead(value, &effects))
        advance(&effects)
        source.readWasHandled()
    }

    /// What was asked for has come.
    package mutating func wasFetched(
        _ things: Fetched, for purpose: FetchPurpose = .scan, _ effects: inout WriterEffects
    ) {
        if let error = source.wasFetched(things, for: purpose, &effects) {
            return lookedInVain(error, &effects)
        }
        advance(&effects)
    }

    /// A tail read failed for good; the clients' deadlines decide how long to go on.
    package mutating func tailReadFailed(_ error: DatabaseError, _ effects: inout WriterEffects) {
        source.tailReadFailed()
        lookedInVain(error, &effects)
    }

    /// Likewise a fetch.
    package mutating func fetchFailed(
        _ error: DatabaseError, for purpose: FetchPurpose, _ effects: inout WriterEffects
    ) {
        source.fetchFailed(error, for: purpose, &effects)
        lookedInVain(error, &effects)
    }

    private mutating func lookedInVain(_ error: DatabaseError, _ effects: inout WriterEffects) {
        learned(error)
        expire(&effects)
        effects.wakeSoon()
    }

    // MARK: Attempts

    /// Goes as far as possible without waiting: scans, builds a batch, sends it.
    private mutating func advance(_ effects: inout WriterEffects) {
        var isFree = inFlight == nil && !isHeld
        if isFree, !gathering.isOver(waiting: source.count, at: effects.now) {
            isFree = false
            if let until = gathering.until { effects.wake(at: until) }
        }
        guard let built = source.advance(&effects, isFree: isFree), let log = source.log
        else { return }
        invariant(inFlight == nil, "one attempt at a time")
        let batch = InFlightBatch(built, on: log, checkpoint: finality.claim(on: log))
        source.sent(batch)
        gathering.sent(at: effects.now)
        inFlight = batch
        for pending in batch.actions { pending.wakeAtDeadlines(&effects) }
        effects.propose(
            batch.commit(of: collection, effects), deadline: batch.deadline ?? effects.now)
    }

    /// A try of the attempt was sent, or failed and will be repeated.
    package mutating func attemptProgress(isTrying: Bool, trouble: DatabaseError?) {
        if isTrying { inFlight?.wasTried() }
        guard let trouble else { return }
        learned(trouble)
        inFlight?.tryFailed(trouble)
    }

    /// Gives readers of a chosen tail what the attempt under way has made, if its entry is the
    /// newest there.
    package func share(with tail: Tail, in blocks: SharedBlockCache) {
        inFlight?.share(with: tail, in: blocks)
    }

    /// The attempt has ended.
    package mutating func attemptEnded(_ reply: RepositoryReply, _ effects: inout WriterEffects) {
        guard var ended = inFlight else { return }
        inFlight = nil
        if isHeld { effects.wasHeld() }
        let ending = ended.ended(reply)
        if ending.isRetried { source.putBack(ended) }
        switch ending {
        case .landed: landed(ended, &effects)
        case .landedEarlier: source.mustBeReadAgain()
        case .fenced(let value), .gone(let value): adopt(value)
        case .moved(let value):
            gathering.lost(at: effects.now)
            source.keep(ended)
            adopt(value)
            if planted(.noScanAfterMoved), let log = source.log {
                source.plantScanned(ended.ids, through: log.revision)
            }
        case .blocked(let value):
            adopt(value)
            return effects.wakeSoon()
        case .refused(let error):
            ended.fail(error, &effects)
            source.mustBeReadAgain()
        case .failed(let error):
            learned(error)
            source.keep(ended)
            if planted(.nextRevisionInDoubt) {
                source.plantScanned(ended.ids, through: ended.target)
            }
            source.mustBeReadAgain()
            return tick(&effects)
        }
        advance(&effects)
    }

    // MARK: Transactions over several collections

    /// A transaction wants the collection. It has it when ``WriterEffects/isHeld`` says so, with
    /// what is known of the log.
    package mutating func hold(_ effects: inout WriterEffects) {
        invariant(!isHeld, "two transactions have one collection")
        isHeld = true
        if inFlight == nil { effects.wasHeld() }
    }

    /// What a transaction begins with that has the collection.
    package var sourceForTransaction: BatchSource { source.emptied }

    /// The transaction has ended.
    /// - Parameters:
    ///   - landed: What it has landed here; nil: nothing, or it was only read.
    ///   - tail: A chosen one that it has read.
    package mutating func release(
        _ landed: InFlightBatch?, tail: Tail?, _ effects: inout WriterEffects
    ) {
        invariant(isHeld, "released by a transaction that has not asked for it")
        invariant(landed == nil || inFlight == nil, "landed beside an attempt that is under way")
        isHeld = false
        if let tail { adopt(.live(tail)) }
        if let landed {
            source.landed(landed, &effects)
            finality.sweep(
                countMin: Limits.finaliseIntervalRevisions, on: source.log, &effects)
        }
        tick(&effects)
    }

    private mutating func adopt(_ value: TailValue) { finality.follow(source.adopt(value)) }

    private mutating func landed(_ batch: InFlightBatch, _ effects: inout WriterEffects) {
        invariant(inFlight == nil, "what has landed is still in flight")
        lastTrouble = nil
        source.landed(batch, &effects)
        invariant(
            source.log.map { $0.revision >= batch.target || $0.incarnation != batch.incarnation }
                ?? true, "what has landed is not known to be there")
        batch.answer(&effects)
        gathering.landed(
            answered: batch.actions.count, waiting: source.count, at: effects.now)
        let isEager = buggify("buggify.writer.finalisesAtOnce")
        finality.sweep(
            countMin: isEager ? 1 : Limits.finaliseIntervalRevisions, on: source.log, &effects)
    }

    // MARK: Finality

    /// `entry`, which was to be made final, is, or could not be made so now.
    package mutating func finaliseEnded(
        _ entry: FinaliseEntry, isFinal: Bool, _ effects: inout WriterEffects
    ) {
        finality.ended(entry, isFinal: isFinal, now: effects.now)
        // Of a life that is over, nothing becomes final any more: only the tail shows that.
        if !isFinal, isQuiet, source.log != nil {
            mark("writer.notFinal")
            source.readTail(&effects)
        }
        finality.sweep(countMin: Limits.finaliseIntervalRevisions, on: source.log, &effects)
    }

    /// The host forgets this writer: what is left to be made final.
    package mutating func leave(_ history: BlockHistory?) -> [FinaliseEntry] {
        invariant(isQuiet, "a writer is forgotten while clients wait for it")
        return finality.leave(history)
    }

    /// What holds between any two events.
    package func checkInvariants() {
        source.checkInvariants()
        finality.checkInvariants(on: source.log)
        gathering.checkInvariants()
        inFlight?.checkInvariants()
        let isTwice = inFlight?.ids.prefix(64).contains { source.action($0) != nil } ?? false
        invariant(!isTwice, "an action waits and is sent")
    }
}
