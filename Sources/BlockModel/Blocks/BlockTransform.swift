import BlockRuntime

/// The change of one block by one entry. Its parts apply in the order insert, updates, delete.
package struct BlockTransform: Hashable, Sendable {
    /// A whole block, which takes the place of whatever was there.
    package var insert: Block?
    /// Changes in order, of the inserted block or else of the base.
    package var updates: [BlockOperation]
    /// Whether the block is gone in the end, whatever the other parts say.
    package var delete: Bool

    package init(insert: Block? = nil, updates: [BlockOperation] = [], delete: Bool = false) {
        self.insert = insert
        self.updates = updates
        self.delete = delete
    }

    /// Changes nothing.
    package static let none = BlockTransform()
    package var isEmpty: Bool { insert == nil && updates.isEmpty && !delete }

    /// The block after this change.
    /// - Parameter base: The block before it, nil when there is none. It is not changed.
    /// - Returns: nil when there is no block afterwards.
    /// - Throws: `.baseAbsent` when there is nothing to update, `.otherBlock`, what a splice
    ///   throws, and `.overLimit` when the result breaks a bound.
    package func applied(to base: Block?) throws(TransformError) -> Block? {
        if let insert, let base, insert.id != base.id {
            throw .otherBlock(expected: base.id, actual: insert.id)
        }
        if delete { return nil }
        guard var block = insert ?? base else {
            if updates.isEmpty { return nil }
            throw .baseAbsent
        }
        for update in updates { try block.apply(update) }
        if !isEmpty, let violation = block.violation { throw violation }
        return block
    }

    /// One change with the effect of this one followed by `later`.
    /// - Throws: `.baseAbsent` when `later` updates what this one deletes, `.otherBlock` when the
    ///   two are of different blocks.
    package func merged(with later: BlockTransform) throws(TransformError) -> BlockTransform {
        if let first = insert?.id, let second = later.insert?.id, first != second {
            throw .otherBlock(expected: first, actual: second)
        }
        // What replaces or deletes the block makes everything before it irrelevant.
        if later.delete { return BlockTransform(delete: true) }
        if later.insert != nil { return later }
        if later.updates.isEmpty { return self }
        if delete { throw .baseAbsent }
        return BlockTransform(insert: insert, updates: updates + later.updates)
    }

    /// Bytes of its canonical form.
    package var byteCount: Int {
        updates.reduce(6 + (insert?.byteCount ?? 0)) { $0 + $1.byteCount }
    }

    /// Nil when the transform is within every bound.
    package var violation: TransformError? {
        if updates.count > Limits.transformUpdateCountMax {
            return .overLimit(
                name: "transformUpdateCountMax", limit: Limits.transformUpdateCountMax,
                actual: updates.count)
        }
        if byteCount > Limits.transformBytesMax {
            return .overLimit(
                name: "transformBytesMax", limit: Limits.transformBytesMax, actual: byteCount)
        }
        return insert?.violation
    }
}

extension BlockTransform: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(insert)
        encoder.append(UInt32(updates.count))
        for update in updates { encoder.append(update) }
        encoder.append(delete)
    }

    /// - Throws: `.malformedMessage` when it is not canonical or breaks a bound.
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        insert = try decoder.optional(Block.self)
        let count = Int(try decoder.uint32())
        // The shortest operation takes two bytes: a greater count is refused before it allocates.
        guard count <= Limits.transformUpdateCountMax, count <= decoder.remaining / 2 else {
            throw decoder.malformed(
                "\(count) updates where \(Limits.transformUpdateCountMax) may be")
        }
        updates = []
        for _ in 0..<count { updates.append(try BlockOperation(from: &decoder)) }
        delete = try decoder.bool()
        if let violation { throw decoder.malformed("\(violation)") }
    }

    /// What a body names it by: the hash of its canonical form.
    package var digest: Digest { Self.digest(of: canonicalBytes) }

    /// The same of a transform that is not decoded.
    package static func digest(of canonicalBytes: Bytes) -> Digest {
        Digest(domain: "optimystic/transform/1", canonicalBytes)
    }
}
