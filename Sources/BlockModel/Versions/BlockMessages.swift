import BlockRuntime

/// Asks a replica to keep an undecided change of one block (protocol: bound-is-a-set,
/// pend-needs-its-base).
package struct PendRequest: Hashable, Sendable {
    package let key: BlockKey
    package let payload: PayloadID
    /// The revision that the attempt aims at.
    package let target: Revision
    package let record: PendRecord
    /// Committed writes of the block below the target, ascending: what a chosen tail says. The
    /// replica finalises those it holds first.
    package let committed: [CommittedWrite]
    package let policy: PendingPolicy

    /// - Parameter record: Bound to nothing yet; the replica binds it to `target`.
    package init(
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
package struct BlockReadRequest: Hashable, Sendable {
    package let key: BlockKey
    package let revision: Revision
    /// Committed writes of the block in (checkpoint, ``revision``], ascending.
    package let committed: [CommittedWrite]
    /// Whose log lists them: a coordinator compares them with it. Replicas do not need it.
    package let collection: CollectionID?

    package init(
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
package struct BlockCopy: Hashable, Sendable {
    package let write: CommittedWrite
    package let baseRevision: Revision
    /// Canonical bytes; nil when the write removed the block.
    package let bytes: Bytes?

    package init(
        write: CommittedWrite, baseRevision: Revision, bytes: Bytes?
    ) {
        self.write = write
        self.baseRevision = baseRevision
        self.bytes = bytes
    }
}
