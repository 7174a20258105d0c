import BlockRuntime

/// The changes of many blocks by one entry: at most one transform a block, ascending by id.
package struct Transforms: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package let block: BlockID
        package let transform: BlockTransform
    }

    /// Ascending by block; no item is empty.
    package private(set) var items: [Item] = []

    package init() {}

    /// - Parameter transforms: In any order; empty ones are left out.
    /// - Throws: `.duplicate` when a block occurs twice, `.otherBlock` when a transform inserts a
    ///   block under another id.
    package init(_ transforms: [(BlockID, BlockTransform)]) throws(TransformError) {
        items = transforms.filter { !$0.1.isEmpty }.map { Item(block: $0.0, transform: $0.1) }
            .sorted { $0.block < $1.block }
        for (left, right) in zip(items, items.dropFirst()) where left.block == right.block {
            throw .duplicate(left.block)
        }
        for item in items {
            if let insert = item.transform.insert, insert.id != item.block {
                throw .otherBlock(expected: item.block, actual: insert.id)
            }
        }
    }

    package var isEmpty: Bool { items.isEmpty }
    /// The blocks touched, ascending; deleted ones are among them.
    package var blocks: [BlockID] { items.map(\.block) }

    /// The change of one block, a delete as well; ``BlockTransform/none`` when it is not touched.
    /// - Complexity: O(log n).
    package subscript(block: BlockID) -> BlockTransform {
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle].block < block { low = middle + 1 } else { high = middle }
        }
        guard low < items.count, items[low].block == block else { return .none }
        return items[low].transform
    }
}

extension Transforms: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(UInt32(items.count))
        for item in items {
            encoder.append(item.block)
            encoder.append(item.transform)
        }
    }

    /// - Throws: `.malformedMessage` when it is not canonical or breaks a bound.
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let count = Int(try decoder.uint32())
        // An id and the shortest transform take 38 bytes.
        guard count <= Limits.transformBlockCountMax, count <= decoder.remaining / 38 else {
            throw decoder.malformed("\(count) blocks where \(Limits.transformBlockCountMax) may be")
        }
        for _ in 0..<count {
            let block = try BlockID(from: &decoder)
            let transform = try BlockTransform(from: &decoder)
            if let last = items.last, last.block >= block {
                throw decoder.malformed("blocks that do not ascend")
            }
            guard !transform.isEmpty, (transform.insert?.id ?? block) == block else {
                throw decoder.malformed("a transform that is empty or of another block")
            }
            items.append(Item(block: block, transform: transform))
        }
    }
}
