import BlockRuntime

/// Asks for the entries of a log after a revision: what a feed of changes and a local snapshot are
/// made of.
package struct LogReadRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// Entries above this revision, oldest first.
    package let after: Revision
    /// The most bytes of bodies in the page; at least one entry is returned when there is one.
    package let bytesMax: UInt32
    /// How long to wait for an entry when there is none yet.
    package let waitMilliseconds: UInt32

    package init(
        collection: CollectionID, incarnation: Incarnation, after: Revision,
        bytesMax: UInt32 = UInt32(Limits.pageBytesMax), waitMilliseconds: UInt32 = 0
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.after = after
        self.bytesMax = bytesMax
        self.waitMilliseconds = waitMilliseconds
    }
}

/// One entry of a log with its body.
package struct LogEntry: Hashable, Sendable {
    package let revision: Revision
    package let payload: PayloadID
    package let body: EntryBody
    /// The header part from this entry on, when the entry changed it.
    package let headerAfter: CollectionHeader?
    /// The attempt over several collections that it is a part of; nil when it is of none.
    package let attempt: Attempt?
    package let wallMilliseconds: UInt64

    package init(
        revision: Revision, payload: PayloadID, body: EntryBody, headerAfter: CollectionHeader?,
        attempt: Attempt? = nil, wallMilliseconds: UInt64
    ) {
        self.revision = revision
        self.payload = payload
        self.body = body
        self.headerAfter = headerAfter
        self.attempt = attempt
        self.wallMilliseconds = wallMilliseconds
    }

    /// The transaction over several collections that each of its actions is a part of; nil when
    /// they are of none.
    package var transactions: [TransactionID]? { attempt.map { $0.transactions(body) } }
}

/// Entries of a log without a gap, and where its collection stands.
package struct LogPage: Hashable, Sendable {
    package let entries: [LogEntry]
    /// The newest revision; linearizable.
    package let revision: Revision
    /// The header part at ``revision``.
    package let header: CollectionHeader
    /// When the header part was last changed.
    package let headerRevision: Revision
    /// The writes up to here need not be listed to read blocks.
    package let checkpoint: Checkpoint
    /// Shards of the cluster: a transactor that makes entries final names those that lag.
    package let shardCount: UInt32

    package init(
        entries: [LogEntry], revision: Revision, header: CollectionHeader,
        headerRevision: Revision, checkpoint: Checkpoint, shardCount: UInt32
    ) {
        self.entries = entries
        self.revision = revision
        self.header = header
        self.headerRevision = headerRevision
        self.checkpoint = checkpoint
        self.shardCount = shardCount
    }
}
