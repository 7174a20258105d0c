import BlockConsensus
import BlockModel
import BlockRuntime

/// What a coordinator does of its own accord: the walks over all versions, all pends, all records
/// and all tails, each of them page after page, for ever.
///
/// A value beside the ``Coordinator``, which takes the requests of the walks as it takes those of
/// any proxy; the host of the coordinator, on whatever transport, drives this with it.
package struct BackgroundWork {
    /// How long each walk rests after a page.
    package struct Intervals: Sendable {
        package var scrub = Limits.scrubIntervalDefault
        package var pends = Limits.pendWalkInterval
        package var space = Limits.spaceWalkInterval
        package var intents = Limits.intentWalkInterval

        package init() {}

        /// Of a database in its application's process, where a page costs a moment of a thread that
        /// the application waits for.
        package static var embedded: Intervals {
            var intervals = Intervals()
            intervals.pends = Limits.embeddedPendWalkInterval
            intervals.space = Limits.embeddedPendWalkInterval
            intervals.intents = Limits.embeddedPendWalkInterval
            return intervals
        }
    }

    /// No proxy's request has these.
    private static let scrubToken = Coordinator.Token(rawValue: 0)
    private static let pendToken = Coordinator.Token(rawValue: .max)
    private static let spaceToken = Coordinator.Token(rawValue: .max - 1)
    private static let intentToken = Coordinator.Token(rawValue: .max - 2)

    private var scrub: ScrubWalk
    private var pends: PendWalk
    /// What the walk over pends asks for next.
    private var pendRequest: PendWalk.Request?
    private var space: SpaceWalk
    private var intents: IntentWalk
    /// What the walk over tails asks for next.
    private var intentRequest: Upkeep?

    /// - Parameter place: Says where a walk begins, once for each: drawn at random, so that
    ///   coordinators begin in different places.
    package init(map: ClusterMap, intervals: Intervals, now: Instant, place: () -> UInt64) {
        func first(of count: Int) -> Int {
            invariant(count > 0, "a walk over nothing")
            return Int(place() % UInt64(count))
        }
        let shardCount = map.shards.count
        scrub = ScrubWalk(
            shardCount: shardCount, firstShard: first(of: shardCount), interval: intervals.scrub,
            now: now)
        pends = PendWalk(
            shardCount: shardCount, firstShard: first(of: shardCount), interval: intervals.pends,
            now: now)
        space = SpaceWalk(
            peers: map.peers.map(\.id), first: first(of: map.peers.count),
            interval: intervals.space, now: now)
        intents = IntentWalk(interval: intervals.intents, now: now)
    }

    /// When ``next(now:)`` has something; nil while all that is due is under way.
    package var dueAt: Instant? {
        pendRequest == nil && intentRequest == nil
            ? [scrub.dueAt, pends.dueAt, space.dueAt, intents.dueAt].compactMap { $0 }.min()
            : .origin
    }

    /// What the coordinator is to be asked now; nil when nothing is due.
    package mutating func next(now: Instant) -> Coordinator.Event? {
        let deadline = now.advanced(by: Limits.scrubTime)
        if let page = scrub.next(now: now) {
            return .request(Self.scrubToken, page, deadline: deadline)
        }
        if let page = space.next(now: now) {
            return .request(Self.spaceToken, page, deadline: deadline)
        }
        if let page = intents.next(now: now) {
            return .request(Self.intentToken, page, deadline: deadline)
        }
        return goOn(now: now) ?? pends.next(now: now)?.event(Self.pendToken, deadline: deadline)
    }

    /// What an answer leads to at once; nil when the walk that got it rests.
    package mutating func goOn(now: Instant) -> Coordinator.Event? {
        let deadline = now.advanced(by: Limits.scrubTime)
        if let upkeep = intentRequest {
            intentRequest = nil
            return .upkeep(Self.intentToken, upkeep, deadline: deadline)
        }
        defer { pendRequest = nil }
        return pendRequest?.event(Self.pendToken, deadline: deadline)
    }

    /// Takes what the coordinator answered to a walk.
    /// - Returns: Whether it was one that had asked; the answer is for a proxy when not.
    package mutating func received(
        _ reply: RepositoryReply, for token: Coordinator.Token, now: Instant
    ) -> Bool {
        switch token {
        case Self.scrubToken: scrub.ended(with: reply, now: now)
        case Self.spaceToken: space.ended(with: reply, now: now)
        case Self.pendToken: keep(pends.received(reply, now: now))
        case Self.intentToken: intentRequest = intents.received(reply, now: now)
        default: return false
        }
        return true
    }

    /// Takes the coordinator's word that it has discarded what the walk over pends gave up, or
    /// resolves what the walk over tails has found: no proxy asks for that.
    package mutating func discarded(_ token: Coordinator.Token, now: Instant) {
        if token == Self.intentToken {
            intentRequest = intents.resolveNext(now: now)
            return
        }
        invariant(token == Self.pendToken, "only the walk over pends has any discarded")
        keep(pends.discarded(now: now))
    }

    /// Stops the process unless a walk that has something to ask waits for nothing.
    package func checkInvariants() {
        invariant(pendRequest == nil || pends.dueAt == nil, "a walk rests and asks")
        pends.checkInvariants()
    }

    private mutating func keep(_ request: PendWalk.Request?) {
        invariant(pendRequest == nil, "one request of a walk at a time")
        pendRequest = request
    }
}
