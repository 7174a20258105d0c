import BlockModel
import BlockRuntime
import BlockStructures

/// Actions that were run on a snapshot, and everything an attempt needs of them.
///
/// It stays valid at a later revision as long as no entry in between wrote a block it read or wrote
/// or changed the header part (protocol C11 A5.2): then the same payload is bound to the later
/// target. Otherwise the actions are run again, under another payload.
struct PreparedBatch: Sendable {
    let payload: PayloadID
    /// The revision of the snapshot.
    let base: Revision
    let body: Bytes
    /// Without the committed writes below, which depend on the target.
    let writes: [BlockWrite]
    /// As the body lists them, the header part among them when it changes.
    let blocks: [TouchedBlock]
    let headerAfter: CollectionHeader?
    /// One for each action, in order; none for a custom collection.
    let outcomes: [ActionOutcome]
    /// The blocks as the batch leaves them; removed ones are left out.
    let results: [Block]
    /// Every block read or written, the header part among them.
    private let dependencies: Set<BlockID>

    /// Bytes of the transforms and the body: what the pends of the attempt weigh.
    let byteCount: Int

    /// Whether it can be sent as one attempt.
    var isWithinLimits: Bool {
        byteCount <= Limits.attemptBytesMax && body.count <= Limits.bodyBytesMax
            && writes.count < Limits.transformBlockCountMax
    }

    /// Of a diary: what it appends depends on nothing (A5.7).
    init(diary actions: [Action], payload: PayloadID, base: Revision) {
        self.payload = payload
        self.base = base
        body = EntryBody(actions: actions).canonicalBytes
        writes = []
        blocks = []
        headerAfter = nil
        outcomes = actions.map { _ in .appended }
        results = []
        dependencies = []
        byteCount = body.count
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
        let headerBlock = BlockID(collection.digest)
        var writes: [BlockWrite] = []
        var results: [Block] = []
        for item in tracker.transforms.items {
            let after = try tracker.block(item.block)
            let base = snapshot.write(of: item.block)
            let record = PendRecord(
                transform: item.transform.canonicalBytes, baseRevision: base?.revision ?? .zero,
                basePayload: base?.payload, baseHash: base?.resultHash ?? .zero,
                resultHash: after?.digest ?? .zero, bound: [])
            writes.append(BlockWrite(block: item.block, record: record))
            if let after { results.append(after) }
        }
        var blocks = writes.map(\.touched)
        headerAfter = tracker.headerChange
        if let headerAfter {
            let hash = Digest(domain: "optimystic/header/1", headerAfter.canonicalBytes)
            blocks.append(
                TouchedBlock(
                    block: headerBlock, baseRevision: headerRevision, basePayload: nil,
                    transformHash: hash, resultHash: hash))
        }
        var reads = tracker.reads
        if tracker.isHeaderRead {
            reads.append(ReadDependency(block: headerBlock, revision: headerRevision))
        }
        self.payload = payload
        base = snapshot.revision
        self.writes = writes
        self.blocks = blocks
        self.outcomes = outcomes
        self.results = results
        // The actions of a custom collection have no outcomes.
        let done = actions.enumerated().map { index, action in
            Action(
                id: action.id, bytes: action.bytes,
                outcome: index < outcomes.count ? outcomes[index].bytes : [])
        }
        body = EntryBody(actions: done, blocks: blocks, reads: reads).canonicalBytes
        var dependencies = Set(reads.map(\.block)).union(blocks.map(\.block))
        if planted(.rebaseIgnoresHeader) { dependencies.remove(headerBlock) }
        if planted(.rebaseIgnoresReads) { dependencies = Set(blocks.map(\.block)) }
        if planted(.rebaseIgnoresWrites) { dependencies.subtract(writes.map(\.block)) }
        self.dependencies = dependencies
        byteCount = writes.reduce(body.count) { $0 + $1.record.transform.count }
    }

    /// Whether the batch can land as it is on top of everything in `history`.
    func isValid(in history: BlockHistory) -> Bool {
        history.isUnchanged(dependencies, since: base)
    }

    /// The attempt to land it at `target`.
    func attempt(
        at participant: Participant, history: BlockHistory?, checkpoint: Revision?,
        wallMilliseconds: UInt64
    ) -> CommitAttempt {
        let below = participant.target.previous
        let writes = writes.map { write in
            BlockWrite(
                block: write.block, record: write.record,
                committed: history?.committed(write.block, through: below) ?? [])
        }
        return CommitAttempt(
            participant: participant, payload: payload, body: body, writes: writes,
            headerAfter: headerAfter, checkpoint: checkpoint, wallMilliseconds: wallMilliseconds)
    }
}
