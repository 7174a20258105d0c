import BlockModel
import BlockRuntime

/// What an appender asks for while it handles one event, and what it may use.
public struct AppenderEffects {
    public let now: Instant
    public let wallMilliseconds: UInt64
    public var generator: SeededGenerator
    /// Objects fetched earlier, by anybody.
    let cache: any LogObjectSource

    /// Answers, in order.
    public private(set) var responses: [(token: DiaryAppender.Token, reply: ClientReply)] = []
    /// Whether a tail read that starts after this event is wanted.
    public private(set) var wantsTail = false
    /// Objects to be fetched.
    public private(set) var objectsToFetch: [LogObjectKey] = []
    /// An attempt to be sent to a coordinator, again until `deadline` while it fails.
    public private(set) var attempt: (commit: CommitAttempt, deadline: Instant)?
    /// When a tick is wanted; the earliest counts.
    public private(set) var wakeAt: Instant?

    public init(
        now: Instant, wallMilliseconds: UInt64, generator: SeededGenerator,
        cache: any LogObjectSource
    ) {
        self.now = now
        self.wallMilliseconds = wallMilliseconds
        self.generator = generator
        self.cache = cache
    }

    mutating func respond(_ token: DiaryAppender.Token, _ reply: ClientReply) {
        responses.append((token, reply))
    }
    mutating func readTail() { wantsTail = true }
    mutating func fetch(_ keys: [LogObjectKey]) { objectsToFetch = keys }
    mutating func propose(_ commit: CommitAttempt, deadline: Instant) {
        invariant(attempt == nil, "one attempt at a time")
        attempt = (commit, deadline)
    }
    mutating func wake(at instant: Instant) { wakeAt = wakeAt.map { min($0, instant) } ?? instant }
    /// After trouble: soon, but not at once.
    mutating func wakeSoon() { wake(at: now.advanced(by: .milliseconds(50))) }
}
