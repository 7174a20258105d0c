import BlockModel
import BlockRuntime
import BlockStructures

/// The local side of a custom collection: a snapshot of it at one revision, the actions that are
/// not durable yet, and what they make of the snapshot. It talks to nobody: its owner brings pages
/// of the log and blocks, and takes attempts to the cluster.
///
/// What the log says is never behind: an action that is found in it has landed, whoever was told
/// what. An attempt whose outcome is unknown is the only one there is until the log has decided
/// (protocol C11 A3.6).
package final class LocalCollection<Action: Sendable> {
    /// An action that is not known to be durable.
    package struct Pending: Sendable {
        package let id: ActionID
        package let action: Action
        let bytes: Bytes
    }

    /// An attempt that is on its way, or whose outcome is not known.
    private struct Flight {
        let prepared: PreparedBatch
        let target: Revision
        let actions: [Pending]
        let commit: CommitAttempt
    }

    package let collection: CollectionID
    package let incarnation: Incarnation
    package let behavior: CollectionBehavior<Action>
    /// The snapshot is of this revision.
    package private(set) var revision: Revision
    private var header: CollectionHeader
    private var headerRevision: Revision
    private var checkpoint: Revision
    private var history: BlockHistory
    private let cache: SharedBlockCache
    private var checkpointer: Checkpointer

    private var snapshot: CollectionSnapshot
    private var tracker: Tracker
    package private(set) var pending: [Pending] = []
    /// How many of ``pending`` the tracker has.
    private var appliedCount = 0
    private var flight: Flight?
    /// Actions of others that were read since the pending ones were last compared with them.
    private var unseen: [Action] = []
    /// Actions of this side that the log has shown.
    private var landed: Set<ActionID> = []

    /// A collection as of `page`, whose entries up to its checkpoint need not be known.
    package init(
        collection: CollectionID, incarnation: Incarnation, behavior: CollectionBehavior<Action>,
        checkpoint page: LogPage, cacheBytesMax: Int = Limits.blockCacheBytesMax
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.behavior = behavior
        revision = page.checkpoint
        header = page.header
        headerRevision = page.headerRevision
        checkpoint = page.checkpoint
        history = BlockHistory(incarnation: incarnation, floor: page.checkpoint)
        cache = SharedBlockCache(byteCountMax: cacheBytesMax)
        checkpointer = Checkpointer(incarnation: incarnation, checkpoint: page.checkpoint)
        snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: cache, fetched: [:])
        tracker = LocalCollection.tracker(snapshot, header, incarnation)
    }

    private static func tracker(
        _ snapshot: CollectionSnapshot, _ header: CollectionHeader, _ incarnation: Incarnation
    ) -> Tracker {
        Tracker(
            snapshot: snapshot, header: header,
            ids: StructuralBlockIDs(
                incarnation: incarnation, action: ActionID(rawValue: .zero)))
    }

    // MARK: Acting

    /// Runs an action here and keeps it for the next attempt: all of it or nothing.
    /// - Throws: ``MissingBlocks``: bring them and call again; what the handler throws.
    package func act(_ action: Action, id: ActionID) throws {
        let bytes = try behavior.coding.bytes(of: action)
        try replay()
        try run(Pending(id: id, action: action, bytes: bytes))
        pending.append(Pending(id: id, action: action, bytes: bytes))
        appliedCount += 1
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

    private func run(_ pending: Pending) throws {
        tracker.begin(StructuralBlockIDs(incarnation: incarnation, action: pending.id))
        try AtomicScope.run(on: tracker) {
            try behavior.apply(
                pending.action, ActionScope(tracker: tracker, collection: collection))
        }
    }

    /// Runs the pending actions that the tracker does not have.
    private func replay() throws {
        while appliedCount < pending.count {
            try run(pending[appliedCount])
            appliedCount += 1
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
        for entry in page.entries {
            guard entry.revision == history.through.next else {
                throw DatabaseError(
                    .malformedMessage,
                    "entry \(entry.revision) of a log came after \(history.through)")
            }
            for action in entry.body.actions {
                if pending.contains(where: { $0.id == action.id }) {
                    landed.insert(action.id)
                } else if !pending.isEmpty {
                    unseen.append(try behavior.coding.action(of: action, at: entry.revision))
                }
            }
            history.append(entry.revision, payload: entry.payload, blocks: entry.body.blocks)
        }
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
        checkpoint = max(checkpoint, page.checkpoint)
        history.raiseFloor(to: checkpoint)
        return true
    }

    /// Takes over the newest state: pending actions that landed leave, and of the others the
    /// behaviour decides what becomes of them in view of what others did.
    /// - Parameter makeID: Draws ids for actions that are replaced.
    package func settle(makeID: () -> ActionID) -> CollectionUpdate<Action> {
        var update = CollectionUpdate<Action>(revision: history.through)
        update.landed = pending.filter { landed.contains($0.id) }.map(\.action)
        if let flight, history.through >= flight.target {
            // The log has an entry at its target: it has landed, and was seen, or never will.
            self.flight = nil
        }
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
        pending = kept
        landed = []
        unseen = []
        if revision != history.through || !update.isEmpty { rebase() }
        return update
    }

    /// Starts again on the newest snapshot, with the pending actions still to be run.
    private func rebase() {
        revision = history.through
        snapshot = CollectionSnapshot(
            history: history, revision: revision, cache: cache, fetched: [:])
        tracker = LocalCollection.tracker(snapshot, header, incarnation)
        appliedCount = 0
    }

    /// Runs the pending actions on the newest snapshot. One whose handler fails there is taken out.
    /// - Returns: What failed, with the errors.
    /// - Throws: ``MissingBlocks``: bring them and call again.
    package func replayAll() throws -> [(Action, any Error)] {
        var failed: [(Action, any Error)] = []
        while appliedCount < pending.count {
            do {
                try run(pending[appliedCount])
                appliedCount += 1
            } catch let missing as MissingBlocks {
                throw missing
            } catch {
                failed.append((pending[appliedCount].action, error))
                pending.remove(at: appliedCount)
            }
        }
        return failed
    }

    // MARK: Attempts

    /// The attempt that lands the pending actions, as many as fit one entry: the one in doubt if
    /// there is one.
    /// - Returns: nil when nothing is pending.
    /// - Throws: ``MissingBlocks``; `.valueTooLarge` when an action alone is too large,
    ///   `.overloaded` when it is so only until the writes below it are final.
    package func attempt(
        payload: PayloadID, wallMilliseconds: UInt64
    ) throws -> CommitAttempt? {
        if let flight { return flight.commit }
        try replay()
        guard !pending.isEmpty else { return nil }
        var count = min(pending.count, Limits.bodyActionCountMax)
        while true {
            let prepared = try prepare(count, payload: payload)
            if prepared.isWithinLimits(listing: history, through: revision) {
                return start(prepared, count, wallMilliseconds)
            }
            guard count > 1 else { throw prepared.excess }
            count /= 2
        }
    }

    private func prepare(_ count: Int, payload: PayloadID) throws -> PreparedBatch {
        if count < pending.count {
            // The tracker has more in it than this attempt may hold.
            rebase()
            while appliedCount < count {
                try run(pending[appliedCount])
                appliedCount += 1
            }
        }
        let actions = pending.prefix(count).map { BlockModel.Action(id: $0.id, bytes: $0.bytes) }
        return try PreparedBatch(
            actions, outcomes: [], on: tracker, snapshot: snapshot, collection: collection,
            headerRevision: headerRevision, payload: payload)
    }

    private func start(
        _ prepared: PreparedBatch, _ count: Int, _ wallMilliseconds: UInt64
    ) -> CommitAttempt {
        let target = revision.next
        let commit = prepared.attempt(
            at: Participant(collection: collection, incarnation: incarnation, target: target),
            history: history,
            checkpoint: checkpointer.checkpoint(above: checkpoint, upTo: revision),
            wallMilliseconds: wallMilliseconds)
        flight = Flight(
            prepared: prepared, target: target, actions: Array(pending.prefix(count)),
            commit: commit)
        return commit
    }

    /// The attempt is the entry at `landedAt`.
    /// - Returns: Whether that is where it was meant to be, and it was taken over; otherwise the
    ///   log is to be read.
    package func attemptLanded(at landedAt: Revision) -> Bool {
        guard let flight, flight.target == landedAt, history.through == landedAt.previous else {
            return false
        }
        let prepared = flight.prepared
        history.append(landedAt, payload: prepared.payload, blocks: prepared.blocks)
        for block in prepared.results {
            cache.keep(block, incarnation: incarnation, revision: landedAt)
        }
        if let changed = prepared.headerAfter {
            header = changed
            headerRevision = landedAt
        }
        let ids = Set(flight.actions.map(\.id))
        pending.removeAll { ids.contains($0.id) }
        self.flight = nil
        rebase()
        return true
    }

    /// The attempt certainly did not land and never will: it was not begun.
    package func attemptWasNotBegun() { flight = nil }

    // MARK: Making entries final

    /// Entries whose blocks should become final now; tell ``finaliseEnded(_:isFinal:)`` of each.
    package func entriesToFinalise() -> [FinaliseEntry] {
        checkpointer.begin(
            history, collection, countMin: Limits.finaliseIntervalRevisions)
    }

    package func finaliseEnded(_ entry: FinaliseEntry, isFinal: Bool) {
        checkpointer.ended(entry, isFinal: isFinal)
    }
}
