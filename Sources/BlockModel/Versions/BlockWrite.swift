import BlockRuntime

/// The change of one block as part of an attempt: what is pended on the block's shard before the
/// attempt may be decided.
public struct BlockWrite: Hashable, Sendable {
    public let block: BlockID
    /// Bound to nothing; each replica binds it to the target of the attempt.
    public let record: PendRecord
    /// Committed writes of the block above the checkpoint and below the target, ascending.
    public let committed: [CommittedWrite]

    public init(block: BlockID, record: PendRecord, committed: [CommittedWrite] = []) {
        self.block = block
        self.record = record
        self.committed = committed
    }

    /// As the body of the entry lists it.
    public var touched: TouchedBlock {
        TouchedBlock(
            block: block, baseRevision: record.baseRevision, basePayload: record.basePayload,
            transformHash: BlockTransform.digest(of: record.transform),
            resultHash: record.resultHash)
    }
}

/// A committed entry whose blocks are to become versions on a quorum of their shards.
public struct FinaliseEntry: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let write: CommittedWrite
    /// The blocks that the entry's body lists, the header excepted.
    public let blocks: [BlockID]

    public init(
        collection: CollectionID, incarnation: Incarnation, write: CommittedWrite,
        blocks: [BlockID]
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.write = write
        self.blocks = blocks
    }
}
