import BlockRuntime

/// Asks for the entries of a log after a revision: what a feed of changes and a local snapshot are
/// made of.
public struct LogReadRequest: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    /// Entries above this revision, oldest first.
    public let after: Revision
    /// The most bytes of bodies in the page; at least one entry is returned when there is one.
    public let bytesMax: UInt32
    /// How long to wait for an entry when there is none yet.
    public let waitMilliseconds: UInt32

    public init(
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
public struct LogEntry: Hashable, Sendable {
    public let revision: Revision
    public let payload: PayloadID
    public let body: EntryBody
    /// The header part from this entry on, when the entry changed it.
    public let headerAfter: CollectionHeader?
    public let wallMilliseconds: UInt64

    public init(
        revision: Revision, payload: PayloadID, body: EntryBody, headerAfter: CollectionHeader?,
        wallMilliseconds: UInt64
    ) {
        self.revision = revision
        self.payload = payload
        self.body = body
        self.headerAfter = headerAfter
        self.wallMilliseconds = wallMilliseconds
    }
}

/// Entries of a log without a gap, and where its collection stands.
public struct LogPage: Hashable, Sendable {
    public let entries: [LogEntry]
    /// The newest revision; linearizable.
    public let revision: Revision
    /// The header part at ``revision``.
    public let header: CollectionHeader
    /// When the header part was last changed.
    public let headerRevision: Revision
    /// The writes up to here need not be listed to read blocks.
    public let checkpoint: Checkpoint
    /// Shards of the cluster: whoever makes entries final names those that lag.
    public let shardCount: UInt32

    public init(
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
