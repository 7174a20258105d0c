/// Every bound of the system, in one place, with its unit and its reason.
///
/// An error that enforces one names it and the actual figure.
public enum Limits {
    // MARK: What a client may store

    /// Bytes of a collection's name, as UTF-8.
    public static let nameBytesMax = 256
    /// Bytes of a key: a branch of 64 keys must fit one block comfortably.
    public static let keyBytesMax = 1024
    /// Bytes of the text that says what a collection's keys are: a tuple of sixteen texts fits.
    public static let keyTypeBytesMax = 128
    /// Tails that a list of collections reads at a time: enough to hide the way there and back.
    public static let listTailReadsMax = 32
    /// Bytes that the SDK's handle of a tree keeps of the values that it read last, to compare
    /// with: a page of a range and some.
    public static let readValuesBytesMax = 1024 * 1024
    /// Bytes of one value or diary entry.
    public static let valueBytesMax = 64 * 1024
    /// Bytes of one client action, all its values together.
    public static let actionBytesMax = 1024 * 1024
    /// Bytes of the body of one log entry, the actions of many clients together.
    public static let bodyBytesMax = 2 * 1024 * 1024
    /// Actions in one body: bounds the sorted id list that every dedupe scan reads.
    public static let bodyActionCountMax = 1024

    /// Operations of one action on a tree; as many leaves of transforms stay below a frame.
    public static let treeOperationCountMax = 4096
    /// Conditions of one action on a tree: what a transaction read.
    public static let treeCheckCountMax = 4096
    /// Values that one action adds to or takes from a queue.
    public static let queueValueCountMax = 4096

    // MARK: Blocks

    /// Bytes of a block in its canonical form: the largest leaf or branch of a tree fits, and a
    /// pend of it stays far below a frame.
    public static let blockBytesMax = 256 * 1024
    /// Attributes of one block; structures use one or two.
    public static let blockAttributeCountMax = 16
    /// Items of one list attribute: the keys and children of the widest branch fit twice.
    public static let blockItemCountMax = 1024
    /// Bytes up to which an item enters a block's digest as it is: hashing a shorter one first
    /// costs more than it saves. Part of the digest's definition, so it never changes.
    public static let blockItemInlineBytesMax = 64
    /// Updates in the transform of one block; whoever has more sends the whole block.
    public static let transformUpdateCountMax = 4096
    /// Bytes of the transform of one block: an image and as many bytes of updates.
    public static let transformBytesMax = 2 * blockBytesMax
    /// Blocks that one set of transforms touches; their entries in a body stay within it.
    public static let transformBlockCountMax = 8192
    /// Missing blocks after which a run stops to fetch them, one step's more or less: 64 MiB of the
    /// largest, and a leaf for each of as many keys.
    public static let missingBlockCountMax = 256
    /// Bytes of blocks in one answer at transactor level: half a frame.
    public static let blockReplyBytesMax = 4 * 1024 * 1024
    /// Bytes of decoded blocks that one cache holds: the branches of a tree of a million entries.
    public static let blockCacheBytesMax = 64 * 1024 * 1024

    /// The largest cache that may be asked for.
    public static let proxyCacheBytesLargest = 64 * 1024 * 1024 * 1024

    // MARK: Trees and chains

    /// Entries of a leaf and children of a branch, where a collection does not say.
    public static let nodeCapacityDefault = 64
    /// A node of fewer could be left with a single child by a split.
    public static let nodeCapacityMin = 4
    /// A branch of as many keys of full length still fits a block.
    public static let nodeCapacityMax = 128
    /// Bytes of the entries of a leaf, which splits above it whatever their number. More than
    /// twice the largest entry, so that both halves of a split are within it.
    public static let leafBytesMax = 192 * 1024
    /// Bytes of entries that make a leaf full enough, however few they are.
    public static let leafBytesMin = leafBytesMax / 4
    /// Levels of a tree: at four children a branch, more than any store has blocks.
    public static let treeDepthMax = 32
    /// Entries of one block of a chain.
    public static let chainBlockEntryCountMax = 32
    /// Bytes of the entries of one block of a chain: two of the largest fit, and it stays a block.
    public static let chainBlockBytesMax = 192 * 1024

