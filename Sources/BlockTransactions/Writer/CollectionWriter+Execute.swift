import BlockModel
import BlockRuntime
import BlockStructures

/// From actions to an attempt: choose a batch, run it on the newest snapshot, propose it.
extension CollectionWriter {
    /// Proposes everything that is ready as one entry at the next revision.
    mutating func proposeBatch(on log: LogState, _ effects: inout WriterEffects) {
        retryUnreadable(on: log, &effects)
        while !isPreparing {
            let batch = chooseBatch(on: log)
            guard !batch.isEmpty else { return }
            guard log.header.kind.hasBlocks else {
                let actions = batch.map { Action(id: $0.action, bytes: $0.bytes) }
                let prepared = PreparedBatch(
                    diary: actions, payload: makePayload(&effects), base: log.revision)
                return propose(prepared, batch, on: log, &effects)
            }
            if preparedFor != log.revision {
                preparedFor = log.revision
                prepared = Fetched()
            }
            guard catchUpHistory(on: log, &effects), let history = effects.history else { return }
            if let stash = takeStash(batch, history),
                stash.isWithinLimits(listing: history, through: log.revision)
            {
                mark("writer.rebased")
                return propose(stash, batch, on: log, &effects)
            }
            do {
                guard let (prepared, count) = try run(batch, on: log, history, &effects) else {
                    continue
                }
                return propose(prepared, Array(batch.prefix(count)), on: log, &effects)
            } catch let missing as MissingBlocks {
                mark("writer.missingBlocks")
                fetch(missing, at: log.revision, history, &effects)
            } catch {
                invariant(false, "running a batch failed with \(error)")
            }
        }
    }

    /// The oldest actions that are known not to have landed, as many as fit one entry; those of a
    /// stash first and alone, so that they can land as they are. When not all fit, the clients
    /// take turns, each with its actions in order.
    private func chooseBatch(on log: LogState) -> [PendingAction] {
        var batch: [PendingAction] = []
        var bytes = 0
        let ready = queue.filter {
            $0.scannedThrough == log.revision && $0.awaited.isEmpty
        }
        let isAlone = stash == nil && buggify("buggify.writer.batchOfOne")
        let countMax = isAlone ? 1 : Limits.bodyActionCountMax
        let isCrowded = load.bytes > batchBytesMax || ready.count > Limits.bodyActionCountMax
        for pending in isCrowded && stash == nil ? Self.takingTurns(ready) : ready {
            // Headroom for ids and counts around the actions' own bytes.
            let grown = bytes + pending.bytes.count + 64
            guard batch.isEmpty || grown <= batchBytesMax,
                batch.count < min(stash?.actions.count ?? .max, countMax)
            else { break }
            bytes = grown
            batch.append(pending)
        }
        return batch
    }

    /// The same actions: the first of each client, then the second of each, and so on.
    static func takingTurns(_ actions: [PendingAction]) -> [PendingAction] {
        var countByClient: [Client: Int] = [:]
        var turns: [[PendingAction]] = []
        for action in actions {
            let turn = countByClient[action.client, default: 0]
            countByClient[action.client] = turn + 1
            if turn == turns.count { turns.append([]) }
            turns[turn].append(action)
        }
        return Array(turns.joined())
    }

    /// The stash, if it is this very batch and nothing that it depends on has changed.
    private mutating func takeStash(
        _ batch: [PendingAction], _ history: BlockHistory
    ) -> PreparedBatch? {
        defer { stash = nil }
        guard let stash, stash.actions == batch.map(\.identity),
            stash.prepared.isValid(in: history)
        else { return nil }
        return stash.prepared
    }

    /// Brings what is known of the newest writes up to the log.
    /// - Returns: Whether it is; otherwise what is missing was asked for.
    mutating func catchUpHistory(
        on log: LogState, _ effects: inout WriterEffects
    ) -> Bool {
        if let history = effects.history, history.incarnation == log.incarnation,
            history.through >= log.revision
        {
            return true
        }
        guard let tail, tail.incarnation == log.incarnation, tail.revision >= log.revision else {
            readTail(&effects)
            return false
        }
        do throws(MissingObjects) {
            let source = LayeredSource(first: prepared.objects, second: effects.cache)
            try BlockHistory.catchUp(&effects.history, to: tail, source: source)
            return true
        } catch {
            isPreparing = true
            effects.fetchToRun(error.keys.map { .object($0) })
            return false
        }
    }

