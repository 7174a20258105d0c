import BlockModel
import BlockRuntime
import BlockStructures

/// What the actions of an entry did, as its body lists it: the same whoever executes them, and
/// whenever (protocol: execution-is-deterministic).
struct ExecutionEffects {
    /// Ascending by block; without the committed writes below them, which depend on the target.
    let writes: [BlockWrite]
    /// As the body lists them, the header part among them when it changes.
    let blocks: [TouchedBlock]
    /// Every block looked for in the snapshot, the header part among them.
    let reads: [ReadDependency]
    let headerAfter: CollectionHeader?
    /// The blocks as the actions leave them; removed ones are left out.
    let results: [Block]

    /// - Parameters:
    ///   - tracker: Over a snapshot, with the actions run.
    ///   - headerRevision: When the header part was last changed.
    ///   - newestWrite: Of a block of the snapshot; nil when it has none.
    /// - Throws: ``MissingBlocks`` never: the tracker has every block it wrote.
    init(
        on tracker: Tracker, collection: CollectionID, headerRevision: Revision,
        newestWrite: (BlockID) -> CommittedWrite?
    ) throws {
        let headerBlock = BlockID(collection.digest)
        var writes: [BlockWrite] = []
        var results: [Block] = []
        for item in tracker.transforms.items {
            let after = try tracker.block(item.block)
            let base = newestWrite(item.block)
            let record = PendRecord(
                transform: item.transform.canonicalBytes, baseRevision: base?.revision ?? .zero,
                basePayload: base?.payload, baseHash: base?.resultHash ?? .zero,
                resultHash: after?.digest ?? .zero, collection: collection, bound: [])
            writes.append(BlockWrite(block: item.block, record: record))
            if let after { results.append(after) }
        }
        var blocks = writes.map(\.touched)
        headerAfter = tracker.headerChange
        if let headerAfter {
            blocks.append(TouchedBlock(headerAfter, of: collection, since: headerRevision))
        }
        var reads = tracker.reads
        if tracker.isHeaderRead {
            reads.append(ReadDependency(block: headerBlock, revision: headerRevision))
        }
        invariant(
            blocks.count == writes.count + (headerAfter == nil ? 0 : 1),
            "\(blocks.count) blocks listed of \(writes.count) writes")
        self.writes = writes
        self.blocks = blocks
        self.reads = reads
        self.results = results
    }
}

extension TouchedBlock {
    /// The header part of a collection, which an entry changes.
    init(
        _ after: CollectionHeader, of collection: CollectionID, since revision: Revision
    ) {
        let hash = Digest(domain: "optimystic/header/1", after.canonicalBytes)
        self.init(
            block: BlockID(collection.digest), baseRevision: revision, basePayload: nil,
            transformHash: hash, resultHash: hash)
    }
}
