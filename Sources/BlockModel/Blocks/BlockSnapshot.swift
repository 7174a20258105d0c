import BlockRuntime

/// Blocks as they were at one revision of a collection, read without waiting.
///
/// What runs over a snapshot is synchronous. Where a block is not at hand the snapshot throws
/// ``MissingBlocks``; the structure's caller fetches those blocks and runs it again.
package protocol BlockSnapshot {
    /// - Returns: nil when the block does not exist at the revision of the snapshot, which is
    ///   another thing than not being at hand.
    /// - Throws: ``MissingBlocks`` when the block must be fetched first.
    func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock?
}

/// A block and the revision of its last write, which is what a read of it depends on.
package struct SnapshotBlock: Hashable, Sendable {
    package let block: Block
    package let revision: Revision

    package init(block: Block, revision: Revision) {
        self.block = block
        self.revision = revision
    }
}

/// Blocks that a snapshot knows of but does not have at hand. Nothing was changed.
package struct MissingBlocks: Error, Hashable, Sendable {
    /// Never empty.
    package let ids: [BlockID]

    package init(_ ids: [BlockID]) {
        invariant(!ids.isEmpty, "blocks are missing, but none is named")
        self.ids = ids
    }
}