    // MARK: Versions and pends

    /// A version keeps its whole block at every this-many-th write of it, so that any version is
    /// made from fewer transforms than this.
    public static let versionImageInterval = 32
    /// Times that a linearizable read looks at a register that its own coordinator is changing,
    /// before it takes part and writes back.
    public static let tailLookCountMax = 4
    /// Bytes of blocks that a storage peer keeps ready, decoded and checked: some thousand leaves,
    /// so that a write of a hot one reads and hashes what it changes only.
    public static let blockMemoBytesMax = 64 * 1024 * 1024
    /// Bytes of pends, and of versions, that a storage peer need not read from its disk again:
    /// those of some seconds of writing.
    public static let recentRecordBytesMax = 16 * 1024 * 1024
    /// Targets one pend may be bound to: an attempt is re-targeted once per lost race.
    public static let pendBoundCountMax = 1024
    /// Undecided changes of one block that a replica keeps; more are refused, none is evicted.
    public static let blockPendCountMax = 1024
    /// Bytes of the undecided changes of one block, as they are stored: all of them are read when
    /// somebody wants to know what is in the way of a change.
    public static let blockPendBytesMax = 16 * 1024 * 1024
    /// Bytes of all undecided changes that a storage peer keeps: beyond any load that decides what
    /// it pends, and little beside a disk. More are refused, none is evicted.
    public static let peerPendBytesMax = 1024 * 1024 * 1024
    /// Undecided changes of one page of a list: each is read with the block that it changes.
    public static let pendPageCountMax = 64
    /// Committed writes of one block that a request may list: entries above the checkpoint.
    public static let committedWriteCountMax = 4096
    /// Shards that one checkpoint may leave behind. More keep all of it back.
    public static let laggingShardCountMax = 16
    /// Revisions that a lagging shard may span, from its own checkpoint to the last write of a
    /// block of it; then such writes are refused. Whoever comes anew reads that much of the log.
    public static let laggingRevisionCountMax = 4096
    /// Entries above the checkpoint, with those shards left behind, that a proxy keeps in memory;
    /// then writes are refused until some are final.
    public static let unfinalRevisionCountMax = 16_384

    /// Versions of a shard that one request compares: each is made from up to
    /// ``versionImageInterval`` transforms, beside the traffic that people wait for.
    public static let scrubPageCountMax = 64
    /// Records of one page of a walk that gives space back: each may be read with the block that it
    /// belongs to.
    public static let sweepPageCountMax = 128
    /// Bytes of the place in a peer's store where a page ends: no key is longer.
    public static let storePlaceBytesMax = 256
    /// Time between two such pages while nothing is found to remove.
    public static let spaceWalkInterval = Duration.milliseconds(500)
    /// Bytes removed after which a storage peer has its engine give space back, at most so often.
    public static let reclaimBytesMin: UInt64 = 64 * 1024
    public static let reclaimInterval = Duration.seconds(5)
    /// Time between two pages that a coordinator scrubs, where nothing else is configured.
    public static let scrubIntervalDefault = Duration.seconds(5)
    /// Time between two pages of pends on which a coordinator finds nothing to do: a walk over 128
    /// shards takes two minutes, in which few blocks come to ``blockPendCountMax``.
    public static let pendWalkInterval = Duration.seconds(1)
    /// The same in an embedded database, which has one shard, and often a battery.
    public static let embeddedPendWalkInterval = Duration.seconds(5)
    /// How long an undecided pend at the next revision of a collection is left alone before its
    /// attempt is fenced: as long as most attempts have to land. Shorter costs live attempts a
    /// round more, longer keeps those waiting that do not compete with others.
    public static let fencePoliteness = Duration.seconds(10)
    /// Pends whose age one walk knows: 64 bytes each, and more dead ones wait for the next walk.
    public static let suspectPendCountMax = 4096
    /// Entries of one log that a coordinator knows the payloads of, to check what it is told of the
    /// log: as many as a list of committed writes has. What is older is read again.
    public static let chosenLogCountMax = 4096
    /// The same of all logs together, in bytes.
    public static let chosenLogsBytesMax = 16 * 1024 * 1024
    /// Times that one page of pends is looked at in a row: each settles one target of each pend,
    /// and the other shards have their turn however fast new ones come.
    public static let pendPassCountMax = 64
    /// Time that one page of a scrub, or one step of a walk over pends, has.
    public static let scrubTime = Duration.seconds(30)