    private mutating func fetch(
        _ missing: MissingBlocks, at revision: Revision, _ history: BlockHistory,
        _ effects: inout WriterEffects
    ) {
        let snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: effects.blocks, fetched: [:])
        isPreparing = true
        effects.fetchToRun(snapshot.requests(for: missing.ids, of: collection).map { .block($0) })
    }

    /// Runs a batch, each action on what the ones before it left. One that cannot be done is
    /// answered and leaves the queue; one that needs a block which cannot be read is set aside.
    /// - Returns: What was made of the first so many, with what they give out no more than fits a
    ///   body. nil when another batch is to be chosen: not all could be run, or it is too large.
    /// - Throws: ``MissingBlocks``.
    private mutating func run(
        _ batch: [PendingAction], on log: LogState, _ history: BlockHistory,
        _ effects: inout WriterEffects
    ) throws -> (prepared: PreparedBatch, count: Int)? {
        let snapshot = CollectionSnapshot(
            history: history, revision: log.revision, cache: effects.blocks,
            fetched: prepared.blocks)
        let life = ActionExecutor.Life(collection: collection, incarnation: log.incarnation)
        let tracker = Tracker(
            snapshot: snapshot, header: log.header,
            ids: StructuralBlockIDs(
                incarnation: log.incarnation, action: ActionID(rawValue: .zero)))
        var outcomes: [ActionOutcome] = []
        var failures: [ActionID: DatabaseError] = [:]
        var needs: [ActionID: Set<BlockID>] = [:]
        var collector = MissingCollector()
        var bodyBytes = 0
        run: for pending in batch {
            bodyBytes += pending.bytes.count + 64
            // The first one always fits; whether it fits an attempt is seen when it is made.
            var room = outcomes.isEmpty ? .max : Limits.bodyBytesMax - bodyBytes
            if !outcomes.isEmpty, buggify("buggify.writer.smallBody") { room = -1 }
            do {
                let outcome = try collector.run {
                    do {
                        return try ActionExecutor.run(
                            pending.content, pending.action, on: tracker, life, room: room)
                    } catch let missing as MissingBlocks {
                        let lacking = missing.ids.filter { unreadable[$0] != nil }
                        if lacking.isEmpty { throw missing }
                        throw Unavailable(blocks: Set(lacking))
                    }
                }
                guard let outcome else { continue }
                outcomes.append(outcome)
                bodyBytes += outcome.bytes.count
            } catch let error as DatabaseError {
                failures[pending.action] = error
            } catch let error as Unavailable {
                needs[pending.action] = error.blocks
            } catch is ActionExecutor.NoRoom {
                mark("writer.batchFull")
                break run
            }
        }
        try collector.finish()
        if !failures.isEmpty || !needs.isEmpty {
            mark("writer.actionFailed")
            fail(failures, &effects)
            setAside(needs, &effects)
            return nil
        }
        let batch = batch.prefix(outcomes.count)
        let actions = batch.map { Action(id: $0.action, bytes: $0.bytes) }
        let prepared = try PreparedBatch(
            actions, outcomes: outcomes, on: tracker, snapshot: snapshot, collection: collection,
            headerRevision: log.headerRevision, payload: makePayload(&effects))
        let isSmall = prepared.isWithinLimits(listing: history, through: log.revision)
        guard isSmall, batch.count == 1 || !buggify("buggify.writer.smallBatch") else {
            mark("writer.batchTooLarge")
            if batch.count == 1 {
                fail([batch[0].action: prepared.excess], &effects)
            } else {
                batchBytesMax = max(1, batch.reduce(0) { $0 + $1.bytes.count + 64 } / 2)
            }
            return nil
        }
        return (prepared, batch.count)
    }

    /// Answers actions that cannot be done, and takes them out of the queue.
    mutating func fail(
        _ failures: [ActionID: DatabaseError], _ effects: inout WriterEffects
    ) {
        queue.removeAll { pending in
            guard let error = failures[pending.action] else { return false }
            pending.fail(error, &effects)
            load.remove(pending)
            return true
        }
    }

    private func makePayload(_ effects: inout WriterEffects) -> PayloadID {
        PayloadID(action: ActionID(rawValue: effects.makeIdentifier()), execution: 0)
    }

    /// Sends a batch on its way.
    private mutating func propose(
        _ prepared: PreparedBatch, _ batch: [PendingAction], on log: LogState,
        _ effects: inout WriterEffects
    ) {
        let ids = Set(batch.map(\.action))
        queue.removeAll { ids.contains($0.action) }
        for pending in batch { load.remove(pending) }
        self.prepared = Fetched()
        stash = nil
        let target = log.revision.next
        let checkpoint = checkpointer?.checkpoint(above: log.checkpoint, upTo: log.revision)
        let commit = prepared.attempt(
            at: Participant(
                collection: collection, incarnation: log.incarnation, target: target),
            history: effects.history, checkpoint: checkpoint,
            wallMilliseconds: effects.wallMilliseconds)
        flight = Flight(
            incarnation: log.incarnation, target: target, checkpoint: checkpoint, actions: batch,
            ids: ids, prepared: prepared)
        let deadline = batch.flatMap(\.waiters).map(\.deadline).max() ?? effects.now
        for waiter in batch.flatMap(\.waiters) { effects.wake(at: waiter.deadline) }
        effects.propose(commit, deadline: deadline)
    }
}

/// An action cannot be run now: blocks that it needs cannot be read.
private struct Unavailable: Error {
    let blocks: Set<BlockID>
}
