import BlockRuntime

/// A block in one life of its collection: what versions and pends are kept under.
///
/// Ids say nothing of the collection's life, so every message about a block names it
/// (protocol: incarnation-everywhere): otherwise an old pend could land in a collection that was
/// dropped and created again.
public struct BlockKey: Hashable, Sendable, Comparable {
    public let block: BlockID
    public let incarnation: Incarnation

    public init(block: BlockID, incarnation: Incarnation) {
        self.block = block
        self.incarnation = incarnation
    }

    public static func < (left: Self, right: Self) -> Bool {
        if left.block != right.block { return left.block < right.block }
        return (left.incarnation.generation, left.incarnation.nonce)
            < (right.incarnation.generation, right.incarnation.nonce)
    }
}

extension BlockKey: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(block)
        encoder.append(incarnation)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            block: try BlockID(from: &decoder), incarnation: try Incarnation(from: &decoder))
    }
}
