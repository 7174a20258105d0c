import BlockModel
import BlockRuntime

/// From the queue to an attempt: scan, batch, propose, learn.
extension DiaryAppender {
    /// Goes as far as possible without waiting.
    mutating func advance(_ effects: inout AppenderEffects) {
        for pending in queue { pending.waiters.forEach { effects.wake(at: $0.deadline) } }
        guard !queue.isEmpty, !isReadingTail else { return }
        guard let log else { return readTail(&effects) }
        if settleMisfits(log, &effects) { return readTail(&effects) }
        catchUpWithIndex()
        answerLanded(&effects)
        if planted(.noDedupeScan) {
            for position in queue.indices { queue[position].scannedThrough = log.revision }
        }
        scan(through: log.revision, &effects)
        if flight == nil { proposeBatch(on: log, &effects) }
    }

    private mutating func readTail(_ effects: inout AppenderEffects) {
        isReadingTail = true
        effects.readTail()
    }

    /// Answers what can never be appended to this life of the log.
    /// - Returns: Whether some action has seen more than is known here: the tail must be read.
    private mutating func settleMisfits(_ log: LogState, _ effects: inout AppenderEffects) -> Bool {
        var isBehind = false
        var kept: [PendingAppend] = []
        for pending in queue {
            if pending.incarnation != log.incarnation {
                let isOlder = pending.incarnation.generation <= log.incarnation.generation
                guard isOlder || log.isFresh else {
                    isBehind = true
                    kept.append(pending)
                    continue
                }
                let message =
                    "the collection was dropped, and perhaps created again, since it was opened"
                pending.fail(DatabaseError(.collectionNotFound, message), &effects)
            } else if pending.firstRevision > log.revision {
                guard log.isFresh else {
                    isBehind = true
                    kept.append(pending)
                    continue
                }
                let message =
                    "firstRevision \(pending.firstRevision) is above revision \(log.revision)"
                pending.fail(DatabaseError(.invalidArgument, message), &effects)
            } else if pending.firstRevision < log.truncatedThrough {
                let message =
                    "history through revision \(log.truncatedThrough) is gone, the action "
                    + "may be in it: it was first sent at \(pending.firstRevision)"
                pending.fail(
                    DatabaseError(.dedupeWindowLost, message, outcome: .unknown), &effects)
            } else {
                kept.append(pending)
                continue
            }
            queuedBytes -= pending.bytes.count
        }
        queue = kept
        return isBehind
    }

    // MARK: Looking for earlier landings

    /// What the index covers need not be read again.
    private mutating func catchUpWithIndex() {
        guard let index else { return }
        for position in queue.indices where index.after <= queue[position].scannedThrough {
            guard index.landing(of: queue[position].action) == nil else { continue }
            let scanned = queue[position].scannedThrough
            queue[position].scannedThrough = max(scanned, index.through)
        }
    }

    /// Answers the queued actions that are known to have landed.
    private mutating func answerLanded(_ effects: inout AppenderEffects) {
        guard let index else { return }
        var kept: [PendingAppend] = []
        for pending in queue {
            guard pending.incarnation == index.incarnation,
                let landing = index.landing(of: pending.action)
            else {
                kept.append(pending)
                continue
            }
            mark("appender.foundLanded")
            landed(pending, at: landing, &effects)
            queuedBytes -= pending.bytes.count
        }
        queue = kept
    }

    /// Reads the next stretch of the log for the actions that are behind. Those closest to the end
    /// go first: a client that comes back after a million revisions delays nobody else.
    private mutating func scan(through revision: Revision, _ effects: inout AppenderEffects) {
        while !isFetching,
            let from = queue.map(\.scannedThrough).filter({ $0 < revision }).max()
        {
            guard let tail, tail.incarnation == log?.incarnation, tail.revision > from else {
                return readTail(&effects)
            }
            let last = min(Revision(from.rawValue + 128), min(revision, tail.revision))
            let source = LayeredSource(first: fetched, second: effects.cache)
            do throws(MissingObjects) {
                let view = LogView(tail: tail, source: source)
                let entries = try view.entries(from: from.next, through: last)
                let bodies = try view.bodies(of: entries)
                for (entry, body) in zip(entries, bodies) {
                    learn(entry.revision, body.actions, tail.incarnation, &effects)
                }
                fetched = [:]
            } catch {
                mark("appender.scanFetches")
                isFetching = true
                effects.fetch(error.keys)
            }
        }
    }

    /// One entry of the chosen log was read.
    private mutating func learn(
        _ revision: Revision, _ actions: [Action], _ incarnation: Incarnation,
        _ effects: inout AppenderEffects
    ) {
        if index.map({ $0.through < revision.previous }) ?? true {
            index = ActionIndex(incarnation: incarnation, after: revision.previous)
        }
        if index?.through == revision.previous { index?.append(revision, actions: actions) }
        for (number, action) in actions.enumerated() {
            guard let position = queue.firstIndex(where: { $0.action == action.id }) else {
                continue
            }
            let pending = queue.remove(at: position)
            queuedBytes -= pending.bytes.count
            let place = DiaryPosition(revision: revision, index: UInt32(number))
            landed(pending, at: ActionIndex.Landing(position: place, bytes: action.bytes), &effects)
        }
        for position in queue.indices where queue[position].scannedThrough == revision.previous {
            queue[position].scannedThrough = revision
        }
    }

