import BlockModel
import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Versions and pends

    /// Revisions that a lagging shard may span, from its own checkpoint to the last write of a
    /// block of it; then such writes are refused. A proxy that comes anew reads that much of the
    /// log.
    package static let laggingRevisionCountMax = 4096
    /// Entries above the checkpoint, with those shards left behind, that a proxy keeps in memory;
    /// then writes are refused until some are final.
    package static let unfinalRevisionCountMax = 16_384

    /// Bytes of stored bodies that the scan for earlier landings, or for the newest writes, fetches
    /// at once for a collection; one body may be larger.
    package static let scanBytesMax = 8 * 1024 * 1024

    // MARK: Queues

    /// How long after a lost race other proposers are taken to change a collection as well: many
    /// turns.
    package static let sharedCollectionTime = Duration.seconds(1)
    /// How long a proposer that takes turns with others waits for the clients it has just answered,
    /// at least: a trip to a client nearby and back. Else as long as the last entry took.
    package static let gatherTimeMin = Duration.milliseconds(2)
    /// The same at most: half of the time that a coordinator keeps the proposer's place.
    package static let gatherTimeMax = Duration.milliseconds(10)
    /// Landings after which it does not, when the clients did not come back in time.
    package static let gatherRestCount = 32

    /// Bytes of actions a proxy holds for one collection before it answers `overloaded`, with
    /// ``queuedActionBytes`` for each.
    package static let collectionQueueBytesMax = 16 * 1024 * 1024
    /// The part of them that one client may take, so that the others are still let in.
    package static let clientQueueBytesMax = collectionQueueBytesMax / 2
    /// Bytes that a queued action takes beside its own: ids, who waits for it, and what it was
    /// decoded into.
    package static let queuedActionBytes = 512
    /// Actions a proxy holds for one collection: 16 full entries. Each that comes is looked for
    /// among them.
    package static let collectionQueueCountMax = 16 * bodyActionCountMax
    /// Revisions whose action ids a proxy keeps to answer retries without reading the log again.
    package static let actionIndexRevisionCountMax = 4096
    /// Action ids of one collection that a proxy keeps for that, some 100 bytes each.
    package static let actionIndexActionCountMax = 65_536
    /// Bytes of outcomes kept with them: what a queue gave out is part of its outcome.
    package static let actionIndexOutcomeBytesMax = 16 * 1024 * 1024
    /// Blocks of one collection whose newest version a proxy knows without asking.
    package static let settledBlockCountMax = 65_536
    /// Bytes of transforms and body of one attempt: with ids and hashes it stays within a frame.
    package static let attemptBytesMax = 4 * 1024 * 1024
    /// Transactions over several collections that share one decision, at most.
    package static let groupMemberCountMax = 64
    /// Bytes of what they ask for; one that is larger is decided alone. All of it fits one entry,
    /// so that the actions of each stay beside each other.
    package static let groupBytesMax = 256 * 1024
    /// Bytes of a write of an attempt beside its transform and its list, at most: ids, hashes and
    /// lengths.
    package static let blockWriteBytes = 256
    /// Bytes of a committed write in a list, at most.
    package static let committedWriteBytes = 96
    /// Bytes of a whole attempt as it is estimated before it is sent: a frame, less what the
    /// envelope and the attempt's own fields take.
    package static let attemptFrameBytesMax = frameBytesMax - 64 * 1024
    /// Time after which a block that could not be read is asked for again.
    package static let unreadableBlockTime = Duration.seconds(1)
    /// Entries whose blocks are not known to be final on their quorums, after which a proxy sees
    /// to that: so many bodies a reader has to read at least before it reads a block.
    package static let finaliseIntervalRevisions = 16
    /// Entries made final in one go.
    package static let finaliseSweepCountMax = 64
    /// Entries that are being made final, after which no more are begun: one that waits for a
    /// storage peer that is gone does not hold up the next.
    package static let finalisingCountMax = 1024
    /// Time after which it is tried again to make a block of a lagging shard final.
    package static let laggingRetryTime = Duration.seconds(1)
    /// Time without a commit after which a proxy makes what is left final.
    package static let finaliseIdleTime = Duration.milliseconds(250)
}
