import BlockModel
import BlockRuntime

/// What a writer asks for while it handles one event, and what it may use.
package struct WriterEffects {
    package let now: Instant
    package let wallMilliseconds: UInt64
    /// Draws ids that are unique for ever.
    let makeIdentifier: @Sendable () -> Identifier128
    /// Objects that clients and writers of this proxy fetched earlier.
    let cache: any LogObjectSource
    /// Blocks that clients and writers of this proxy read or wrote.
    let blocks: SharedBlockCache
    /// What is known of the newest writes of the collection; shared with its readers.
    package var history: BlockHistory?

    /// Answers, in order.
    package private(set) var responses: [(token: CollectionWriter.Token, reply: ClientReply)] = []
    /// Whether a tail read that starts after this event is wanted.
    package private(set) var wantsTail = false
    /// What is to be fetched to look for earlier landings; all of it comes back at once.
    package private(set) var wants: [FetchItem] = []
    /// What is to be fetched to run a batch, likewise.
    package private(set) var wantsToRun: [FetchItem] = []
    /// What could not be had before and is asked for again, while other work goes on.
    package private(set) var wantsApart: [FetchItem] = []
    /// An attempt to be sent to a coordinator, again until `deadline` while it fails.
    package private(set) var attempt: (commit: CommitAttempt, deadline: Instant)?
    /// Entries whose blocks are to become versions on their quorums.
    package private(set) var entriesToFinalise: [FinaliseEntry] = []
    /// When a tick is wanted; the earliest counts.
    package private(set) var wakeAt: Instant?

    package init(
        now: Instant, wallMilliseconds: UInt64,
        makeIdentifier: @escaping @Sendable () -> Identifier128, cache: any LogObjectSource,
        blocks: SharedBlockCache, history: BlockHistory?
    ) {
        self.now = now
        self.wallMilliseconds = wallMilliseconds
        self.makeIdentifier = makeIdentifier
        self.cache = cache
        self.blocks = blocks
        self.history = history
    }

    /// Whether the writer rests for the transaction that has asked for that.
    package private(set) var isHeld = false

    /// The answers so far: they are dealt with by the caller.
    mutating func takeResponses() -> [(token: CollectionWriter.Token, reply: ClientReply)] {
        defer { responses = [] }
        return responses
    }

    mutating func wasHeld() {
        invariant(attempt == nil, "a collection is given away while an attempt is begun")
        isHeld = true
    }
    mutating func respond(_ token: CollectionWriter.Token, _ reply: ClientReply) {
        responses.append((token, reply))
    }
    mutating func readTail() { wantsTail = true }
    mutating func fetch(_ items: [FetchItem]) {
        invariant(wants.isEmpty && !items.isEmpty, "a scan fetches twice at once, or nothing")
        wants = items
    }
    mutating func fetchToRun(_ items: [FetchItem]) {
        invariant(wantsToRun.isEmpty && !items.isEmpty, "a run fetches twice at once, or nothing")
        wantsToRun = items
    }
    mutating func fetchApart(_ items: [FetchItem]) {
        invariant(wantsApart.isEmpty && !items.isEmpty, "a retry fetches twice at once, or nothing")
        wantsApart = items
    }
    mutating func propose(_ commit: CommitAttempt, deadline: Instant) {
        invariant(attempt == nil, "one attempt at a time")
        attempt = (commit, deadline)
    }
    mutating func finalise(_ entries: [FinaliseEntry]) {
        // One event may sweep twice: when a transaction lets go, and when nothing else waits.
        entriesToFinalise += entries
    }
    mutating func wake(at instant: Instant) { wakeAt = wakeAt.map { min($0, instant) } ?? instant }
    /// After trouble: soon, but not at once.
    mutating func wakeSoon() { wake(at: now.advanced(by: RetryTiming.writerPause)) }
}

/// Something that work waits for.
package enum FetchItem: Hashable, Sendable {
    case object(LogObjectKey)
    case block(BlockReadRequest)
}

/// What a writer fetches something for.
package enum FetchPurpose: Sendable {
    /// To look for earlier landings.
    case scan
    /// To run a batch.
    case run
    /// To run what was set aside because a block could not be read.
    case apart
}

/// What came of a fetch.
package struct Fetched: Sendable {
    package var objects: [LogObjectKey: LogObject] = [:]
    package var blocks: [FetchedBlock.Key: FetchedBlock] = [:]
    /// What could not be had; of a fetch to run something only, every other one is complete.
    package var failures: [FetchItem: DatabaseError] = [:]

    package init() {}

    mutating func merge(_ other: Fetched) {
        objects.merge(other.objects) { _, new in new }
        blocks.merge(other.blocks) { _, new in new }
    }
}
