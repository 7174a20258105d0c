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

    /// One set with the effect of this one followed by `later`.
    /// - Throws: What ``BlockTransform/merged(with:)`` throws.
    /// - Complexity: O(n + m).
    package func merged(with later: Transforms) throws(TransformError) -> Transforms {
        var merged: [(BlockID, BlockTransform)] = []
        var mine = items[...]
        var theirs = later.items[...]
        while let first = mine.first, let second = theirs.first {
            if first.block == second.block {
                merged.append((first.block, try first.transform.merged(with: second.transform)))
                mine.removeFirst()
                theirs.removeFirst()
            } else {
                let next = first.block < second.block ? mine.removeFirst() : theirs.removeFirst()
                merged.append((next.block, next.transform))
            }
        }
        for item in mine + theirs { merged.append((item.block, item.transform)) }
        return try Transforms(merged)
    }

    /// The parts that go to each shard, ascending by shard. ``init(reassembling:)`` undoes it.
    /// - Parameter shard: Where a block belongs, e.g. `map.shard(of:)`.
    package func split(
        by shard: (BlockID) -> ShardID
    ) -> [(shard: ShardID, transforms: Transforms)] {
        var parts: [ShardID: Transforms] = [:]
        for item in items { parts[shard(item.block), default: Transforms()].items.append(item) }
        return parts.keys.sorted().map { ($0, parts[$0] ?? Transforms()) }
    }

    /// The whole whose parts these are.
    /// - Throws: `.duplicate` when two parts touch one block.
    package init(reassembling parts: [Transforms]) throws(TransformError) {
        try self.init(parts.flatMap { $0.items.map { ($0.block, $0.transform) } })
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
