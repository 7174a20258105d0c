import BlockModel
import BlockRuntime
import BlockStructures

/// Actions that were run on a snapshot, and everything an attempt needs of them.
///
/// It stays valid at a later revision as long as no entry in between wrote a block it read or wrote
/// or changed the header part (protocol: header-is-read, every-visited-block-is-read): then the
/// same payload is bound to the later target. Otherwise the actions are run again, under another
/// payload.
package struct PreparedBatch: Sendable {
    private(set) var payload: PayloadID
    /// The revision of the snapshot.
    let base: Revision
    private(set) var body: Bytes
    /// What the body records of each transaction, by its id.
    private(set) var recordHashes: [ActionID: Digest] = [:]
    /// Without the committed writes below, which depend on the target, unless it came prepared.
    let writes: [BlockWrite]
    /// As the body lists them, the header part among them when it changes.
    let blocks: [TouchedBlock]
    let headerAfter: CollectionHeader?
    /// One for each action, in order; none for what a custom collection lands by itself.
    let outcomes: [ActionOutcome]
    /// The blocks as the batch leaves them; removed ones are left out.
    let results: [Block]
    /// Every block read or written, the header part among them.
    private let dependencies: Set<BlockID>

    /// As its body lists them.
    let reads: [ReadDependency]
    /// Another process has run it, at ``base``, and lists the writes below it.
    private let cameListed: Bool
    /// Bytes of the transforms and the body: what the pends of the attempt weigh.
    private(set) var byteCount: Int

    /// Whether it can be sent as one attempt, which lists the writes of `history` below it: so that
    /// none is ever larger than a frame.
    func isWithinLimits(listing history: BlockHistory?, through revision: Revision) -> Bool {
        guard isSmallEnough else { return false }
        var bytes = byteCount + writes.count * Limits.blockWriteBytes
        for write in writes {
            let count = history?.committed(write.block, through: revision).count ?? 0
            guard count <= Limits.committedWriteCountMax else { return false }
            bytes += count * Limits.committedWriteBytes
        }
        return bytes <= Limits.attemptFrameBytesMax
    }

    /// Why it must not be proposed at all now; nil when it may be.
    func refusal(by history: BlockHistory) -> DatabaseError? {
        guard history.refusesWrites else { return nil }
        return writes.lazy.compactMap { history.refusal(of: $0.block) }.first
    }

    /// Whether it would fit an attempt, were every write below it final.
    private var isSmallEnough: Bool {
        byteCount <= Limits.attemptBytesMax && body.count <= Limits.bodyBytesMax
            && writes.count < Limits.transformBlockCountMax
    }

    /// Why a batch of one action that is not within the limits cannot be done.
    var excess: DatabaseError {
        Self.excess(
            bodyBytes: body.count, readCount: reads.count, byteCount: byteCount,
            writeCount: writes.count)
    }

    /// Names the limit that is exceeded, and what exceeds it.
    package static func excess(
        bodyBytes: Int, readCount: Int, byteCount: Int, writeCount: Int
    ) -> DatabaseError {
        invariant(bodyBytes <= byteCount, "a body of \(bodyBytes) bytes in \(byteCount)")
        if bodyBytes > Limits.bodyBytesMax {
            return DatabaseError(
                .valueTooLarge,
                "an action whose body is \(bodyBytes) bytes, with its outcome, the \(readCount) "
                    + "blocks that it reads and the \(writeCount) that it writes, bodyBytesMax = "
                    + "\(Limits.bodyBytesMax)")
        }
        if byteCount > Limits.attemptBytesMax || writeCount >= Limits.transformBlockCountMax {
            return DatabaseError(
                .valueTooLarge,
                "an action that writes \(byteCount) bytes in \(writeCount) blocks, "
                    + "attemptBytesMax = \(Limits.attemptBytesMax), transformBlockCountMax = "
                    + "\(Limits.transformBlockCountMax)")
        }
        return DatabaseError(
            .overloaded,
            "the writes of \(writeCount) blocks that are not final yet do not fit an attempt, "
                + "attemptFrameBytesMax = \(Limits.attemptFrameBytesMax), committedWriteCountMax = "
                + "\(Limits.committedWriteCountMax)", retryAfter: RetryTiming.afterLaggingWork)
    }

    /// Of a diary: what it appends depends on nothing (protocol: appends-read-nothing).
    init(diary actions: [Action], payload: PayloadID, base: Revision) {
        invariant(!actions.isEmpty, "a batch of nothing")
        self.payload = payload
        self.base = base
        body = EntryBody(actions: actions).canonicalBytes
        writes = []
        blocks = []
        headerAfter = nil
        outcomes = actions.map { _ in .appended }
        results = []
        dependencies = []
        reads = []
        cameListed = false
        byteCount = body.count
    }

    /// Of a custom collection: what its handlers have made of the actions on the snapshot at
    /// `base`, in the client's process. It lands on that revision or not at all.
    init(
        _ prepared: PreparedActions, of actions: [Action], collection: CollectionID,
        headerRevision: Revision, payload: PayloadID, base: Revision
    ) {
        invariant(!actions.isEmpty, "a batch of nothing")
        self.payload = payload
        self.base = base
        writes = prepared.writes
        reads = prepared.reads
        cameListed = true
        headerAfter = prepared.headerAfter
        let header = prepared.headerAfter.map {
            TouchedBlock($0, of: collection, since: headerRevision)
        }
        blocks = writes.map(\.touched) + [header].compactMap { $0 }
        outcomes = actions.map { _ in .appended }
        results = []
        body = EntryBody(actions: actions, blocks: blocks, reads: reads).canonicalBytes
        dependencies = Set(reads.map(\.block)).union(blocks.map(\.block))
        byteCount = writes.reduce(body.count) { $0 + $1.record.transform.count }
    }

    /// - Parameters:
    ///   - actions: Without their outcomes.
    ///   - headerRevision: When the header part was last changed.
    /// - Throws: ``MissingBlocks`` never: the tracker has every block it wrote.
    init(
        _ actions: [Action], outcomes: [ActionOutcome], on tracker: Tracker,
        snapshot: CollectionSnapshot, collection: CollectionID, headerRevision: Revision,
        payload: PayloadID
    ) throws {
        invariant(!actions.isEmpty, "a batch of nothing")
        invariant(
            outcomes.isEmpty || outcomes.count == actions.count,
            "\(outcomes.count) outcomes of \(actions.count) actions")
        invariant(
            headerRevision <= snapshot.revision,
            "a header of \(headerRevision) in a snapshot of \(snapshot.revision)")
        let effects = try ExecutionEffects(
            on: tracker, collection: collection, headerRevision: headerRevision,
            newestWrite: snapshot.write(of:))
        let reads = effects.reads
        self.payload = payload
        base = snapshot.revision
        writes = effects.writes
        blocks = effects.blocks
        headerAfter = effects.headerAfter
        results = effects.results
        self.outcomes = outcomes
        // The actions of a custom collection have no outcomes.
        let done = actions.enumerated().map { index, action in
            Action(
                id: action.id, bytes: action.bytes,
                outcome: index < outcomes.count ? outcomes[index].bytes : [])
        }
        body = EntryBody(actions: done, blocks: blocks, reads: reads).canonicalBytes
        self.reads = reads
        cameListed = false
        var dependencies = Set(reads.map(\.block)).union(blocks.map(\.block))
        if planted(.rebaseIgnoresHeader) { dependencies.remove(BlockID(collection.digest)) }
        if planted(.rebaseIgnoresReads) { dependencies = Set(blocks.map(\.block)) }
        if planted(.rebaseIgnoresWrites) { dependencies.subtract(writes.map(\.block)) }
        self.dependencies = dependencies
        byteCount = writes.reduce(body.count) { $0 + $1.record.transform.count }
    }

    /// The same under another payload.
    func under(_ payload: PayloadID) -> PreparedBatch {
        invariant(payload.execution == 0, "another execution of a batch that was run once")
        var other = self
        other.payload = payload
        return other
    }

    /// The same at the home of the transactions that it is a part of.
    func recording(_ records: [TransactionRecord]) -> PreparedBatch {
        invariant(recordHashes.isEmpty, "recorded twice")
        var other = self
        other.body = EntryBody.canonicalBytes(of: body, with: records)
        other.byteCount += other.body.count - body.count
        for record in records { other.recordHashes[record.action] = record.hash }
        return other
    }

    /// Whether the batch can land as it is on top of everything in `history`.
    func isValid(in history: BlockHistory) -> Bool {
        history.isUnchanged(dependencies, since: base)
    }

    /// The attempt to land it at `target`.
    func attempt(
        at participant: Participant, history: BlockHistory?, checkpoint: Checkpoint?,
        wallMilliseconds: UInt64
    ) -> CommitAttempt {
        let below = participant.target.previous
        invariant(base <= below, "run on \(base), sent to \(participant.target)")
        invariant(
            writes.isEmpty || cameListed || (history?.through ?? .zero) >= below,
            "the writes below \(participant.target) are not known, and would be left out")
        invariant(!cameListed || base == below, "prepared at \(base), sent to another revision")
        let writes = writes.map { write in
            cameListed
                ? write
                : BlockWrite(
                    block: write.block, record: write.record,
                    committed: history?.committed(write.block, through: below) ?? [])
        }
        return CommitAttempt(
            participant: participant, payload: payload, body: body, writes: writes,
            headerAfter: headerAfter, checkpoint: checkpoint, wallMilliseconds: wallMilliseconds)
    }
}

extension Tracker {
    /// - Throws: `.overloaded` when a block was changed that takes no write now.
    func checkWrites(_ history: BlockHistory) throws(DatabaseError) {
        guard history.refusesWrites else { return }
        for item in transforms.items {
            if let refusal = history.refusal(of: item.block) { throw refusal }
        }
    }
}
