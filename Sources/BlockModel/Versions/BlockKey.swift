import BlockRuntime

/// A block in one life of its collection: what versions and pends are kept under.
///
/// Ids say nothing of the collection's life, so every message about a block names it
/// (protocol: incarnation-everywhere): otherwise an old pend could land in a collection that was
/// dropped and created again.
package struct BlockKey: Hashable, Sendable, Comparable {
    package let block: BlockID
    package let incarnation: Incarnation

    package init(block: BlockID, incarnation: Incarnation) {
        self.block = block
        self.incarnation = incarnation
    }

    package static func < (left: Self, right: Self) -> Bool {
        if left.block != right.block { return left.block < right.block }
        return (left.incarnation.generation, left.incarnation.nonce)
            < (right.incarnation.generation, right.incarnation.nonce)
    }
}

extension BlockKey: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(block)
        encoder.append(incarnation)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            block: try BlockID(from: &decoder), incarnation: try Incarnation(from: &decoder))
    }
}
