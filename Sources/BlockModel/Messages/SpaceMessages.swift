import BlockRuntime

/// One life of a collection, as a storage peer finds it named in what it keeps.
package struct CollectionLife: Hashable, Sendable, Comparable {
    package let collection: CollectionID
    package let incarnation: Incarnation

    package init(collection: CollectionID, incarnation: Incarnation) {
        self.collection = collection
        self.incarnation = incarnation
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.collection != right.collection
            ? left.collection < right.collection
            : (left.incarnation.generation, left.incarnation.nonce.value)
                < (right.incarnation.generation, right.incarnation.nonce.value)
    }
}

/// What a chosen tail says of a life: what need not be kept of it any more.
package struct LifeEnd: Hashable, Sendable {
    package let life: CollectionLife
    /// History up to and including this revision is gone; nil: the life is over, all of it is.
    package let truncatedThrough: Revision?

    package init(life: CollectionLife, truncatedThrough: Revision?) {
        self.life = life
        self.truncatedThrough = truncatedThrough
    }
}

/// For what attempt a content block is kept.
///
/// An entry at a revision was decided after a quorum had stored its body for that very revision. So
/// a replica may give the body up once that revision, the greatest it was asked to keep it for, is
/// truncated: if a later entry has it, a quorum keeps it for that one.
package struct ContentOwner: Hashable, Sendable {
    package let life: CollectionLife
    /// The greatest target that it was stored for.
    package let target: Revision

    package init(life: CollectionLife, target: Revision) {
        self.life = life
        self.target = target
    }

    /// Of a copy that was brought by a scrub that could not tell: it is kept for ever.
    package static let unknown = ContentOwner(
        life: CollectionLife(
            collection: CollectionID(.zero),
            incarnation: Incarnation(generation: 0, nonce: Identifier128(0))),
        target: .zero)
}

/// A record that a replica keeps for the sake of one life of a collection, in the order of its
/// store.
package struct StoredRecord: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case owner(BlockID, ContentOwner)
        case pend(PendKey)
        case segment(SegmentKey)
        case version(VersionPosition)
    }

    package let kind: Kind
    /// Its place in the order: the store's own key.
    package let place: Bytes
    /// Bytes of key and value.
    package let byteCount: Int

    package init(kind: Kind, place: Bytes, byteCount: Int) {
        self.kind = kind
        self.place = place
        self.byteCount = byteCount
    }
}

/// What one page of a walk over the records of a peer removed.
package struct SweepReport: Hashable, Sendable {
    package var removedCount: UInt32 = 0
    package var removedBytes: UInt64 = 0
    /// Where the next page begins; nil when the peer has been walked.
    package var next: Bytes?

    package init() {}
}

extension CollectionLife: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(incarnation)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            collection: try CollectionID(from: &decoder),
            incarnation: try Incarnation(from: &decoder))
    }
}

extension ContentOwner: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(life)
        encoder.append(target)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            life: try CollectionLife(from: &decoder), target: try Revision(from: &decoder))
    }
}
