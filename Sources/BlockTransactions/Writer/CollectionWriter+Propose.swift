import BlockModel
import BlockRuntime

/// From the queue to an attempt: scan, batch, propose, learn.
extension CollectionWriter {
    /// Goes as far as possible without waiting.
    mutating func advance(_ effects: inout WriterEffects) {
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
        if flight == nil, !isReadingTail { proposeBatch(on: log, &effects) }
    }

    mutating func readTail(_ effects: inout WriterEffects) {
        isReadingTail = true
        tailReadCount += 1
        effects.readTail()
    }

    /// Answers what can never land in this life of the log.
    /// - Returns: Whether some action has seen more than is known here: the tail must be read.
    private mutating func settleMisfits(_ log: LogState, _ effects: inout WriterEffects) -> Bool {
        var isBehind = false
        var kept: [PendingAction] = []
        for var pending in queue {
            if pending.incarnation != log.incarnation {
                let isOlder = pending.incarnation.generation <= log.incarnation.generation
                guard isOlder || log.isFresh(for: pending) else {
                    isBehind = true
                    kept.append(pending)
                    continue
                }
                let message =
                    "the collection was dropped, and perhaps created again, since it was opened"
                pending.fail(DatabaseError(.collectionNotFound, message), &effects)
            } else if pending.content.kind != log.header.kind {
                let message =
                    "the collection is a \(log.header.kind), not a \(pending.content.kind)"
                pending.fail(DatabaseError(.collectionKindMismatch, message), &effects)
            } else if let problem = pending.keyProblem(log.header.keyType) {
                pending.fail(DatabaseError(.invalidArgument, problem), &effects)
            } else if pending.firstRevision > log.revision {
                guard log.isFresh(for: pending) else {
                    mark("writer.isBehind")
                    isBehind = true
                    kept.append(pending)
                    continue
                }
                let message =
                    "firstRevision \(pending.firstRevision) is above revision \(log.revision)"
                pending.fail(DatabaseError(.invalidArgument, message), &effects)
            } else if pending.scannedThrough < log.truncatedThrough {
                if planted(.truncatedWindowScanned) {
                    kept.append(pending)
                    kept[kept.count - 1].scannedThrough = log.truncatedThrough
                    continue
                }
                let message =
                    "history through revision \(log.truncatedThrough) is gone, the action "
                    + "may be in it: it was first sent at \(pending.firstRevision)"
                pending.fail(
                    DatabaseError(.dedupeWindowLost, message, outcome: .unknown), &effects)
            } else {
                kept.append(pending)
                continue
            }
            load.remove(pending)
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
    private mutating func answerLanded(_ effects: inout WriterEffects) {
        guard let index else { return }
        var kept: [PendingAction] = []
        for pending in queue {
            guard pending.incarnation == index.incarnation,
                let landing = index.landing(of: pending.action)
            else {
                kept.append(pending)
                continue
            }
            mark("writer.foundLanded")
            landed(pending, at: landing, &effects)
            load.remove(pending)
        }
        queue = kept
    }

    /// Reads the next stretch of the log for the actions that are behind. Those closest to the end
    /// go first: a client that comes back after a million revisions delays nobody else.
    private mutating func scan(through revision: Revision, _ effects: inout WriterEffects) {
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
                mark("writer.scanFetches")
                isFetching = true
                effects.fetch(error.keys.map { .object($0) })
            }
        }
    }

    /// One entry of the chosen log was read.
    private mutating func learn(
        _ revision: Revision, _ actions: [Action], _ incarnation: Incarnation,
        _ effects: inout WriterEffects
    ) {
        if index.map({ $0.through < revision.previous }) ?? true {
            index = ActionIndex(incarnation: incarnation, after: revision.previous)
        }
        if index?.through == revision.previous { index?.append(revision, actions: actions) }
        for (number, action) in actions.enumerated() {
            guard load.contains(action.id),
                let position = queue.firstIndex(where: { $0.action == action.id })
            else { continue }
            let pending = queue.remove(at: position)
            load.remove(pending)
            let place = LogPosition(revision: revision, index: UInt32(number))
            landed(pending, at: ActionIndex.Landing(position: place, action: action), &effects)
        }
        for position in queue.indices where queue[position].scannedThrough == revision.previous {
            queue[position].scannedThrough = revision
        }
    }

    // MARK: Attempts

    /// A try of the attempt was sent, or failed and will be repeated.
    package mutating func attemptProgress(isTrying: Bool, trouble: DatabaseError?) {
        if isTrying { flight?.doubt.handedOver() }
        guard let trouble else { return }
        learned(trouble)
        flight?.doubt.tryEnded(trouble)
    }

    /// Why something that it waits for takes so long: what those whose time runs out are told.
    package mutating func learned(_ trouble: DatabaseError) {
        lastTrouble = trouble.orDeeper(lastTrouble)
    }

