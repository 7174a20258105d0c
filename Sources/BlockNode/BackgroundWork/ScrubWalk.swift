import BlockModel
import BlockRuntime

/// A coordinator's walk over the versions of all shards, page after page, for ever: so slow that
/// nobody who waits for an answer notices.
///
/// Every coordinator walks on its own; what two of them repair twice is stored once.
package struct ScrubWalk {
    private let shardCount: Int
    private let interval: Duration
    private var shard: Int
    private var cursor: VersionPosition?
    /// When the next page is due; nil while one is under way.
    package private(set) var dueAt: Instant?

    /// - Parameter firstShard: Drawn at random, so that coordinators begin in different places.
    package init(shardCount: Int, firstShard: Int, interval: Duration, now: Instant) {
        invariant(shardCount > 0, "a cluster has shards")
        self.shardCount = shardCount
        self.interval = interval
        shard = firstShard % shardCount
        dueAt = now.advanced(by: interval)
    }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> RepositoryRequest? {
        guard let due = dueAt, due <= now else { return nil }
        dueAt = nil
        return .scrub(
            ShardID(rawValue: UInt32(shard)), after: cursor,
            countMax: UInt32(Limits.scrubPageCountMax))
    }

    /// The page has been walked, or could not be: then the others have their turn first.
    package mutating func ended(with reply: RepositoryReply, now: Instant) {
        invariant(dueAt == nil, "one page at a time")
        dueAt = now.advanced(by: interval)
        cursor = nil
        if case .scrubbed(let report) = reply { cursor = report.next }
        if cursor == nil { shard = (shard + 1) % shardCount }
    }
}
