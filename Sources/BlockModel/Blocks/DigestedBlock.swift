import BlockRuntime

extension Block {
    /// The digest that names a version of this block.
    ///
    /// It is the hash, in the domain `optimystic/block/1`, of the canonical form with every byte
    /// string of more than ``Limits/blockItemInlineBytesMax`` bytes replaced by its own hash in
    /// the domain `optimystic/block-item/1`; its length stays in front. A ``DigestedBlock``, which
    /// keeps the hashes of the items, hashes some 32 bytes an item after a change, not the values.
    /// - Complexity: O(bytes of the block).
    package var digest: Digest { DigestedBlock(self).digest }
}

/// A block together with the hashes of its long items, so that the digest after a small change of
/// a large block is cheap.
package struct DigestedBlock: Sendable {
    package private(set) var block: Block
    /// For each attribute of the block, in order: the hash of each item, nil for short ones.
    private var itemDigests: [[Digest?]]

    /// - Complexity: O(bytes of the block).
    package init(_ block: Block) {
        self.block = block
        itemDigests = block.attributes.map { Self.digests(of: $0.value) }
    }

    /// Applies one operation and hashes what it brings.
    /// - Throws: What ``Block/apply(_:)`` throws; nothing has changed then.
    package mutating func apply(_ operation: BlockOperation) throws(TransformError) {
        let before = block.attributes.firstIndex { $0.id == operation.attribute }
        let isList = before.map { itemsOfList(at: $0) != nil } ?? false
        try block.apply(operation)
        let after = block.attributes.firstIndex { $0.id == operation.attribute }
        if case .splice(_, let index, let deleteCount, let inserted) = operation,
            let position = before, isList
        {
            itemDigests[position].replaceSubrange(
                index..<index + deleteCount, with: inserted.map(Self.digest(of:)))
            return
        }
        switch (before, after) {
        case (let old?, nil): itemDigests.remove(at: old)
        case (nil, let new?):
            itemDigests.insert(Self.digests(of: block.attributes[new].value), at: new)
        case (_?, let new?): itemDigests[new] = Self.digests(of: block.attributes[new].value)
        case (nil, nil): break
        }
    }

    /// The digest of the block; see ``Block/digest``.
    /// - Complexity: O(number of items).
    package var digest: Digest {
        var encoder = CanonicalEncoder()
        encoder.append(Block.version)
        encoder.append(block.header.id)
        encoder.append(block.header.collection)
        encoder.append(block.header.type.code)
        encoder.append(UInt8(block.attributes.count))
        for (attribute, digests) in zip(block.attributes, itemDigests) {
            encoder.append(attribute.id.rawValue)
            switch attribute.value {
            case .bytes(let bytes):
                encoder.append(UInt8(1))
                Self.append(bytes, digests[0], to: &encoder)
            case .list(let items):
                encoder.append(UInt8(2))
                encoder.append(UInt32(items.count))
                for (item, digest) in zip(items, digests) {
                    Self.append(item, digest, to: &encoder)
                }
            }
        }
        return Digest(domain: "optimystic/block/1", encoder.bytes)
    }

    /// The block after a change; see ``BlockTransform/applied(to:)-(Block?)``.
    /// - Complexity: O(items of the block and bytes of the change).
    package static func applying(
        _ transform: BlockTransform, to base: DigestedBlock?
    ) throws(TransformError) -> DigestedBlock? {
        if let insert = transform.insert, let base, insert.id != base.block.id {
            throw .otherBlock(expected: base.block.id, actual: insert.id)
        }
        if transform.delete { return nil }
        guard var result = transform.insert.map({ DigestedBlock($0) }) ?? base else {
            if transform.updates.isEmpty { return nil }
            throw .baseAbsent
        }
        for update in transform.updates { try result.apply(update) }
        if !transform.isEmpty, let violation = result.block.violation { throw violation }
        return result
    }

    private func itemsOfList(at position: Int) -> [Bytes]? {
        guard case .list(let items) = block.attributes[position].value else { return nil }
        return items
    }

    private static func append(
        _ item: Bytes, _ digest: Digest?, to encoder: inout CanonicalEncoder
    ) {
        guard let digest else {
            encoder.append(item)
            return
        }
        encoder.append(UInt32(item.count))
        encoder.append(digest)
    }

    private static func digests(of value: BlockValue) -> [Digest?] {
        switch value {
        case .bytes(let bytes): [digest(of: bytes)]
        case .list(let items): items.map(digest(of:))
        }
    }

    private static func digest(of item: Bytes) -> Digest? {
        item.count > Limits.blockItemInlineBytesMax
            ? Digest(domain: "optimystic/block-item/1", item) : nil
    }
}
