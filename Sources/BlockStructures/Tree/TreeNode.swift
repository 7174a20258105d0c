import BlockModel
import BlockRuntime

/// How the nodes of a tree lie in blocks, and how they are searched.
///
/// Both kinds have one attribute, a list. A leaf (`TL`) alternates keys and values: k₀ v₀ k₁ v₁ …
/// A branch (`TB`) alternates children and the separators between them: c₀ s₁ c₁ s₂ c₂ …, where
/// every key below cᵢ is at least sᵢ and less than sᵢ₊₁. So each change of an entry is one splice.
enum TreeNode {
    static let leafType = BlockType("TL")
    static let branchType = BlockType("TB")
    static let items = BlockAttribute(1)

    /// Bytes of a node without items.
    private static let emptyByteCount = block(
        BlockID(.zero), type: leafType, collection: CollectionID(.zero), items: []
    ).byteCount

    static func block(
        _ id: BlockID, type: BlockType, collection: CollectionID, items list: [Bytes]
    ) -> Block {
        var block = Block(header: Block.Header(id: id, type: type, collection: collection))
        block.assign(items, .list(list))
        return block
    }

    /// Bytes of the entries of a leaf, with the lengths in front of keys and values.
    static func entryBytes(of leaf: TrackedBlock) -> Int {
        (leaf.state.block?.byteCount ?? 0) - emptyByteCount
    }

    /// Bytes that an entry takes in a leaf.
    static func entryBytes(_ key: Bytes, _ value: Bytes) -> Int { 8 + key.count + value.count }

    /// The bytes of each entry of a leaf's items.
    static func entrySizes(_ items: [Bytes]) -> [Int] {
        stride(from: 0, to: items.count, by: 2).map { entryBytes(items[$0], items[$0 + 1]) }
    }

    /// Children of a branch with this many items.
    static func childCount(itemCount: Int) -> Int { (itemCount + 1) / 2 }

    /// - Throws: `.corrupted` when the item is no block id.
    static func child(_ index: Int, in items: [Bytes]) throws(DatabaseError) -> BlockID {
        let digest = items[2 * index].withUnsafeBytes { Digest($0) }
        guard let digest else {
            throw DatabaseError(.corrupted, "child \(index) of a tree's branch is no block id")
        }
        return BlockID(digest)
    }

    /// Bytes of the largest entry.
    private static let entryBytesMax = 8 + Limits.keyBytesMax + Limits.valueBytesMax

    /// What keeps a stored block from being a node, nil when it is one. Order is not looked at.
    static func problem(of block: Block, fill: LeafFill) -> String? {
        let list = block.list(items)
        switch block.header.type {
        case leafType:
            let bytes = block.byteCount - emptyByteCount
            guard list.count > 0, list.count.isMultiple(of: 2) else {
                return "is a leaf of \(list.count) items"
            }
            guard fill.isWithinLimits(count: list.count / 2, bytes: bytes) else {
                return "is a leaf of \(list.count / 2) entries and \(bytes) bytes"
            }
            // One entry can be too large only if all together are.
            if bytes > entryBytesMax, entrySizes(list).contains(where: { $0 > entryBytesMax }) {
                return "has an entry of more than \(entryBytesMax) bytes"
            }
            return nil
        case branchType:
            let count = childCount(itemCount: list.count)
            return list.count == 2 * count - 1 && (2...fill.capacity).contains(count)
                ? nil : "is a branch of \(list.count) items"
        default: return "is of type \(block.header.type)"
        }
    }

    /// The entry of `key`, or the place where it would be.
    static func entryIndex(of key: Bytes, in items: [Bytes]) -> (index: Int, isFound: Bool) {
        items.withUnsafeBufferPointer { items in
            var low = 0
            var high = items.count / 2
            while low < high {
                let middle = (low + high) / 2
                let order = KeyOrder.compare(items[2 * middle], key)
                if order == 0 { return (middle, true) }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            return (low, false)
        }
    }

    /// The child below which `key` belongs; a key equal to a separator is to its right.
    static func childIndex(of key: Bytes, in items: [Bytes]) -> Int {
        items.withUnsafeBufferPointer { items in
            var low = 0
            var high = items.count / 2
            while low < high {
                let middle = (low + high) / 2
                if KeyOrder.compare(items[2 * middle + 1], key) <= 0 {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            return low
        }
    }
}
