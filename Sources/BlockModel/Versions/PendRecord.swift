import BlockRuntime

/// Where a pend is kept: one for each payload, so that two executions of one action, and two
/// attempts at one revision, never touch each other.
package struct PendKey: Hashable, Sendable, Comparable {
    package let key: BlockKey
    package let payload: PayloadID

    package init(_ key: BlockKey, payload: PayloadID) {
        self.key = key
        self.payload = payload
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.key != right.key ? left.key < right.key : left.payload < right.payload
    }
}

/// A durable, undecided change of one block (protocol: bound-is-a-set).
package struct PendRecord: Hashable, Sendable {
    /// Canonical bytes of the transform.
    package let transform: Bytes
    /// The block's last committed write below the target; zero for a new block.
    package let baseRevision: Revision
    /// The payload of that write; nil for a new block.
    package let basePayload: PayloadID?
    /// The result hash of that write; ``Digest/zero`` when there is no block below.
    package let baseHash: Digest
    /// The hash of the block after the transform; ``Digest/zero`` when the block is then gone.
    package let resultHash: Digest
    /// The collection whose tail decides the attempt, and where it is fenced before a walk gives
    /// its pends up: that of the block itself, as every attempt is on one collection.
    package let home: CollectionID
    /// The target revisions of the attempts that carry this payload, ascending. A set: a late bind
    /// of an earlier attempt must not take away what a later one added (protocol: bound-is-a-set).
    package var bound: [Revision]

    package init(
        transform: Bytes, baseRevision: Revision, basePayload: PayloadID?, baseHash: Digest,
        resultHash: Digest, home: CollectionID, bound: [Revision]
    ) {
        self.transform = transform
        self.baseRevision = baseRevision
        self.basePayload = basePayload
        self.baseHash = baseHash
        self.resultHash = resultHash
        self.home = home
        self.bound = bound
    }

    /// The write that the change is made on; nil for a new block.
    package var base: CommittedWrite? {
        basePayload.map {
            CommittedWrite(revision: baseRevision, payload: $0, resultHash: baseHash)
        }
    }

    /// Adds a target.
    package mutating func bind(_ revision: Revision) {
        guard !bound.contains(revision) else { return }
        bound = (bound + [revision]).sorted()
    }

    /// Takes a target away; the pend is garbage when none is left.
    package mutating func unbind(_ revision: Revision) { bound.removeAll { $0 == revision } }

    /// Whether `other` is the same content, whatever it is bound to.
    package func hasSameContent(as other: PendRecord) -> Bool {
        transform == other.transform && baseRevision == other.baseRevision
            && basePayload == other.basePayload && baseHash == other.baseHash
            && resultHash == other.resultHash && home == other.home
    }
}

extension PendRecord: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(transform)
        encoder.append(baseRevision)
        encoder.append(basePayload)
        encoder.append(baseHash)
        encoder.append(resultHash)
        encoder.append(home)
        encoder.append(UInt32(bound.count))
        for revision in bound { encoder.append(revision) }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let transform = try decoder.byteString(countMax: Limits.transformBytesMax)
        let baseRevision = try Revision(from: &decoder)
        let basePayload = try decoder.optional(PayloadID.self)
        let baseHash = try decoder.digest()
        let resultHash = try decoder.digest()
        let home = try CollectionID(from: &decoder)
        let count = try decoder.uint32()
        guard count <= Limits.pendBoundCountMax else {
            throw decoder.malformed("a pend bound to \(count) revisions")
        }
        var bound: [Revision] = []
        for _ in 0..<count {
            let revision = try Revision(from: &decoder)
            if let last = bound.last, last >= revision {
                throw decoder.malformed("revisions that do not ascend")
            }
            bound.append(revision)
        }
        self.init(
            transform: transform, baseRevision: baseRevision, basePayload: basePayload,
            baseHash: baseHash, resultHash: resultHash, home: home, bound: bound)
    }
}
