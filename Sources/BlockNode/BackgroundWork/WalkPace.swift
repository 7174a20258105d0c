import BlockModel
import BlockRuntime

/// When a walk asks for its next page: one at a time, with a rest after each.
struct WalkPace: Sendable {
    private let interval: Duration
    /// When the next page is due; nil while one is under way.
    private(set) var dueAt: Instant?

    init(interval: Duration, now: Instant) {
        invariant(interval > .zero, "a walk that never rests")
        self.interval = interval
        dueAt = now.advanced(by: interval)
    }

    /// - Returns: Whether a page is due, which is then under way.
    mutating func begins(at now: Instant) -> Bool {
        guard let due = dueAt, due <= now else { return false }
        dueAt = nil
        return true
    }

    /// The page is over: the next one is due after a rest, or at once.
    mutating func ended(at now: Instant, goesOn: Bool = false) {
        invariant(dueAt == nil, "one page at a time")
        dueAt = goesOn ? now : now.advanced(by: interval)
    }
}

/// The shard that a walk over all of them has come to.
struct ShardTurn: Sendable {
    private let shardCount: Int
    private var position: Int

    /// - Parameter first: Drawn at random, so that coordinators begin in different places.
    init(shardCount: Int, first: Int) {
        invariant(shardCount > 0, "a cluster has shards")
        invariant(first >= 0, "no shard \(first)")
        self.shardCount = shardCount
        position = first % shardCount
    }

    var shard: ShardID { ShardID(rawValue: UInt32(position)) }

    /// - Returns: Whether all of them have had their turn.
    mutating func next() -> Bool {
        position = (position + 1) % shardCount
        return position == 0
    }
}
