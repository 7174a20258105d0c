import BlockModel
import BlockRuntime

/// A coordinator's walk over the versions of all shards, page after page, for ever: so slow that
/// no client that waits for an answer notices.
///
/// Every coordinator walks on its own; what two of them repair twice is stored once.
package struct ScrubWalk {
    private var turn: ShardTurn
    private var pace: WalkPace
    private var cursor: VersionPosition?

    /// - Parameter firstShard: Drawn at random, so that coordinators begin in different places.
    package init(shardCount: Int, firstShard: Int, interval: Duration, now: Instant) {
        turn = ShardTurn(shardCount: shardCount, first: firstShard)
        pace = WalkPace(interval: interval, now: now)
    }

    /// When the next page is due; nil while one is under way.
    package var dueAt: Instant? { pace.dueAt }

    /// The page that is due; nil when none is.
    package mutating func next(now: Instant) -> RepositoryRequest? {
        guard pace.begins(at: now) else { return nil }
        return .scrub(turn.shard, after: cursor, countMax: UInt32(Limits.scrubPageCountMax))
    }

    /// The page has been walked, or could not be: then the others have their turn first.
    package mutating func ended(with reply: RepositoryReply, now: Instant) {
        pace.ended(at: now)
        cursor = nil
        if case .scrubbed(let report) = reply { cursor = report.next }
        if cursor == nil { _ = turn.next() }
    }
}
