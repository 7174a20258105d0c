import BlockRuntime

/// What an acceptor keeps of one register.
package struct RegisterRecord: Hashable, Sendable {
    /// No ballot below this one is accepted any more.
    package var promised: Ballot
    /// The ballot of ``value``; zero when nothing was accepted.
    package let accepted: Ballot
    /// ``TailValue/registerBytes``; the acceptor does not look inside.
    package let value: Bytes
    /// The hash that queries compare instead of whole values: a value is hashed once, and asked
    /// for many times.
    package let valueHash: Digest

    package init(promised: Ballot, accepted: Ballot, value: Bytes) {
        self.promised = promised
        self.accepted = accepted
        self.value = value
        valueHash = RegisterRecord.hash(of: value)
    }

    /// A register that was never written.
    package static let untouched = RegisterRecord(promised: .zero, accepted: .zero, value: [])

    package static func hash(of value: Bytes) -> Digest {
        Digest(domain: "optimystic/register-value/1", value)
    }
}

/// What a storage peer's machine may read while it decides: the durable state, and on top of it
/// every write of the running cycle that is still to be synced.
package protocol PeerStoreView {
    /// - Returns: ``RegisterRecord/untouched`` when the register was never written.
    /// - Throws: `.corrupted` when the record fails its checksum: the peer must not vote on it.
    func register(_ collection: CollectionID) throws(DatabaseError) -> RegisterRecord

    /// - Returns: The bytes, verified against the id; nil when they are absent or damaged.
    func content(_ block: BlockID) throws(DatabaseError) -> Bytes?

    /// - Returns: The bytes, verified against the hash; nil when they are absent or damaged.
    func segment(_ key: SegmentKey) throws(DatabaseError) -> Bytes?

    /// - Returns: nil when there is none, or it is damaged: then this peer must not vote for it.
    func pend(_ key: PendKey) throws(DatabaseError) -> PendRecord?

    /// All pends of a block, ascending by payload, at most ``Limits/blockPendCountMax``.
    func pends(
        of key: BlockKey
    ) throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)]

    /// How many pends of a block there are and the bytes they take, damaged ones included.
    /// - Complexity: O(1), whatever the block has been through: every pend asks for it.
    func pendLoad(of key: BlockKey) throws(DatabaseError) -> PendLoad

    /// The version that was written at exactly `revision`; nil when there is none or it is damaged.
    func version(
        of key: BlockKey, at revision: Revision
    ) throws(DatabaseError) -> VersionRecord?

    /// The newest version not above `revision`; nil when there is none.
    /// - Throws: `.corrupted` when it is damaged: an older one instead would be a stale answer.
    func newestVersion(
        of key: BlockKey, through revision: Revision
    ) throws(DatabaseError) -> VersionRecord?

    /// Places of versions, damaged ones too, in their order: of blocks not below `lowest`, behind
    /// `after`.
    /// - Complexity: O(`countMax`).
    func versionPositions(
        from lowest: BlockID, after: VersionPosition?, countMax: Int
    ) throws(DatabaseError) -> [VersionPosition]

    /// Keys of pends, damaged ones too, ascending: of blocks not below `lowest`, above `after`.
    /// - Complexity: O(`countMax`).
    func pendKeys(
        from lowest: BlockID, after: PendKey?, countMax: Int
    ) throws(DatabaseError) -> [PendKey]

    /// Registers whose id is not below `lowest`, ascending.
    /// - Complexity: O(`countMax`).
    func registers(
        from lowest: CollectionID, countMax: Int
    ) throws(DatabaseError) -> [(CollectionID, RegisterRecord)]

    /// Records that are kept for the sake of some collection, damaged ones too, in the order of the
    /// store: behind `after`, up to and with `through`.
    /// - Complexity: O(`countMax`).
    func storedRecords(
        after: Bytes?, through: Bytes?, countMax: Int
    ) throws(DatabaseError) -> [StoredRecord]

    /// The lives for which a content is kept.
    func contentOwners(of block: BlockID) throws(DatabaseError) -> [Incarnation]

    /// For what attempt of this life a content is kept; nil when it is not.
    func contentOwner(
        of block: BlockID, in incarnation: Incarnation
    ) throws(DatabaseError) -> ContentOwner?

    /// Records of each kind, roughly.
    var statistics: PeerStoreStatistics { get }
}

/// What the pends of one block take of a replica.
package struct PendLoad: Hashable, Sendable {
    package var count: Int
    /// As they are stored.
    package var bytes: Int

    package init(count: Int = 0, bytes: Int = 0) {
        self.count = count
        self.bytes = bytes
    }
}

/// Figures for people.
package struct PeerStoreStatistics: Hashable, Sendable {
    package var registerCount: UInt64 = 0
    package var contentCount: UInt64 = 0
    package var segmentCount: UInt64 = 0
    package var pendCount: UInt64 = 0
    /// Bytes of all pends together.
    package var pendBytes: UInt64 = 0
    package var versionCount: UInt64 = 0
    /// Bytes on the disk that something is stored in, and those that compaction will give back, as
    /// the engine estimates them.
    package var liveBytes: UInt64 = 0
    package var deadBytes: UInt64 = 0
    /// Synced write batches since the directory was made.
    package var writeSequence: UInt64 = 0
    package init() {}
}

/// A write that a storage peer's machine asks for. All writes of a cycle become one synced batch.
package enum PeerWrite: Hashable, Sendable {
    case register(CollectionID, RegisterRecord)
    case content(BlockID, Bytes)
    case removeContent(BlockID)
    case contentOwner(BlockID, ContentOwner)
    case removeContentOwner(BlockID, Incarnation)
    case segment(SegmentKey, Bytes)
    case removeSegment(SegmentKey)
    case pend(PendKey, PendRecord)
    case removePend(PendKey)
    case version(BlockKey, VersionRecord)
    case removeVersion(VersionPosition)
}
