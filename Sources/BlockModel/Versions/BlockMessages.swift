import BlockRuntime

/// Asks a replica to keep an undecided change of one block (protocol: bound-is-a-set,
/// pend-needs-its-base).
public struct PendRequest: Hashable, Sendable {
    public let key: BlockKey
    public let payload: PayloadID
    /// The revision that the attempt aims at.
    public let target: Revision
    public let record: PendRecord
    /// Committed writes of the block below the target, ascending: what a chosen tail says. The
    /// replica finalises those it holds first.
    public let committed: [CommittedWrite]
    public let policy: PendingPolicy

    /// - Parameter record: Bound to nothing yet; the replica binds it to `target`.
    public init(
        key: BlockKey, payload: PayloadID, target: Revision, record: PendRecord,
        committed: [CommittedWrite] = [], policy: PendingPolicy = .proceed
    ) {
        self.policy = policy
        self.key = key
        self.payload = payload
        self.target = target
        self.record = record
        self.committed = committed
    }
}

/// Asks for a block as of a revision (protocol: listed-write-is-the-answer,
/// empty-list-asks-a-quorum).
public struct BlockReadRequest: Hashable, Sendable {
    public let key: BlockKey
    public let revision: Revision
    /// Committed writes of the block in (checkpoint, ``revision``], ascending.
    public let committed: [CommittedWrite]
    /// Whose log lists them: a coordinator compares them with it. Replicas do not need it.
    public let collection: CollectionID?

    public init(
        key: BlockKey, revision: Revision, committed: [CommittedWrite] = [],
        collection: CollectionID? = nil
    ) {
        self.collection = collection
        self.key = key
        self.revision = revision
        self.committed = committed
    }
}

/// One version of a block as a replica hands it out, verified against its hash.
public struct BlockCopy: Hashable, Sendable {
    public let write: CommittedWrite
    public let baseRevision: Revision
    /// Canonical bytes; nil when the write removed the block.
    public let bytes: Bytes?

    public init(
        write: CommittedWrite, baseRevision: Revision, bytes: Bytes?
    ) {
        self.write = write
        self.baseRevision = baseRevision
        self.bytes = bytes
    }
}