    /// The attempt has ended.
    package mutating func attemptEnded(
        _ reply: RepositoryReply, _ effects: inout WriterEffects
    ) {
        guard var ended = flight else { return }
        flight = nil
        if case .failed(let error) = reply {
            ended.doubt.tryEnded(error)
        } else {
            ended.doubt.tryEnded()
        }
        switch reply {
        case .committed(ended.target, _): batchLanded(ended, &effects)
        case .committed:
            mark("writer.landedEarlier")
            // It landed by an earlier attempt: the log tells where.
            ended.doubt.raise()
            requeue(ended)
            log = nil
        case .refused(.fenced(let value)):
            mark("writer.fenced")
            // Dead, whatever became of earlier tries of it. Its actions go on in another attempt.
            ended.doubt.decided()
            requeue(ended)
            adopt(value)
        case .refused(.moved(let landing, let value)):
            mark("writer.moved")
            switch landing {
            case .absent: ended.doubt.decided()
            // An earlier accept of the same attempt may have been written back by somebody else and
            // sealed: until the log at the target is read, nobody may be told that it failed.
            case .notLookedFor: ended.doubt.raise()
            }
            requeue(ended)
            keep(ended)
            adopt(value)
            if planted(.noScanAfterMoved), let log { skipScan(of: ended, to: log.revision) }
        case .refused(.gone(let value)):
            mark("writer.gone")
            adopt(value)
            requeue(ended)
        case .refused(.blocked(let value)):
            requeue(ended)
            adopt(value)
            return effects.wakeSoon()
        case .failed(let error) where error.isRefusal && !ended.doubt.mayHaveCommitted:
            // Another try would be refused as well.
            for action in ended.actions { action.fail(error, &effects) }
            log = nil
        case .failed(let error):
            mark("writer.attemptFailed")
            learned(error)
            requeue(ended)
            // Sent again as it is: under a new payload its pends would stay, and nobody takes the
            // old ones back.
            keep(ended)
            if planted(.nextRevisionInDoubt) { skipScan(of: ended, to: ended.target) }
            log = nil
            tick(&effects)
            return
        default: invariant(false, "an attempt cannot end with \(reply)")
        }
        advance(&effects)
    }

    /// The planted bugs: takes entries that were not read for free of a batch's actions.
    private mutating func skipScan(of ended: Flight, to revision: Revision) {
        let ids = Set(ended.actions.map(\.action))
        for position in queue.indices where ids.contains(queue[position].action) {
            queue[position].scannedThrough = max(queue[position].scannedThrough, revision)
        }
    }

    /// Keeps a batch that did not land, as far as is known. One of a diary is as quickly made anew,
    /// with what came meanwhile in it.
    private mutating func keep(_ ended: Flight) {
        guard log?.header.kind.hasBlocks == true else { return }
        stash = Stash(actions: ended.actions.map(\.identity), prepared: ended.prepared)
    }

    private mutating func batchLanded(_ ended: Flight, _ effects: inout WriterEffects) {
        lastTrouble = nil
        let revision = ended.target
        let prepared = ended.prepared
        batchBytesMax = min(2 * batchBytesMax, Limits.actionBytesMax)
        let life = log?.incarnation == ended.incarnation ? log?.incarnation : nil
        if let known = log, life != nil, known.revision == revision.previous {
            log?.revision = revision
            if let checkpoint = ended.checkpoint {
                log?.checkpoint = known.checkpoint.merged(with: checkpoint)
            }
            if let header = prepared.headerAfter {
                log?.header = header
                log?.headerRevision = revision
            }
        }
        let actions = zip(ended.actions, prepared.outcomes).map {
            Action(id: $0.action, bytes: $0.bytes, outcome: $1.bytes)
        }
        // Of a life that is over nothing need be remembered.
        if let life {
            if index.map({ $0.through < revision.previous }) ?? true {
                index = ActionIndex(incarnation: life, after: revision.previous)
            }
            if index?.through == revision.previous { index?.append(revision, actions: actions) }
            if effects.history?.incarnation == life {
                if effects.history?.through == revision.previous {
                    effects.history?.append(
                        revision, payload: prepared.payload, blocks: prepared.blocks)
                }
                if let checkpoint = ended.checkpoint {
                    effects.history?.raiseFloor(to: checkpoint)
                }
            }
            for block in prepared.results {
                effects.blocks.keep(block, incarnation: life, revision: revision)
            }
        }
        for (number, pending) in ended.actions.enumerated() {
            let position = LogPosition(revision: revision, index: UInt32(number))
            pending.landed(at: position, prepared.outcomes[number], &effects)
        }
        let isEager = buggify("buggify.writer.finalisesAtOnce")
        finalise(countMin: isEager ? 1 : Limits.finaliseIntervalRevisions, &effects)
    }

    /// Makes entries final that are not known to be, if there are so many.
    mutating func finalise(countMin: Int, _ effects: inout WriterEffects) {
        guard let history = effects.history, let log, log.header.kind.hasBlocks else { return }
        let retries = checkpointer?.hasLaggingShards == true && effects.now >= retriesLaggingAt
        if retries { retriesLaggingAt = effects.now.advanced(by: Limits.laggingRetryTime) }
        let entries =
            checkpointer?.begin(
                history, collection, countMin: countMin, retriesLagging: retries) ?? []
        if !entries.isEmpty { effects.finalise(entries) }
        if checkpointer?.hasLaggingShards == true { effects.wake(at: retriesLaggingAt) }
        if countMin > 1 { effects.wake(at: effects.now.advanced(by: Limits.finaliseIdleTime)) }
    }

    /// Puts the actions of an attempt that did not land, as far as is known, back to the front.
    private mutating func requeue(_ ended: Flight) {
        var actions = ended.actions.filter { !$0.waiters.isEmpty }
        for position in actions.indices { actions[position].inherit(ended.doubt) }
        queue = actions + queue
        for pending in actions { load.add(pending) }
    }
}

/// Looks in one source, then in another.
struct LayeredSource: LogObjectSource {
    let first: [LogObjectKey: LogObject]
    let second: any LogObjectSource

    func object(_ key: LogObjectKey) -> LogObject? { first[key] ?? second.object(key) }
}

extension DatabaseError {
    /// Whether an attempt was found to make no sense, by whoever looked at it first.
    fileprivate var isRefusal: Bool {
        [.invalidArgument, .valueTooLarge, .malformedMessage].contains(code)
    }
}