    // MARK: The tail register

    /// Bytes of a body that rides inside its entry; a larger one is a content block.
    public static let inlineBodyBytesMax = 1024
    /// Bytes of an entry without its inline body.
    public static let entryBytesMax = 512
    /// Bytes of a whole tail value: it is rewritten by every commit.
    public static let tailBytesMax = 64 * 1024
    /// Bytes of the open entries in a tail, the largest part of the budget above.
    public static let tailEntriesBytesMax = 48 * 1024
    /// Entries in the open tail and so in a sealed segment.
    public static let segmentEntryCountMax = 32
    /// Skip links of a segment: one for each bit of its index.
    public static let segmentLinkCountMax = 64
    /// Revisions, generations, segment indices and ballot counters: so far above any real one, and
    /// so far below the end of 64 bits, that arithmetic on values from outside cannot overflow.
    public static let counterMax: UInt64 = 1 << 62
    /// Participants of one multi-collection attempt.
    public static let participantCountMax = 16
    public static let sharedIntentCountMax = 64
    public static let abortedAttemptCountMax = 64
    public static let openDecisionCountMax = 256
    /// Bytes of a collection's header part in its tail.
    public static let headerBytesMax = 1024

    // MARK: Messages

    /// Collections whose revision a peer names when asked for its status.
    public static let statusCollectionCountMax = 64

    /// Bytes of one frame. A tail, a body and a page of a range each fit with room to spare.
    public static let frameBytesMax = 8 * 1024 * 1024
    /// Frames of one message, routing frames included.
    public static let frameCountMax = 4
    /// Requests that travel to one peer in one message.
    public static let batchRequestCountMax = 4096
    /// Bytes of a page of a range, of a diary or of a list.
    public static let pageBytesMax = 1024 * 1024
    /// Items of a page of a list.
    public static let pageItemCountMax = 4096
    /// How far a ballot counter may jump in one message: a hostile counter must not exhaust it.
    public static let ballotCounterJumpMax: UInt64 = 1 << 32
    /// Bytes of a sealed segment: the entries of a full tail, their links and a header.
    public static let segmentBytesMax = tailBytesMax
    /// Bytes of the text of an error on the wire; a longer one is cut.
    public static let errorMessageBytesMax = 4096
    /// Bytes of an address, of a name for people, or of a release.
    public static let labelBytesMax = 256
    /// Memory that unpacking a frame may take is this multiple of the frame (an item of 9 bytes
    /// becomes structures of 200), at most ``unpackBytesMax`` above it, and a small frame always
    /// has ``unpackBytesMin``.
    public static let unpackFactor = 32
    /// Bytes above the frame's own; see ``unpackFactor``. A full status of 1024 peers takes 10 MiB.
    public static let unpackBytesMax = 32 * 1024 * 1024
    /// Bytes that the smallest frame may take; see ``unpackFactor``. An action of 4096 operations
    /// on empty keys is a frame of 16 KiB and takes 1 MiB.
    public static let unpackBytesMin = 512 * 1024
    /// Allocations that unpacking one frame may make. A full status takes 140 000.
    public static let unpackAllocationCountMax = 262_144
    /// Longest time a client may ask a request to take.
    public static let requestTimeMax = Duration.seconds(600)
    /// Time a request has that does not say how much.
    public static let requestTimeDefault = Duration.seconds(5)
    /// Bytes of requests or replies that travel between a coordinator and a peer in one message,
    /// as far as there is more than one: half a frame, so that estimates need not be exact.
    public static let peerBatchBytesMax = 4 * 1024 * 1024
    /// Time a stopping service gives the requests it has under way.
    public static let drainTimeMax = Duration.seconds(10)

    // MARK: Queues

