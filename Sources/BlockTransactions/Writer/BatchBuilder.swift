import BlockModel
import BlockRuntime
import BlockStructures

/// From actions to a batch that can be sent: chooses which go, and runs them on the newest
/// snapshot; one that lost its race is taken as it is while that is good.
///
/// What it builds has left neither the queue nor this process: its driver decides whether and when
/// it is sent (``InFlightBatch``), alone or together with those of other collections.
package struct BatchBuilder: Sendable {
    /// A batch that was run on the newest snapshot, or is as good.
    package struct Built: Sendable {
        package let actions: [PendingAction]
        let prepared: PreparedBatch

        init(actions: [PendingAction], prepared: PreparedBatch) {
            self.actions = actions
            self.prepared = prepared
        }

        /// Of a custom collection: what its handlers have made of the actions elsewhere, on the
        /// newest snapshot.
        init(
            _ actions: [PendingAction], _ prepared: PreparedActions, on log: LogState,
            of collection: CollectionID, payload: PayloadID
        ) {
            self.actions = actions
            self.prepared = PreparedBatch(
                prepared, of: actions.map { Action(id: $0.action, bytes: $0.bytes) },
                collection: collection, headerRevision: log.headerRevision, payload: payload,
                base: log.revision)
        }

        /// What came of each action.
        var outcomes: [ActionOutcome] { prepared.outcomes }

        /// The same as a part of an attempt whose parts have one payload.
        func under(_ payload: PayloadID) -> Built {
            Built(actions: actions, prepared: prepared.under(payload))
        }

        /// The same at the home of the transactions that it is a part of.
        func recording(_ records: [TransactionRecord]) -> Built {
            Built(actions: actions, prepared: prepared.recording(records))
        }
    }

    /// How far it got.
    package enum Step {
        case built(Built)
        /// Nothing is ready, or something that was asked for has to come first.
        case waits
        /// The tail has to be read first.
        case needsTail
    }

    private let collection: CollectionID
    /// Bytes of actions that the next batch may hold; less after one that became too large.
    private var bytesMax = Limits.actionBytesMax
    /// What was fetched to run a batch on top of revision ``fetchedFor``.
    private var fetched = Fetched()
    private var fetchedFor: Revision?
    package private(set) var isFetching = false
    /// The last batch, if it lost its race or failed.
    private var rebasable: RebasableBatch?

    package init(collection: CollectionID) { self.collection = collection }

    // MARK: Events

    /// The collection lives no more.
    package mutating func lifeEnded() { rebasable = nil }

    /// What was asked for has come.
    package mutating func fetchEnded(_ things: Fetched) {
        isFetching = false
        fetched.merge(things)
    }

    /// It could not be had now: the next ``build(_:_:on:tail:_:)`` asks again.
    package mutating func fetchFailed() { isFetching = false }

    /// What was asked for beside everything else has come.
    package mutating func retryEnded(_ things: Fetched) { fetched.merge(things) }

    /// What it built was sent.
    package mutating func sent() {
        fetched = Fetched()
        rebasable = nil
    }

    /// A batch did not land, as far as is known: the same again, if that is good. One of a diary is
    /// as quickly made anew, with what came meanwhile in it.
    package mutating func keep(_ batch: InFlightBatch, on log: LogState?) {
        guard log?.header.kind.hasBlocks == true else { return }
        rebasable = RebasableBatch(batch)
    }

    /// A batch has landed: the next may be larger.
    package mutating func landed() {
        bytesMax = min(2 * bytesMax, Limits.actionBytesMax)
        invariant(bytesMax > 0, "batches of no bytes")
    }

    // MARK: Building

    /// Builds a batch of what is ready, for the next revision.
    /// - Parameters:
    ///   - queue: The actions; those that cannot be done are answered and leave it, those of the
    ///     batch stay until it is sent.
    ///   - tail: A chosen one, to read entries from.
    package mutating func build(
        _ queue: inout ActionQueue, _ unreadable: inout UnreadableBlocks, on log: LogState,
        tail: Tail?, _ effects: inout WriterEffects
    ) -> Step {
        let hasTail = retry(&unreadable, &queue, on: log, tail: tail, &effects)
        let step = buildNow(&queue, unreadable, on: log, tail: tail, &effects)
        if case .built(let built) = step {
            invariant(hasTail, "built on a log that is not known")
            invariant(built.prepared.base <= log.revision, "run above \(log.revision)")
            invariant(built.actions.count == built.prepared.outcomes.count, "other outcomes")
        }
        return hasTail ? step : .needsTail
    }

    private mutating func buildNow(
        _ queue: inout ActionQueue, _ unreadable: UnreadableBlocks, on log: LogState,
        tail: Tail?, _ effects: inout WriterEffects
    ) -> Step {
        while !isFetching {
            let batch = choose(from: queue, on: log)
            guard !batch.isEmpty else { return .waits }
            guard log.header.kind.hasBlocks else {
                let actions = batch.map { Action(id: $0.action, bytes: $0.bytes) }
                let prepared = PreparedBatch(
                    diary: actions, payload: makePayload(&effects), base: log.revision)
                return .built(Built(actions: batch, prepared: prepared))
            }
            if fetchedFor != log.revision {
                fetchedFor = log.revision
                fetched = Fetched()
            }
            let history: BlockHistory
            switch catchUpHistory(on: log, tail: tail, &effects) {
            case .known(let known): history = known
            case .asked: return .waits
            case .needsTail: return .needsTail
            }
            let again = rebasable?.prepared(for: batch, on: history, through: log.revision)
            rebasable = nil
            if let again { return .built(Built(actions: batch, prepared: again)) }
            do {
                if let built = try run(batch, on: log, history, &queue, unreadable, &effects) {
                    return .built(built)
                }
            } catch let missing as MissingBlocks {
                mark("writer.missingBlocks")
                isFetching = true
                effects.fetchToRun(requests(for: missing.ids, on: log, history, effects))
            } catch {
                invariant(false, "running a batch failed with \(error)")
            }
        }
        return .waits
    }

    /// The oldest actions that are known not to have landed, as many as fit one entry; those of a
    /// batch that lost its race first and alone, so that they can land as they are.
    private func choose(from queue: ActionQueue, on log: LogState) -> [PendingAction] {
        var batch: [PendingAction] = []
        var bytes = 0
        let ready = queue.ready(
            at: log.revision, roomBytes: bytesMax, takesTurns: rebasable == nil)
        let isAlone = rebasable == nil && buggify("buggify.writer.batchOfOne")
        let countMax = min(rebasable?.count ?? .max, isAlone ? 1 : Limits.bodyActionCountMax)
        for pending in ready {
            let grown = bytes + BatchRun.bodyBytes(of: pending)
            guard batch.isEmpty || grown <= bytesMax, batch.count < countMax else { break }
            bytes = grown
            batch.append(pending)
        }
        invariant(batch.isEmpty == ready.isEmpty, "a batch of nothing while actions are ready")
        invariant(
            batch.allSatisfy { $0.incarnation == log.incarnation },
            "an action of another life in a batch")
        invariant(batch.count <= Limits.bodyActionCountMax, "a batch of \(batch.count) actions")
        return batch
    }

    /// Runs a batch. Actions that cannot be done are answered and leave the queue; those that need
    /// a block which cannot be read are set aside.
    /// - Returns: What was made of the first so many. nil when another batch is to be chosen: not
    ///   all could be run, or it is too large.
    /// - Throws: ``MissingBlocks``.
    private mutating func run(
        _ batch: [PendingAction], on log: LogState, _ history: BlockHistory,
        _ queue: inout ActionQueue, _ unreadable: UnreadableBlocks,
        _ effects: inout WriterEffects
    ) throws -> Built? {
        let snapshot = CollectionSnapshot(
            history: history, revision: log.revision, cache: effects.blocks,
            fetched: fetched.blocks)
        let tracker = Tracker(
            snapshot: snapshot, header: log.header,
            ids: StructuralBlockIDs(
                incarnation: log.incarnation, action: ActionID(rawValue: .zero)))
        let life = ActionExecutor.Life(collection: collection, incarnation: log.incarnation)
        let run = try BatchRun(batch, on: tracker, life, history, unreadable)
        guard run.isComplete else {
            mark("writer.actionFailed")
            queue.fail(run.failures, &effects)
            unreadable.setAside(run.needs, &queue, &effects)
            return nil
        }
        invariant(run.outcomes.count <= batch.count, "outcomes of no action")
        let batch = Array(batch.prefix(run.outcomes.count))
        let prepared = try PreparedBatch(
            batch.map { Action(id: $0.action, bytes: $0.bytes) }, outcomes: run.outcomes,
            on: tracker, snapshot: snapshot, collection: collection,
            headerRevision: log.headerRevision, payload: makePayload(&effects))
        let isSmall = prepared.isWithinLimits(listing: history, through: log.revision)
        guard isSmall, batch.count == 1 || !buggify("buggify.writer.smallBatch") else {
            mark("writer.batchTooLarge")
            if batch.count == 1 {
                queue.fail([batch[0].action: prepared.excess], &effects)
            } else {
                bytesMax = max(1, batch.reduce(0) { $0 + BatchRun.bodyBytes(of: $1) } / 2)
            }
            return nil
        }
        return Built(actions: batch, prepared: prepared)
    }

    private func makePayload(_ effects: inout WriterEffects) -> PayloadID {
        PayloadID(action: ActionID(rawValue: effects.makeIdentifier()), execution: 0)
    }

    // MARK: Fetching

    /// What is known of the newest writes of the collection.
    private enum CatchUp {
        /// All of them up to the log.
        case known(BlockHistory)
        /// What is missing was asked for.
        case asked
        /// The tail has to be read first.
        case needsTail
    }

    /// Brings what is known of the newest writes up to the log.
    private mutating func catchUpHistory(
        on log: LogState, tail: Tail?, _ effects: inout WriterEffects
    ) -> CatchUp {
        if let history = effects.history, history.incarnation == log.incarnation,
            history.through >= log.revision, history.isComplete
        {
            // The checkpoint of another writer: what it covers is not listed any more.
            effects.history?.raiseFloor(to: log.checkpoint)
        } else {
            guard let tail, tail.incarnation == log.incarnation, tail.revision >= log.revision
            else { return .needsTail }
            let before = effects.history?.through
            do throws(MissingObjects) {
                let source = LayeredSource(first: fetched.objects, second: effects.cache)
                try BlockHistory.catchUp(&effects.history, to: tail, source: source)
            } catch {
                if let before, let history = effects.history, history.through > before {
                    fetched.objects = [:]
                }
                isFetching = true
                effects.fetchToRun(error.keys.map { .object($0) })
                return .asked
            }
        }
        guard let history = effects.history else { return .needsTail }
        invariant(history.through >= log.revision, "history ends at \(history.through)")
        return .known(history)
    }

    /// Asks again, beside everything else, for the blocks that actions are set aside for.
    /// - Returns: False when the tail has to be read first.
    private mutating func retry(
        _ unreadable: inout UnreadableBlocks, _ queue: inout ActionQueue, on log: LogState,
        tail: Tail?, _ effects: inout WriterEffects
    ) -> Bool {
        // What that needs may be on its way already.
        guard !isFetching else { return true }
        let due = unreadable.due(&queue, &effects)
        guard !due.isEmpty else { return true }
        switch catchUpHistory(on: log, tail: tail, &effects) {
        case .known(let history):
            unreadable.retryBegan(due)
            effects.fetchApart(requests(for: due, on: log, history, effects))
        case .asked: break
        case .needsTail: return false
        }
        return true
    }

    private func requests(
        for blocks: [BlockID], on log: LogState, _ history: BlockHistory, _ effects: WriterEffects
    ) -> [FetchItem] {
        invariant(!blocks.isEmpty, "a fetch of nothing, which never ends")
        return CollectionSnapshot(
            history: history, revision: log.revision, cache: effects.blocks, fetched: [:]
        ).requests(for: blocks, of: collection).map { .block($0) }
    }

    package func checkInvariants() {
        invariant((1...Limits.actionBytesMax).contains(bytesMax), "batches of \(bytesMax) bytes")
        rebasable?.checkInvariants()
    }
}
