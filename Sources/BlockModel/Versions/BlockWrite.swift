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

/// A block of a committed entry, and what the entry made of it.
public struct WrittenBlock: Hashable, Sendable {
    public let block: BlockID
    /// As the body lists it; ``Digest/zero`` when the entry removed the block.
    public let resultHash: Digest

    public init(block: BlockID, resultHash: Digest) {
        self.block = block
        self.resultHash = resultHash
    }
}

/// A committed entry whose blocks are to become versions on a quorum of their shards.
public struct FinaliseEntry: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let revision: Revision
    public let payload: PayloadID
    /// The blocks that the entry's body lists, the header excepted.
    public let blocks: [WrittenBlock]

    public init(
        collection: CollectionID, incarnation: Incarnation, revision: Revision,
        payload: PayloadID, blocks: [WrittenBlock]
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.revision = revision
        self.payload = payload
        self.blocks = blocks
    }

    /// The entry as a write of one of its blocks.
    public func write(of block: WrittenBlock) -> CommittedWrite {
        CommittedWrite(revision: revision, payload: payload, resultHash: block.resultHash)
    }
}