    /// Requests a coordinator holds for one register before it answers `overloaded`.
    public static let registerQueueCountMax = 1024
    /// How long a register is kept free for a proposer that came too late, at least: two trips
    /// to a proxy nearby, which has to read what landed before it. One that takes longer is known
    /// to do so once it has come back.
    public static let keptPlaceTimeMin = Duration.milliseconds(20)
    /// The same at most: a proposer that never comes back costs the others no more, and only once
    /// for each time that it was told.
    public static let keptPlaceTimeMax = Duration.milliseconds(200)
    /// How long the turns of all proposers of one register take together, when each has enough to
    /// land: the longer, the fewer looks at what others landed, and the longer the others wait.
    public static let turnsTime = Duration.milliseconds(100)
    /// For how long a proposer that did not come back in its turn gets no time to do so.
    public static let idleProposerTime = Duration.milliseconds(250)
    /// How long after signs of another coordinator that changes a register one leaves room for it:
    /// many turns, and little where the other one is gone.
    public static let sharedRegisterTime = Duration.seconds(1)
    /// Proposers, and registers, of which a coordinator remembers how to be fair to them.
    public static let turnMemoryCountMax = 4096
    /// Requests a coordinator or proxy has under way in all.
    public static let requestCountMax = 65_536
    /// Bytes that a request under way takes beside its own: who waits for it and until when. With
    /// it, what a connection may hold in bytes bounds how many requests that can be.
    public static let requestOverheadBytes = 1024
    /// Bytes of requests, as they come, that one client of a proxy has under way over all
    /// collections: 32 of the largest actions.
    public static let clientRequestBytesMax = 32 * 1024 * 1024
    /// The same of one proxy at a coordinator: its clients' together, with the blocks they change.
    public static let proxyRequestBytesMax = 128 * 1024 * 1024
    /// Bytes of requests that a service has under way in all.
    public static let requestBytesMax = 256 * 1024 * 1024
    /// Bytes of blocks and log objects that a proxy holds for the reads of one client: two that
    /// miss ``missingBlockCountMax`` of the largest blocks at once.
    public static let clientTaskBytesMax = 128 * 1024 * 1024
    /// The same for all clients.
    public static let taskBytesMax = 256 * 1024 * 1024
    /// Rounds with storage peers that a coordinator has under way for all of them, some hundred
    /// bytes each beside what they carry: 64 attempts of the most blocks.
    public static let roundCountMax = 64 * transformBlockCountMax
    /// Bytes of actions a proxy holds for one collection before it answers `overloaded`, with
    /// ``queuedActionBytes`` for each.
    public static let collectionQueueBytesMax = 16 * 1024 * 1024
    /// The part of them that one client may take, so that the others are still let in.
    public static let clientQueueBytesMax = collectionQueueBytesMax / 2
    /// Bytes that a queued action takes beside its own: ids, who waits for it, and what it was
    /// decoded into.
    public static let queuedActionBytes = 512
    /// Actions a proxy holds for one collection: 16 full entries. Each that comes is looked for
    /// among them.
    public static let collectionQueueCountMax = 16 * bodyActionCountMax
    /// Revisions whose action ids a proxy keeps to answer retries without reading the log again.
    public static let actionIndexRevisionCountMax = 4096
    /// Action ids of one collection that a proxy keeps for that, some 100 bytes each.
    public static let actionIndexActionCountMax = 65_536
    /// Bytes of outcomes kept with them: what a queue gave out is part of its outcome.
    public static let actionIndexOutcomeBytesMax = 16 * 1024 * 1024
    /// Blocks of one collection whose newest version a proxy knows without asking.
    public static let settledBlockCountMax = 65_536
    /// Bytes of transforms and body of one attempt: with ids and hashes it stays within a frame.
    public static let attemptBytesMax = 4 * 1024 * 1024
    /// Bytes of a write of an attempt beside its transform and its list, at most: ids, hashes and
    /// lengths.
    public static let blockWriteBytes = 256
    /// Bytes of a committed write in a list, at most.
    public static let committedWriteBytes = 96
    /// Bytes of a whole attempt as it is estimated before it is sent: a frame, less what the
    /// envelope and the attempt's own fields take.
    public static let attemptFrameBytesMax = frameBytesMax - 64 * 1024
    /// Time that the blocks for a batch have to come. Then those actions that need one which did
    /// not are set aside, and the others go on.
    public static let runFetchTime = Duration.seconds(3)
    /// Time after which a block that could not be read is asked for again.
    public static let unreadableBlockTime = Duration.seconds(1)
    /// Entries whose blocks are not known to be final on their quorums, after which a proxy sees
    /// to that: so many bodies a reader has to read at least before it reads a block.
    public static let finaliseIntervalRevisions = 16
    /// Entries made final in one go.
    public static let finaliseSweepCountMax = 64
    /// Entries that are being made final, after which no more are begun: one that waits for a
    /// storage peer that is gone does not hold up the next.
    public static let finalisingCountMax = 1024
    /// Time after which it is tried again to make a block of a lagging shard final.
    public static let laggingRetryTime = Duration.seconds(1)
    /// Time that one try to make an entry final may take.
    public static let finaliseTime = Duration.seconds(3)
    /// Time without a commit after which a proxy makes what is left final.
    public static let finaliseIdleTime = Duration.milliseconds(250)
    /// Collections whose last tail a proxy keeps to read fixed revisions without asking: 16 MiB of
    /// the largest.
    public static let knownTailCountMax = 256
    /// Bytes, about, of what a proxy knows of the newest writes of all collections' blocks: of some
    /// hundred thousand blocks. Beyond it, what is known of idle collections is forgotten.
    public static let historyBytesMax = 64 * 1024 * 1024
    /// The same of the action ids and outcomes that are kept to answer retries.
    public static let writerBytesMax = 64 * 1024 * 1024
    /// Collections whose log a proxy follows for its writers; beyond it idle ones are forgotten.
    public static let writerCountMax = 256

