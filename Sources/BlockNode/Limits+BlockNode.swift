import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Blocks

    /// Bytes of blocks in one answer at transactor level: half a frame.
    package static let blockReplyBytesMax = 4 * 1024 * 1024

    // MARK: Versions and pends

    /// Time between two such pages while nothing is found to remove.
    package static let spaceWalkInterval = Duration.milliseconds(500)
    /// Time between two pages that a coordinator scrubs, where nothing else is configured.
    package static let scrubIntervalDefault = Duration.seconds(5)
    /// The shortest that can be configured: a scrub without a pause would take all of a disk.
    package static let scrubIntervalMin = Duration.milliseconds(10)
    /// The longest: a walk over 128 shards then takes five days at least.
    package static let scrubIntervalMax = Duration.seconds(3600)
    /// Time between two pages of pends on which a coordinator finds nothing to do: a walk over 128
    /// shards takes two minutes, in which few blocks come to ``blockPendCountMax``.
    package static let pendWalkInterval = Duration.seconds(1)
    /// The same in an embedded database, which has one shard, and often a battery.
    package static let embeddedPendWalkInterval = Duration.seconds(5)
    /// How long a coordinator leaves between two pages of its walk over the tails of all
    /// collections: what no proxy asks about can wait, and each tail of a page is read.
    package static let intentWalkInterval = Duration.seconds(1)
    /// Tails of such a page.
    package static let intentWalkPageCountMax = 64
    /// How long an undecided pend at the next revision of a collection is left alone before its
    /// attempt is fenced: as long as most attempts have to land. Shorter costs live attempts a
    /// round more, longer keeps those waiting that do not compete with others.
    package static let fencePoliteness = Duration.seconds(10)
    /// Pends whose age one walk knows: 64 bytes each, and more dead ones wait for the next walk.
    package static let suspectPendCountMax = 4096
    /// Times that one page of pends is looked at in a row: each settles one target of each pend,
    /// and the other shards have their turn however fast new ones come.
    package static let pendPassCountMax = 64

    // MARK: Messages

    /// Bytes of requests or replies that travel between a coordinator and a peer in one message,
    /// as far as there is more than one: half a frame, so that estimates need not be exact.
    package static let peerBatchBytesMax = 4 * 1024 * 1024
    /// Time a stopping service gives the requests it has under way.
    package static let drainTimeMax = Duration.seconds(10)

    // MARK: Queues

    /// Bytes that a request under way takes beside its own: who waits for it and until when. With
    /// it, what a connection may hold in bytes bounds how many requests that can be.
    package static let requestOverheadBytes = 1024
    /// Bytes of requests, as they come, that one client of a proxy has under way over all
    /// collections: 32 of the largest actions.
    package static let clientRequestBytesMax = 32 * 1024 * 1024
    /// The same of one proxy at a coordinator: its clients' together, with the blocks they change.
    package static let proxyRequestBytesMax = 128 * 1024 * 1024
    /// Bytes of requests that a service has under way in all.
    package static let requestBytesMax = 256 * 1024 * 1024
    /// Bytes of blocks and log objects that a proxy holds for the reads of one client: two that
    /// miss ``missingBlockCountMax`` of the largest blocks at once.
    package static let clientTaskBytesMax = 128 * 1024 * 1024
    /// The same for all clients.
    package static let taskBytesMax = 256 * 1024 * 1024
    /// Time that the blocks for a batch have to come. Then those actions that need one which did
    /// not are set aside, and the others go on.
    package static let runFetchTime = Duration.seconds(3)
    /// Time that one try to make an entry final may take.
    package static let finaliseTime = Duration.seconds(3)
    /// Collections whose last tail a proxy keeps to read fixed revisions without asking: 16 MiB of
    /// the largest.
    package static let knownTailCountMax = 256
    /// Bytes, about, of what a proxy knows of the newest writes of all collections' blocks: of some
    /// hundred thousand blocks. Beyond it, what is known of idle collections is forgotten.
    package static let historyBytesMax = 64 * 1024 * 1024
    /// The same of the action ids and outcomes that are kept to answer retries.
    package static let writerBytesMax = 64 * 1024 * 1024
    /// Collections whose log a proxy follows for its writers; beyond it idle ones are forgotten.
    package static let writerCountMax = 256
    /// After how long another coordinator is asked as well when one that served well last time has
    /// not answered: with the pause and the answer of the other one less than a second, and many
    /// times what a commit takes on a disk that is busy.
    package static let coordinatorTryTime = Duration.milliseconds(600)
    /// After how long another coordinator is asked as well when one that served badly last time is
    /// silent again: many times what an answer takes, and little of the time of any request.
    package static let doubtedTryTime = Duration.milliseconds(300)
    /// The longest time that a proxy gives one try at a coordinator: several fit the time that a
    /// request has where nothing else is asked for.
    package static let tryTimeMax = Duration.milliseconds(1500)
    /// The time that a coordinator is given for the first tries of a read: many times what it
    /// takes, and so little that a client with half a second learns why it was in vain. Each round
    /// of them has twice as much.
    package static let readTryTime = Duration.milliseconds(200)
    /// Time for a call that several clients wait for: each of them has a deadline of its own.
    package static let sharedCallTime = Duration.seconds(10)
    /// With less time left, a task does not wait for another read of a tail: that takes a round
    /// trip, and the answer another.
    package static let tailReadTimeMin = Duration.milliseconds(50)
    /// How long after a transaction one coordinator is asked about all that it touched: many times
    /// what it takes to carry one out.
    package static let sharedAffinityTime = Duration.seconds(1)
    /// Collections of which that is remembered.
    package static let sharedAffinityCountMax = 4096
    /// How often a reader that waits for new entries looks for them.
    package static let followInterval = Duration.milliseconds(100)

    /// How long the transactions of others wait for one that was told a conflict: about the time in
    /// which a client reads a few keys and asks again.
    package static let turnTime = Duration.milliseconds(100)
    /// After so long a transaction that still loses keeps no place.
    package static let turnAgeMax = Duration.seconds(10)
    /// After so many losses likewise: those that it loses to come by another proxy.
    package static let turnLossCountMax = 64
    /// Bytes of blocks that a coordinator keeps to execute attempts again.
    package static let validationCacheBytesMax = 32 * 1024 * 1024

    /// Places that are kept, at most.
    package static let turnCountMax = 1024
    /// How many transactions that came later than one that has lost may go before it, of those
    /// that write to the collections it reads: as many as share one decision.
    package static let turnWindow: UInt64 = 64
}
