import BlockModel
import BlockRuntime
import BlockStructures

/// A snapshot in memory, some of whose blocks can be out of reach.
struct MemorySnapshot: BlockSnapshot {
    var blocks: [BlockID: SnapshotBlock] = [:]
    var missing: Set<BlockID> = []

    func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? {
        if missing.contains(id) { throw MissingBlocks([id]) }
        return blocks[id]
    }

    /// The snapshot after a tracker's changes, at `revision`.
    func applying(_ transforms: Transforms, at revision: Revision) throws -> MemorySnapshot {
        var result = self
        for item in transforms.items {
            result.blocks[item.block] = try item.transform.applied(to: blocks[item.block]?.block)
                .map { SnapshotBlock(block: $0, revision: revision) }
        }
        return result
    }
}

enum Samples {
    static let collection = CollectionID(name: "tree")
    static let incarnation = Incarnation(generation: 1, nonce: Identifier128(3))

    static func ids(_ action: Int) -> StructuralBlockIDs {
        StructuralBlockIDs(
            incarnation: incarnation, action: ActionID(rawValue: Identifier128(UInt128(action))))
    }

    static func tracker(
        _ snapshot: MemorySnapshot = MemorySnapshot(), capacity: UInt32 = 4, root: BlockID? = nil,
        action: Int = 1
    ) -> Tracker {
        Tracker(
            snapshot: snapshot,
            header: CollectionHeader(kind: .tree, encoding: .bytes, capacity: capacity, root: root),
            ids: ids(action))
    }
}
