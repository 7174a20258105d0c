import BlockModel
import BlockRuntime
import BlockStructures

/// The local side of a custom collection: a snapshot of it at one revision, the actions that are
/// not durable yet, and what they make of the snapshot. It talks to no service: its owner brings
/// pages of the log and blocks, and takes attempts to the cluster.
///
/// What the log says is never behind: an action that is found in it has landed, whatever its client
/// was told what. An attempt whose outcome is unknown is the only one there is until the log has
/// decided (protocol: unknown-holds-the-next, doubt-belongs-to-the-attempt).
///
/// What was read of the log and what the pending actions have been compared with are two things: a
/// page may come, and the next one not. An action is begun on a snapshot of what was read, or else
/// it is compared, before it is proposed, with everything that was read since its snapshot.
package final class LocalCollection<Action: Sendable> {
    /// An action that is not known to be durable.
    package struct Pending: Sendable {
        package let id: ActionID
        package let action: Action
        let bytes: Bytes
    }

    /// An attempt that is on its way, or whose outcome is not known.
    struct InFlightAttempt {
        let prepared: PreparedBatch
        let actions: [Pending]
        let commit: CommitAttempt
        var doubt: AttemptDoubt

        var target: Revision { commit.participant.target }
    }

    package let collection: CollectionID
    package let incarnation: Incarnation
    package let behavior: CollectionBehavior<Action>
    /// The snapshot is of this revision; the log may have been read further.
    package internal(set) var revision: Revision
    /// As of the last entry that was read.
    var header: CollectionHeader
    var headerRevision: Revision
    var checkpoint: Checkpoint
    var history: BlockHistory
    let cache: SharedBlockCache
    var checkpointer: Checkpointer

    var snapshot: CollectionSnapshot
    var tracker: Tracker
    package internal(set) var pending: [Pending] = []
    /// How many of ``pending`` the tracker has.
    var appliedCount = 0
    var flight: InFlightAttempt?
    /// Actions of others that were read, and that the pending ones are still to be compared with.
    private var unseen: [Action] = []
    /// Actions of this side that the log has shown.
    private var landed: Set<ActionID> = []
    /// What became of pending actions, and was not told yet.
    private var report: CollectionBehavior<Action>.Update
    /// Landed by the sync that is under way: told when it fails.
    var landedNow: [Action] = []

    /// A collection as of `page`, whose entries up to its checkpoint need not be known.
    package init(
        collection: CollectionID, incarnation: Incarnation, behavior: CollectionBehavior<Action>,
        checkpoint page: LogPage, cacheBytesMax: Int = Limits.blockCacheBytesMax
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.behavior = behavior
        header = page.header
        headerRevision = page.headerRevision
        checkpoint = page.checkpoint
        history = BlockHistory(incarnation: incarnation, floor: page.checkpoint)
        cache = SharedBlockCache(byteCountMax: cacheBytesMax)
        revision = history.through
        checkpointer = Checkpointer(
            incarnation: incarnation, checkpoint: page.checkpoint,
            shardCount: Int(page.shardCount))
        snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: cache, fetched: [:])
        tracker = LocalCollection.tracker(snapshot, header, incarnation)
        report = CollectionBehavior.Update(revision: revision)
    }

    /// A collection that begins with what another one has read, with nothing pending.
    package init(_ known: Known) {
        collection = known.collection
        incarnation = known.incarnation
        behavior = known.behavior
        header = known.header
        headerRevision = known.headerRevision
        checkpoint = known.checkpoint
        history = known.history
        cache = SharedBlockCache(known.blocks)
        revision = history.through
        checkpointer = known.checkpointer
        snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: cache, fetched: [:])
        tracker = LocalCollection.tracker(snapshot, header, incarnation)
        report = CollectionBehavior.Update(revision: revision)
    }

    private static func tracker(
        _ snapshot: CollectionSnapshot, _ header: CollectionHeader, _ incarnation: Incarnation
    ) -> Tracker {
        Tracker(
            snapshot: snapshot, header: header,
            ids: StructuralBlockIDs(
                incarnation: incarnation, action: ActionID(rawValue: .zero)))
    }

    /// What was read of a collection, without the actions that are pending on it: for a
    /// transaction, which has a snapshot of its own.
    package struct Known: Sendable {
        fileprivate let collection: CollectionID
        fileprivate let incarnation: Incarnation
        fileprivate let behavior: CollectionBehavior<Action>
        fileprivate let header: CollectionHeader
        fileprivate let headerRevision: Revision
        fileprivate let checkpoint: Checkpoint
        fileprivate let history: BlockHistory
        fileprivate let checkpointer: Checkpointer
        fileprivate let blocks: BlockCache
    }

    package var known: Known {
        Known(
            collection: collection, incarnation: incarnation, behavior: behavior, header: header,
            headerRevision: headerRevision, checkpoint: checkpoint, history: history,
            checkpointer: checkpointer, blocks: cache.cache)
    }

    // MARK: Acting

    /// Runs an action here and keeps it for the next attempt: all of it or nothing.
    /// - Throws: ``MissingBlocks``: bring them and call again; what the handler throws.
    package func act(_ action: Action, id: ActionID) throws {
        let bytes = try behavior.coding.bytes(of: action)
        if pending.isEmpty, revision != history.through, !planted(.readTakenForSeen) {
            // What was read while nothing was pending is kept for no comparison: begin on it.
            unseen = []
            startAnew()
        }
        invariant(pending.last?.id != id, "\(id) is begun twice")
        try replay()
        try run(Pending(id: id, action: action, bytes: bytes))
        pending.append(Pending(id: id, action: action, bytes: bytes))
        appliedCount += 1
        invariant(appliedCount == pending.count, "an action is done before an earlier one")
    }

    /// Looks at the collection as the pending actions leave it. What `body` changes is undone.
    /// - Throws: ``MissingBlocks``: bring them and call again; what `body` throws.
    package func read<Result>(_ body: (ActionScope) throws -> Result) throws -> Result {
        try replay()
        var result: Result?
        do {
            try AtomicScope.run(on: tracker) {
                result = try body(ActionScope(tracker: tracker, collection: collection))
                throw Undo()
            }
        } catch is Undo {}
        guard let result else { fatalError("invariant: a body that ended has a result") }
        return result
    }

    private struct Undo: Error {}

    func run(_ pending: Pending) throws {
        tracker.begin(StructuralBlockIDs(incarnation: incarnation, action: pending.id))
        try AtomicScope.run(on: tracker) {
            try behavior.apply(
                pending.action, ActionScope(tracker: tracker, collection: collection))
        }
    }

    /// Runs the pending actions that the tracker does not have. One whose handler fails is taken
    /// out, and reported, unless it may have committed.
    /// - Throws: ``MissingBlocks``: bring them and call again.
    package func replay() throws {
        invariant(
            appliedCount <= pending.count, "\(appliedCount) of \(pending.count) actions are done")
        while appliedCount < pending.count {
            let next = pending[appliedCount]
            do {
                try run(next)
                appliedCount += 1
            } catch let missing as MissingBlocks {
                throw missing
            } catch {
                guard flight?.actions.contains(where: { $0.id == next.id }) != true else {
                    throw error
                }
                report.failed.append((next.action, error))
                pending.remove(at: appliedCount)
            }
        }
    }

    /// How to fetch blocks that a call has missed.
    package func requests(for missing: MissingBlocks) -> [BlockReadRequest] {
        snapshot.requests(for: missing.ids, of: collection)
    }

    /// Blocks have come.
    /// - Throws: `.corrupted` when one is not what was asked for.
    package func add(
        _ copies: [BlockCopy?], for requests: [BlockReadRequest]
    ) throws(DatabaseError) {
        guard copies.count == requests.count else {
            throw DatabaseError(
                .malformedMessage, "\(copies.count) blocks for \(requests.count) requests")
        }
        for (request, copy) in zip(requests, copies) {
            snapshot.add(try FetchedBlock(request, copy))
        }
    }

    // MARK: What others did

    /// The next page of the log is the one after this revision.
    package var nextPageAfter: Revision { history.through }

    /// Reads a page of the log.
    /// - Returns: Whether it was the last one: then ``settle()`` is due.
    /// - Throws: `.malformedMessage` when the page does not follow; `.valueUndecodable` for an
    ///   action that the behaviour cannot read.
    package func read(_ page: LogPage) throws(DatabaseError) -> Bool {
        for entry in page.entries { try read(entry) }
        guard history.through == page.revision else {
            guard !page.entries.isEmpty else {
                throw DatabaseError(
                    .malformedMessage,
                    "an empty page after \(history.through) of a log at \(page.revision)")
            }
            return false
        }
        header = page.header
        headerRevision = page.headerRevision
        checkpoint = checkpoint.merged(with: page.checkpoint)
        history.raiseFloor(to: checkpoint)
        return true
    }

    /// Reads one entry, all of it or nothing.
    private func read(_ entry: LogEntry) throws(DatabaseError) {
        // Below the checkpoint those that need not be listed are passed over.
        if entry.revision <= min(history.through, history.floor.revision) { return }
        guard entry.revision == history.through.next else {
            throw DatabaseError(
                .malformedMessage,
                "entry \(entry.revision) of a log came after \(history.through)")
        }
        invariant(entry.revision > revision, "an entry of the snapshot is read again")
        var others: [Action] = []
        var own: [ActionID] = []
        for action in entry.body.actions {
            if pending.contains(where: { $0.id == action.id }) {
                own.append(action.id)
            } else if !pending.isEmpty {
                others.append(try behavior.coding.action(of: action, at: entry.revision))
            }
        }
        unseen += others
        landed.formUnion(own)
        history.append(entry.revision, payload: entry.payload, blocks: entry.body.blocks)
        if let changed = entry.headerAfter {
            header = changed
            headerRevision = entry.revision
        }
    }

    /// Takes over the newest state: pending actions that landed leave, and of the others the
    /// behaviour decides what becomes of them in view of what others did. ``takeReport()`` tells.
    /// - Parameter makeID: Draws ids for actions that are replaced.
    package func takeOver(makeID: () -> ActionID) {
        var update = CollectionBehavior<Action>.Update(revision: history.through)
        update.landed = pending.filter { landed.contains($0.id) }.map(\.action)
        // The log has an entry at its target: it has landed, and was seen, or never will.
        flight?.doubt.logWasRead(through: history.through)
        if let flight, history.through >= flight.target { self.flight = nil }
        let inDoubt = Set(flight?.actions.map(\.id) ?? [])
        var kept: [Pending] = []
        for item in pending where !landed.contains(item.id) {
            // What may have landed must not become another action.
            guard !unseen.isEmpty, !inDoubt.contains(item.id) else {
                kept.append(item)
                continue
            }
            switch behavior.resolve(item.action, unseen) {
            case .keep: kept.append(item)
            case .drop: update.dropped.append(item.action)
            case .replace(let action):
                do throws(DatabaseError) {
                    let bytes = try behavior.coding.bytes(of: action)
                    kept.append(Pending(id: makeID(), action: action, bytes: bytes))
                    update.replaced.append((item.action, action))
                } catch {
                    update.failed.append((item.action, error))
                }
            }
        }
        invariant(
            kept.count + update.landed.count + update.dropped.count + update.failed.count
                == pending.count, "a pending action is lost, or there twice")
        invariant(
            kept.count { inDoubt.contains($0.id) }
                == pending.count { inDoubt.contains($0.id) && !landed.contains($0.id) },
            "what may have landed became another action")
        pending = kept
        landed = []
        unseen = []
        if revision != history.through || !update.isEmpty { startAnew() }
        report.add(update)
    }

    /// Starts again on the newest snapshot, with the pending actions still to be run.
    func startAnew() {
        invariant(history.through >= revision, "a snapshot goes back to \(history.through)")
        revision = history.through
        snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: cache, fetched: [:])
        tracker = LocalCollection.tracker(snapshot, header, incarnation)
        appliedCount = 0
    }

    /// What became of pending actions since this was last called. What the sync under way has
    /// landed does not count: that is what it is for.
    package func takeReport() -> CollectionBehavior<Action>.Update {
        defer { report = CollectionBehavior.Update(revision: revision) }
        landedNow = []
        report.revision = revision
        return report
    }

    /// What ``takeReport()`` would return: the application was not told of it yet.
    package var untold: CollectionBehavior<Action>.Update { report }

    /// The sync under way has failed: what it has landed is told by the next report.
    package func syncFailed() {
        report.landed += landedNow
        landedNow = []
    }

    // MARK: Making entries final

    /// Entries whose blocks should become final now; tell ``finaliseEnded(_:isFinal:)`` of each.
    package func entriesToFinalise() -> [FinaliseEntry] {
        checkpointer.begin(
            history, collection, countMin: Limits.finaliseIntervalRevisions, retriesLagging: true)
    }

    package func finaliseEnded(_ entry: FinaliseEntry, isFinal: Bool) {
        checkpointer.ended(entry, isFinal: isFinal)
    }
}
