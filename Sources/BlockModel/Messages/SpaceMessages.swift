import BlockRuntime

/// One life of a collection, as a storage peer finds it named in what it keeps.
public struct CollectionLife: Hashable, Sendable, Comparable {
    public let collection: CollectionID
    public let incarnation: Incarnation

    public init(collection: CollectionID, incarnation: Incarnation) {
        self.collection = collection
        self.incarnation = incarnation
    }

    public static func < (left: Self, right: Self) -> Bool {
        left.collection != right.collection
            ? left.collection < right.collection
            : (left.incarnation.generation, left.incarnation.nonce.value)
                < (right.incarnation.generation, right.incarnation.nonce.value)
    }
}

/// What a chosen tail says of a life: what need not be kept of it any more.
public struct LifeEnd: Hashable, Sendable {
    public let life: CollectionLife
    /// History up to and including this revision is gone; nil: the life is over, all of it is.
    public let truncatedThrough: Revision?

    public init(life: CollectionLife, truncatedThrough: Revision?) {
        self.life = life
        self.truncatedThrough = truncatedThrough
    }
}

/// For what attempt a content block is kept.
///
/// An entry at a revision was decided after a quorum had stored its body for that very revision. So
/// a replica may give the body up once that revision, the greatest it was asked to keep it for, is
/// truncated: if a later entry has it, a quorum keeps it for that one.
public struct ContentOwner: Hashable, Sendable {
    public let life: CollectionLife
    /// The greatest target that it was stored for.
    public let target: Revision

    public init(life: CollectionLife, target: Revision) {
        self.life = life
        self.target = target
    }

    /// Of a copy that was brought by somebody who could not tell: it is kept for ever.
    public static let unknown = ContentOwner(
        life: CollectionLife(
            collection: CollectionID(.zero),
            incarnation: Incarnation(generation: 0, nonce: Identifier128(0))),
        target: .zero)
}

/// A record that a replica keeps for the sake of one life of a collection, in the order of its
/// store.
public struct StoredRecord: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case owner(BlockID, ContentOwner)
        case pend(PendKey)
        case segment(SegmentKey)
        case version(VersionPosition)
    }

    public let kind: Kind
    /// Its place in the order: the store's own key.
    public let place: Bytes
    /// Bytes of key and value.
    public let byteCount: Int

    public init(kind: Kind, place: Bytes, byteCount: Int) {
        self.kind = kind
        self.place = place
        self.byteCount = byteCount
    }
}

/// What one page of a walk over the records of a peer removed.
public struct SweepReport: Hashable, Sendable {
    public var removedCount: UInt32 = 0
    public var removedBytes: UInt64 = 0
    /// Where the next page begins; nil when the peer has been walked.
    public var next: Bytes?

    public init() {}
}

extension CollectionLife: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(incarnation)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            collection: try CollectionID(from: &decoder),
            incarnation: try Incarnation(from: &decoder))
    }
}

extension ContentOwner: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(life)
        encoder.append(target)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            life: try CollectionLife(from: &decoder), target: try Revision(from: &decoder))
    }
}