    // MARK: Attempts

    /// Proposes everything that is ready as one entry at the next revision.
    private mutating func proposeBatch(on log: LogState, _ effects: inout AppenderEffects) {
        var batch: [PendingAppend] = []
        var bytes = 0
        for pending in queue where pending.scannedThrough == log.revision {
            // Headroom for ids and counts around the actions' own bytes.
            let grown = bytes + pending.bytes.count + 64
            guard grown <= Limits.actionBytesMax, batch.count < Limits.bodyActionCountMax else {
                break
            }
            bytes = grown
            batch.append(pending)
        }
        guard !batch.isEmpty else { return }
        let ids = Set(batch.map(\.action))
        queue.removeAll { ids.contains($0.action) }
        queuedBytes -= batch.reduce(0) { $0 + $1.bytes.count }

        let target = log.revision.next
        let body = EntryBody(actions: batch.map { Action(id: $0.action, bytes: $0.bytes) })
        let commit = CommitAttempt(
            participant: Participant(
                collection: collection, incarnation: log.incarnation, target: target),
            payload: PayloadID(
                action: ActionID(rawValue: effects.generator.identifier()), execution: 0),
            body: body.canonicalBytes, wallMilliseconds: effects.wallMilliseconds)
        flight = Flight(target: target, actions: batch)
        let deadline = batch.flatMap(\.waiters).map(\.deadline).max() ?? effects.now
        for waiter in batch.flatMap(\.waiters) { effects.wake(at: waiter.deadline) }
        effects.propose(commit, deadline: deadline)
    }

    /// A try of the attempt was sent, or failed and will be repeated.
    public mutating func attemptProgress(isTrying: Bool, trouble: DatabaseError?) {
        flight?.isTrying = isTrying
        if let trouble {
            lastTrouble = trouble
            if trouble.outcome == .unknown { flight?.mayHaveLanded = true }
        }
    }

    /// The attempt has ended.
    public mutating func attemptEnded(
        _ reply: RepositoryReply, _ effects: inout AppenderEffects
    ) {
        guard var ended = flight else { return }
        flight = nil
        if case .failed(let error) = reply, error.outcome == .unknown { ended.mayHaveLanded = true }
        switch reply {
        case .committed(let revision, _): batchLanded(ended, at: revision, &effects)
        case .refused(.fenced(let value)):
            requeue(ended)
            adopt(value, isFresh: true)
        case .refused(.moved(let value)):
            mark("appender.moved")
            // An earlier accept of the same attempt may have been written back by somebody else and
            // sealed: until the log at the target is read, nobody may be told that it failed.
            ended.mayHaveLanded = true
            requeue(ended)
            adopt(value, isFresh: true)
        case .refused(.gone(let value)):
            adopt(value, isFresh: true)
            requeue(ended)
            if log == nil {
                for pending in queue { pending.fail(DiaryAppender.absent(value), &effects) }
                queue = []
                queuedBytes = 0
            }
        case .refused(.blocked(let value)):
            ended.mayHaveLanded = true
            requeue(ended)
            adopt(value, isFresh: true)
            return effects.wakeSoon()
        case .failed(let error):
            lastTrouble = error
            requeue(ended)
            log = nil
            tick(&effects)
            return
        default: invariant(false, "an attempt cannot end with \(reply)")
        }
        advance(&effects)
        log?.isFresh = false
    }

    private mutating func batchLanded(
        _ ended: Flight, at revision: Revision, _ effects: inout AppenderEffects
    ) {
        lastTrouble = nil
        if let log, log.revision < revision { self.log?.revision = revision }
        let actions = ended.actions.map { Action(id: $0.action, bytes: $0.bytes) }
        if index.map({ $0.through < revision.previous }) ?? true, let log {
            index = ActionIndex(incarnation: log.incarnation, after: revision.previous)
        }
        if index?.through == revision.previous { index?.append(revision, actions: actions) }
        for (number, pending) in ended.actions.enumerated() {
            let position = DiaryPosition(revision: revision, index: UInt32(number))
            for waiter in pending.waiters { effects.respond(waiter.token, .appended(position)) }
        }
    }

    /// Puts the actions of an attempt that did not land, as far as is known, back to the front.
    private mutating func requeue(_ ended: Flight) {
        var actions = ended.actions.filter { !$0.waiters.isEmpty }
        if ended.mayHaveLanded {
            for position in actions.indices { actions[position].doubt(ended.target) }
        }
        queue = actions + queue
        queuedBytes += actions.reduce(0) { $0 + $1.bytes.count }
    }
}

/// Looks in one source, then in another.
struct LayeredSource: LogObjectSource {
    let first: [LogObjectKey: LogObject]
    let second: any LogObjectSource

    func object(_ key: LogObjectKey) -> LogObject? { first[key] ?? second.object(key) }
}
