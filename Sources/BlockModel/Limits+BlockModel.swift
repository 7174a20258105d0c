import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: What a client may store

    /// Bytes of a key: a branch of 64 keys must fit one block comfortably.
    package static let keyBytesMax = 1024
    /// Bytes of the text that says what a collection's keys are: a tuple of sixteen texts fits.
    package static let keyTypeBytesMax = 128
    /// Bytes of one client action, all its values together.
    package static let actionBytesMax = 1024 * 1024
    /// Bytes of the body of one log entry, the actions of many clients together.
    package static let bodyBytesMax = 2 * 1024 * 1024
    /// Actions in one body: bounds the sorted id list that every dedupe scan reads.
    package static let bodyActionCountMax = 1024
    /// Operations of one action on a tree; as many leaves of transforms stay below a frame.
    package static let treeOperationCountMax = 4096
    /// Conditions of one action on a tree: what a transaction read.
    package static let treeCheckCountMax = 4096
    /// Values that one action adds to or takes from a queue.
    package static let queueValueCountMax = 4096

    /// Bytes of the name of a transaction's engine.
    package static let engineNameBytesMax = 64
    /// Bytes of the statements of one transaction, which its entry at the home keeps.
    package static let statementBytesMax = 64 * 1024
    /// Statements of one transaction.
    package static let statementCountMax = 1024

    // MARK: Blocks

    /// Bytes of a block in its canonical form: the largest leaf or branch of a tree fits, and a
    /// pend of it stays far below a frame.
    package static let blockBytesMax = 256 * 1024
    /// Attributes of one block; structures use one or two.
    package static let blockAttributeCountMax = 16
    /// Items of one list attribute: the keys and children of the widest branch fit twice.
    package static let blockItemCountMax = 1024
    /// Bytes up to which an item enters a block's digest as it is: hashing a shorter one first
    /// costs more than it saves. Part of the digest's definition, so it never changes.
    package static let blockItemInlineBytesMax = 64
    /// Updates in the transform of one block; a transactor that has more sends the whole block.
    package static let transformUpdateCountMax = 4096
    /// Bytes of the transform of one block: an image and as many bytes of updates.
    package static let transformBytesMax = 2 * blockBytesMax
    /// Blocks that one set of transforms touches; their entries in a body stay within it.
    package static let transformBlockCountMax = 8192

    // MARK: Trees and chains

    /// A node of fewer could be left with a single child by a split.
    package static let nodeCapacityMin = 4
    /// A branch of as many keys of full length still fits a block.
    package static let nodeCapacityMax = 128

    // MARK: Versions and pends

    /// A version keeps its whole block at every this-many-th write of it, so that any version is
    /// made from fewer transforms than this.
    package static let versionImageInterval = 32
    /// Targets one pend may be bound to: an attempt is re-targeted once per lost race.
    package static let pendBoundCountMax = 1024
    /// Undecided changes of one block that a replica keeps; more are refused, none is evicted.
    package static let blockPendCountMax = 1024
    /// Undecided changes of one page of a list: each is read with the block that it changes.
    package static let pendPageCountMax = 64
    /// Committed writes of one block that a request may list: entries above the checkpoint.
    package static let committedWriteCountMax = 4096
    /// Shards that one checkpoint may leave behind: all of a cluster of 16 storage peers with four
    /// each, 1.5 KiB of a tail. Of more, those that are behind longest are left and the others keep
    /// the checkpoint back: a tail has no room to name them, and what readers have to list of
    /// a shard that is not named is lost to them.
    package static let laggingShardCountMax = 64
    /// Versions of a shard that one request compares: each is made from up to
    /// ``versionImageInterval`` transforms, beside the traffic that people wait for.
    package static let scrubPageCountMax = 64
    /// Records of one page of a walk that gives space back: each may be read with the block that it
    /// belongs to.
    package static let sweepPageCountMax = 128

    // MARK: The tail register

    /// Bytes of a body that rides inside its entry; a larger one is a content block.
    package static let inlineBodyBytesMax = 1024
    /// Bytes of a whole tail value: it is rewritten by every commit.
    package static let tailBytesMax = 64 * 1024
    /// Entries in the open tail and so in a sealed segment.
    package static let segmentEntryCountMax = 32
    /// Skip links of a segment: one for each bit of its index.
    package static let segmentLinkCountMax = 64
    /// Participants of one multi-collection attempt.
    package static let participantCountMax = 16
    /// Undecided attempts that hold what they read of one collection: 6 KiB of its tail.
    package static let sharedIntentCountMax = 64
    /// Attempts that are fenced at the next revision of one collection: 2 KiB of its tail.
    package static let abortedAttemptCountMax = 64
    /// Decisions of one collection that are not carried out everywhere: 5 KiB of its tail.
    package static let openDecisionCountMax = 128

    // MARK: Messages

    /// Collections whose revision a peer names when asked for its status.
    package static let statusCollectionCountMax = 64
    /// Bytes of a page of a range, of a diary or of a list.
    package static let pageBytesMax = 1024 * 1024
    /// Items of a page of a list.
    package static let pageItemCountMax = 4096
    /// Longest time a client may ask a request to take.
    package static let requestTimeMax = Duration.seconds(600)
    /// The shortest: an envelope counts milliseconds. With less left, nothing is sent.
    package static let requestTimeMin = Duration.milliseconds(1)
    /// Time a request has that does not say how much.
    package static let requestTimeDefault = Duration.seconds(5)

    // MARK: The cluster file

    /// Bytes of the file: the greatest table of shards fits twice.
    package static let clusterFileBytesMax = 16 * 1024 * 1024
    /// Shards of a cluster: four for each of the most storage peers, so that the load is even.
    package static let shardCountMax = 4096
    /// Storage peers of a cluster: as many connections of each coordinator.
    package static let peerCountMax = 1024
    /// Members of a shard: two of five may be lost, and each further one only costs.
    package static let replicaCountMax = 5
}
