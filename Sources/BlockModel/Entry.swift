import BlockRuntime

/// What an entry is for.
package enum EntryKind: UInt8, Sendable, CaseIterable {
    case actions = 1
    case checkpoint = 2
    case noOperation = 3
    case drop = 4
}

/// Where the body of an entry is.
package enum BodyLocation: Hashable, Sendable {
    /// Inside the entry: at most ``Limits/inlineBodyBytesMax`` bytes.
    case inline(Bytes)
    /// A content block, under the id that ``Entry/bodyHash`` is. It was durable on a quorum of its
    /// shard before the entry was decided.
    case stored(byteCount: UInt32)
}

/// One position of a collection's log: small, hash-chained, the decision itself.
package struct Entry: Hashable, Sendable {
    package var kind: EntryKind
    package var revision: Revision
    package var payload: PayloadID
    /// The content id of the body's canonical bytes.
    package var bodyHash: Digest
    package var body: BodyLocation
    /// The header part from this entry on, when the entry changes it.
    package var headerAfter: CollectionHeader?
    /// The deciding collection of a multi-collection entry; nil when this collection decides alone.
    package var home: CollectionID?
    /// All participants of a multi-collection entry; empty when there is only this one.
    package var participants: [Participant]
    /// What is final on a quorum of every shard it touched; rides in any entry.
    package var checkpoint: Checkpoint?
    /// The pends travelled with the accept (protocol: fused-pends-travel-with-the-accept).
    package var isFused: Bool
    /// When the proposer made it, in milliseconds since 1970. Metadata; nothing is decided by it.
    package var wallMilliseconds: UInt64
    /// The chain hash of the entry before.
    package var previousHash: Digest

    package init(
        kind: EntryKind, revision: Revision, payload: PayloadID, bodyHash: Digest,
        body: BodyLocation, headerAfter: CollectionHeader? = nil, home: CollectionID? = nil,
        participants: [Participant] = [], checkpoint: Checkpoint? = nil, isFused: Bool = false,
        wallMilliseconds: UInt64, previousHash: Digest
    ) {
        self.kind = kind
        self.revision = revision
        self.payload = payload
        self.bodyHash = bodyHash
        self.body = body
        self.headerAfter = headerAfter
        self.home = home
        self.participants = participants
        self.checkpoint = checkpoint
        self.isFused = isFused
        self.wallMilliseconds = wallMilliseconds
        self.previousHash = previousHash
    }

    /// The content id of the body.
    package var bodyID: BlockID { BlockID(bodyHash) }

    /// The chain hash after this entry: H(previous chain hash ‖ entry). The previous one is a field
    /// of the entry, so hashing the entry hashes both.
    package var chainHash: Digest { Digest(domain: "optimystic/chain/1", canonicalBytes) }

    /// The chain hash before the first entry of a life of a collection.
    package static func initialHash(name: String, incarnation: Incarnation) -> Digest {
        var encoder = CanonicalEncoder()
        encoder.append(incarnation)
        encoder.append(name)
        return Digest(domain: "optimystic/chain-start/1", encoder.bytes)
    }
}

extension BodyLocation: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .inline(let bytes):
            encoder.append(UInt8(1))
            encoder.append(bytes)
        case .stored(let byteCount):
            encoder.append(UInt8(2))
            encoder.append(byteCount)
        }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1: self = .inline(try decoder.byteString(countMax: Limits.inlineBodyBytesMax))
        case 2:
            let count = try decoder.uint32()
            guard count <= Limits.bodyBytesMax else {
                throw decoder.malformed("a body of \(count) bytes")
            }
            self = .stored(byteCount: count)
        default: throw decoder.malformed("an unknown body location")
        }
    }
}

extension Entry: CanonicalCodable {
    package static let version = FormVersion(1)

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(Self.version)
        encoder.append(kind.rawValue)
        encoder.append(revision)
        encoder.append(payload)
        encoder.append(bodyHash)
        encoder.append(body)
        encoder.append(headerAfter)
        encoder.append(home)
        encoder.append(participants)
        encoder.append(checkpoint)
        encoder.append(isFused)
        encoder.append(wallMilliseconds)
        encoder.append(previousHash)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        try decoder.version(Self.version, of: "an entry of a log")
        guard let kind = EntryKind(rawValue: try decoder.uint8()) else {
            throw decoder.malformed("an unknown entry kind")
        }
        self.init(
            kind: kind,
            revision: try Revision(from: &decoder),
            payload: try PayloadID(from: &decoder),
            bodyHash: try decoder.digest(),
            body: try BodyLocation(from: &decoder),
            headerAfter: try decoder.optional(CollectionHeader.self),
            home: try decoder.optional(CollectionID.self),
            participants: try decoder.ascendingList(
                of: Participant.self, countMax: Limits.participantCountMax),
            checkpoint: try decoder.optional(Checkpoint.self),
            isFused: try decoder.bool(),
            wallMilliseconds: try decoder.uint64(),
            previousHash: try decoder.digest())
    }
}

extension Entry {
    /// Length of ``canonicalBytes``, without making them.
    package var byteCount: Int {
        let bodyBytes =
            switch body {
            case .inline(let bytes): 5 + bytes.count
            case .stored: 5
            }
        let headerBytes =
            headerAfter.map { header in
                11 + (header.keyType?.text.utf8.count ?? 0)
                    + (header.root == nil ? 0 : Digest.byteCount)
            } ?? 0
        let fixed = 1 + 1 + 8 + 20 + 32 + 1 + 1 + 4 + 1 + 1 + 8 + 32
        return fixed + bodyBytes + headerBytes + (home == nil ? 0 : 32) + participants.count * 65
            + (checkpoint?.byteCount ?? 0)
    }
}
