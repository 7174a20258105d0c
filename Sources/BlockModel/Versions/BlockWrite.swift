import BlockRuntime

/// The change of one block as part of an attempt: what is pended on the block's shard before the
/// attempt may be decided.
package struct BlockWrite: Hashable, Sendable {
    package let block: BlockID
    /// Bound to nothing; each replica binds it to the target of the attempt.
    package let record: PendRecord
    /// Committed writes of the block above the checkpoint and below the target, ascending.
    package let committed: [CommittedWrite]

    package init(block: BlockID, record: PendRecord, committed: [CommittedWrite] = []) {
        self.block = block
        self.record = record
        self.committed = committed
    }

    /// As the body of the entry lists it.
    package var touched: TouchedBlock {
        TouchedBlock(
            block: block, baseRevision: record.baseRevision, basePayload: record.basePayload,
            transformHash: BlockTransform.digest(of: record.transform),
            resultHash: record.resultHash)
    }
}

/// A block of a committed entry, and what the entry made of it.
package struct WrittenBlock: Hashable, Sendable {
    package let block: BlockID
    /// As the body lists it; ``Digest/zero`` when the entry removed the block.
    package let resultHash: Digest

    package init(block: BlockID, resultHash: Digest) {
        self.block = block
        self.resultHash = resultHash
    }
}

/// A committed entry whose blocks are to become versions on a quorum of their shards.
package struct FinaliseEntry: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let revision: Revision
    package let payload: PayloadID
    /// The blocks that the entry's body lists, the header excepted.
    package let blocks: [WrittenBlock]

    package init(
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
    package func write(of block: WrittenBlock) -> CommittedWrite {
        CommittedWrite(revision: revision, payload: payload, resultHash: block.resultHash)
    }
}