    /// How long a service that did not answer is passed over when there is another: long enough
    /// that a dead one costs few requests, short enough that one that is back gets its share.
    public static let suspicionTime = Duration.seconds(5)
    /// The same for one that is found silent again and again: with most services dead, a request
    /// that needs two answers would otherwise spend all of its time on them.
    public static let suspicionTimeMax = Duration.seconds(40)
    /// How long one that says that it is overloaded is passed over: it has no trouble but that.
    public static let overloadSuspicionTime = Duration.seconds(1)
    /// Judgements of services that are remembered, some 100 bytes each; the others are made anew.
    public static let suspicionCountMax = 4096
    /// A try that had less time than this, and used it up, says nothing against whoever was asked.
    public static let judgedTryTime = Duration.milliseconds(400)
    /// After how long another coordinator is asked as well when one that served well last time has
    /// not answered: with the pause and the answer of the other one less than a second, and many
    /// times what a commit takes on a disk that is busy.
    public static let coordinatorTryTime = Duration.milliseconds(600)
    /// After how long another coordinator is asked as well when one that served badly last time is
    /// silent again: many times what an answer takes, and little of the time of any request.
    public static let doubtedTryTime = Duration.milliseconds(300)

    // MARK: The SDK

    /// Requests one connection of an application has under way before it refuses more.
    public static let connectionRequestCountMax = 4096
    /// Changes of unknown outcome that a connection remembers, in case that they are sent again
    /// under their ids; the older half may be forgotten. Some 50 bytes each.
    public static let doubtCountMax = 65_536
    /// Proxies a connection knows: those of the URL and those it learned.
    public static let proxyCountMax = 64
    /// Bytes of a URL, and addresses in it.
    public static let urlBytesMax = 4096
    public static let urlAddressCountMax = 16
    /// How long a greeting stays without an answer before somebody looks who is there.
    public static let inspectionDelay = Duration.milliseconds(200)
    /// Time for a proxy to answer a greeting, before the next one is tried.
    public static let greetingTime = Duration.seconds(1)
    /// Longest time one proxy has for one try: enough for it to turn to a second coordinator.
    public static let proxyTryTime = Duration.seconds(3)
    /// Time a reader that follows a diary waits at a proxy before it asks again.
    public static let followTime = Duration.seconds(5)
    /// Bytes of values in a page of a reader; it holds two pages at most.
    public static let readerPageBytes = 256 * 1024

