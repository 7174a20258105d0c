import BlockRuntime

/// A pointer to a sealed segment: enough to fetch it and to check what comes back.
package struct SegmentLink: Hashable, Sendable {
    /// Position in the chain of segments, from 0.
    package let index: UInt64
    /// ``Segment/hash`` of the segment.
    package let hash: Digest
    /// Its first revision; segments vary in length, so this cannot be computed.
    package let firstRevision: Revision

    package init(index: UInt64, hash: Digest, firstRevision: Revision) {
        self.index = index
        self.hash = hash
        self.firstRevision = firstRevision
    }
}

/// Thirty-two entries (or 48 KiB of them) that left the open tail: immutable, addressed by hash.
///
/// A pure function of the tail it was cut from, so that two coordinators that seal the same tail
/// write the same segment.
package struct Segment: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let index: UInt64
    /// The header part before the first entry.
    package let headerBefore: CollectionHeader
    /// Not empty; revisions without a gap.
    package let entries: [Entry]
    /// Earlier segments, nearest first: this index − 1 with its low bits cleared one after another.
    /// Seeking takes O(log n) fetches over them.
    package let links: [SegmentLink]

    package init(
        collection: CollectionID, incarnation: Incarnation, index: UInt64,
        headerBefore: CollectionHeader, entries: [Entry], links: [SegmentLink]
    ) {
        invariant(!entries.isEmpty, "a segment has entries")
        self.collection = collection
        self.incarnation = incarnation
        self.index = index
        self.headerBefore = headerBefore
        self.entries = entries
        self.links = links
    }

    package var firstRevision: Revision { entries[0].revision }
    package var lastRevision: Revision { entries[entries.count - 1].revision }

    /// The hash under which the segment is stored and verified.
    package static func hash(of canonicalBytes: Bytes) -> Digest {
        Digest(domain: "optimystic/segment/1", canonicalBytes)
    }
}

/// Where a segment is stored. The hash is part of the key: a coordinator may write a segment of a
/// tail that is never chosen, and it must not stand in the way of the one that is.
package struct SegmentKey: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let index: UInt64
    package let hash: Digest

    package init(
        collection: CollectionID, incarnation: Incarnation, index: UInt64, hash: Digest
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.index = index
        self.hash = hash
    }

    /// The id that places the segment in a shard.
    package var blockID: BlockID { BlockID(hash) }
}

extension SegmentLink: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(index)
        encoder.append(hash)
        encoder.append(firstRevision)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            index: try decoder.counter(), hash: try decoder.digest(),
            firstRevision: try Revision(from: &decoder))
    }
}

extension SegmentKey: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(collection)
        encoder.append(incarnation)
        encoder.append(index)
        encoder.append(hash)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            collection: try CollectionID(from: &decoder),
            incarnation: try Incarnation(from: &decoder), index: try decoder.counter(),
            hash: try decoder.digest())
    }
}

extension Segment: CanonicalCodable {
    package static let version = FormVersion(1)

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(Self.version)
        encoder.append(collection)
        encoder.append(incarnation)
        encoder.append(index)
        encoder.append(headerBefore)
        encoder.append(entries)
        encoder.append(links)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        try decoder.version(Self.version, of: "a segment of a log")
        let collection = try CollectionID(from: &decoder)
        let incarnation = try Incarnation(from: &decoder)
        let index = try decoder.counter()
        let header = try CollectionHeader(from: &decoder)
        let entries = try decoder.list(of: Entry.self, countMax: Limits.segmentEntryCountMax)
        let links = try decoder.list(of: SegmentLink.self, countMax: Limits.segmentLinkCountMax)
        guard !entries.isEmpty else { throw decoder.malformed("a segment without entries") }
        guard Tail.isGapless(entries) else { throw decoder.malformed("a gap in the revisions") }
        guard SegmentLinks.isWellFormed(links, before: index) else {
            throw decoder.malformed("skip links that do not fit the index")
        }
        if let nearest = links.first, nearest.firstRevision >= entries[0].revision {
            throw decoder.malformed("a skip link to a later revision")
        }
        self.init(
            collection: collection, incarnation: incarnation, index: index, headerBefore: header,
            entries: entries, links: links)
    }
}