    /// Things that are wrong with one collection that a verification names; more of them tell a
    /// person nothing more.
    public static let verificationFindingCountMax = 1000
    /// Objects a verification asks for at a time.
    public static let verificationFetchCountMax = 32
    /// Collections that a verification of several is about at a time.
    public static let verificationCollectionCountMax = 8
    /// Looks at a register that is being written, until a majority holds one value.
    public static let verificationLookCountMax = 20

    // MARK: The command line

    /// Bytes of one record of an imported file: a value of greatest size, escaped at its longest
    /// (six bytes for one) and with a key beside it, fits.
    public static let importRecordBytesMax = 512 * 1024
    /// Levels of arrays and objects in an imported record: more would endanger the stack.
    public static let jsonDepthMax = 64
    /// Bytes of a line of the shell: an action of the greatest size with every byte in hexadecimal
    /// digits and an escape, and as much again.
    public static let shellLineBytesMax = 8 * 1024 * 1024
    /// Words of one command: twice what an action has of keys or values. The argument parser's time
    /// grows with their square.
    public static let commandWordCountMax = 2 * treeOperationCountMax
    /// Records of one action of an import: some leaves of a tree, so that an action stays small
    /// beside what people do meanwhile.
    public static let importBatchCountDefault = 256
    /// Bytes of keys and values in one action of an import, as long as it has more than one.
    public static let importBatchBytesMax = actionBytesMax / 4
    /// Actions of an import under way at once: the proxy commits them together.
    public static let importBatchesUnderWayMax = 4
    /// How long an import sends one action again that is not confirmed: longer than a service
    /// takes to be started again.
    public static let importPatience = Duration.seconds(60)
    /// Pause before an action of an import is sent again.
    public static let importPause = Duration.milliseconds(100)

    // MARK: Load tests

    /// Clients of one load test: even over one connection none is refused for their number.
    public static let loadClientCountMax = connectionRequestCountMax
    /// Seconds of a load test or of its warm-up: a day.
    public static let loadSecondsMax = 86_400
    /// Records of a load test: the checker remembers which it has seen.
    public static let loadRecordCountMax = 100_000_000

    // MARK: Chaos

    /// Seconds of faults of one chaos run at least: each kind of fault finds its place.
    public static let chaosSecondsMin = 8
    /// At most: a day.
    public static let chaosSecondsMax = 86_400
    /// Operations acknowledged in a second before the first fault, at least: a cluster that does
    /// next to nothing has nothing to lose, and such a run says nothing.
    public static let chaosRateMin = 100
    /// Seconds in which every client must be done once the faults are over and all services run:
    /// the simulator grants as many.
    public static let chaosSettleSecondsMax = 60
    /// Bytes on their way in one direction of a relayed connection: what a socket holds, so that a
    /// sender notices a link that is cut as it would without the relay.
    public static let relayBufferBytesMax = 256 * 1024

    // MARK: Transport

    /// Messages a transport holds for one receiver that does not take them; then it answers
    /// `backlogged`. The requests of a full batch to one peer fit.
    public static let sendQueueCountMax = 4096
    /// Bytes of messages for one receiver that a transport holds: four of the largest answers, so
    /// that one who does not read costs no more than that. One message is always let through.
    public static let sendQueueBytesMax = 16 * 1024 * 1024
    /// The same for all receivers of a transport, however many connections a stranger makes.
    public static let allSendQueueBytesMax = 256 * 1024 * 1024
    /// Bytes of answers that a client has not read, above which its requests are not begun.
    public static let unreadReplyBytesMax = sendQueueBytesMax / 2
    /// Bytes of a message that is counted so; of smaller ones ``sendQueueCountMax`` are 4 MiB.
    public static let countedPayloadBytesMin = 1024
    /// Messages from one sender that wait for the event loop before its connection is no longer
    /// read: the loop takes this many at once anyway.
    public static let receiveQueueCountMax = 1024
    /// Messages one call of a transport's `receive` returns: one poll cycle, one synced batch.
    public static let receiveMessageCountMax = 1024
    /// Bytes after which one call of `receive` stops, though a message is always taken whole.
    public static let receiveBytesMax = 16 * 1024 * 1024
    /// Messages taken from one socket before the others have their turn.
    public static let receiveTurnCountMax = 64
    /// Frames of overlong messages that one call of `receive` throws away, so that a message of a
    /// million frames does not hold up the loop.
    public static let droppedFrameCountMax = 4096
    /// Outgoing links of one transport: every peer, and coordinators or proxies besides.
    public static let linkCountMax = 2048
    /// Values that wait for an event loop in one mailbox.
    public static let mailboxCountMax = 65_536
    /// Time between heartbeats on an idle connection.
    public static let heartbeatInterval = Duration.seconds(2)
    /// Silence after a heartbeat that ends a connection: three beats.
    public static let heartbeatTimeout = Duration.seconds(6)
    /// Time a new connection has to introduce itself; a stranger holds a descriptor no longer.
    public static let handshakeTimeMax = Duration.seconds(5)
    /// Time for a TCP connection to be made; the system's own limit is minutes.
    public static let connectTimeMax = Duration.seconds(5)
    /// Time a closing transport keeps trying to send what it holds: the last replies of a clean
    /// stop leave, and a dead peer delays the stop no longer.
    public static let lingerTime = Duration.milliseconds(250)
    /// How long a listener rests that had no descriptor for a connection.
    public static let listenPause = Duration.seconds(1)
    /// First delay before a broken link connects again.
    public static let reconnectDelayMin = Duration.milliseconds(50)
    /// Where the doubling of that delay stops: a peer that is back is found within it.
    public static let reconnectDelayMax = Duration.seconds(1)

    // MARK: Storage

    /// Shortest time between two writes of the ack journal: what it cannot see is bounded by this,
    /// and one small synced write in it costs a peer about 1.5 % of a disk's time.
    public static let journalInterval = Duration.milliseconds(10)
    /// Bytes of the engine's cache of blocks: the hot tails and the index of a modest store.
    public static let engineCacheBytes = 64 * 1024 * 1024
    /// Bytes written before the engine sorts them out to a file: also how much log a restart reads.
    public static let engineWriteBufferBytes = 64 * 1024 * 1024
    /// Files the engine keeps open.
    public static let engineOpenFileCountMax = 512
    /// Bytes of the identity file of a data directory; a larger one is something else.
    public static let identityFileBytesMax = 4096

    // MARK: The cluster file

    /// Bytes of the file: the greatest table of shards fits twice.
    public static let clusterFileBytesMax = 16 * 1024 * 1024
    public static let shardCountMax = 4096
    public static let peerCountMax = 1024
    public static let replicaCountMax = 5
    /// Coordinators, and proxies.
    public static let serviceCountMax = 1024

    // MARK: Operations

    /// Descriptors that every process needs: standard streams, signals, log, libzmq's threads, the
    /// socket it listens at, the files it reads at its start.
    public static let processDescriptorCount = 32
    /// Of these, what a ZeroMQ context and its first sockets take.
    public static let contextDescriptorCount = 16
    /// Descriptors of one outgoing link: the socket, its monitor's two ends, its TCP connection.
    public static let linkDescriptorCount = 4
    /// Connections of others that a service must be able to take besides.
    public static let connectionCountMin = 64
    /// Bytes of one field of a log line: a line stays readable, and a hostile text cannot fill a
    /// disk with one request.
    public static let logFieldBytesMax = 4096
    /// Bytes of log lines that wait for whoever reads them; further lines are dropped and counted.
    public static let logQueueBytesMax = 1024 * 1024
    /// How long a process that ends waits for whoever reads its last log lines.
    public static let logFlushTime = Duration.seconds(1)
    /// Bytes of a command line: the system takes 6 MiB at most.
    public static let commandLineBytesMax = 8 * 1024 * 1024
    /// Bytes of a service's configuration file.
    public static let configurationFileBytesMax = 1024 * 1024
}
