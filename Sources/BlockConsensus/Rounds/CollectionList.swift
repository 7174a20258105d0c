import BlockModel
import BlockRuntime

/// Lists the collections after a cursor, in the order of their ids, shard by shard.
///
/// A collection that was created is known to at least one member of any quorum of its shard, so the
/// union over a quorum misses none. Each tail is then read on its own, linearizable, several at a
/// time.
///
/// A page ends by count, by bytes, or when half of its time has passed, wherever it then is: it may
/// be short or empty and still have a successor, so that a listing of any size gets to its end.
package struct CollectionList: ShardRound {
    private let map: ClusterMap
    private let countMax: Int
    let deadline: Instant
    private var cursor: CollectionID?
    /// The shard that is being listed.
    private(set) var shard: ShardID
    private var pages: [PeerID: (ids: [CollectionID], isLast: Bool)] = [:]
    private var refusals = Refusals()
    /// Ids whose tails are still to be read, ascending.
    private var waiting: [CollectionID] = []
    /// How many of them, from the first on, are being read, and what came of those that were.
    private var askedCount = 0
    private var tails: [CollectionID: TailValue] = [:]
    private var found: [TailValue] = []
    private var foundBytes = 0
    /// When the page ends with what it has.
    private var pageEnd: Instant?
    private var stamp = 0
    /// Whether the shard has more ids after those waiting.
    private var hasMore = false

    package init(map: ClusterMap, after cursor: CollectionID?, countMax: Int, deadline: Instant) {
        self.map = map
        self.cursor = cursor
        self.countMax = min(max(countMax, 1), Limits.pageItemCountMax)
        self.deadline = deadline
        shard = cursor.map { map.shard(of: $0) } ?? ShardID(rawValue: 0)
    }

    var members: Membership { Membership(shard: shard, in: map) }

    /// Asks all members of the current shard for their registers after the cursor.
    package mutating func start(_ effects: inout RoundEffects) {
        if pageEnd == nil {
            let half = deadline.since(effects.now).nanoseconds / 2
            pageEnd = effects.now.advanced(by: .nanoseconds(half))
        }
        invariant(waiting.isEmpty && askedCount == 0 && tails.isEmpty, "tails are being read")
        stamp += 1
        pages = [:]
        refusals.removeAll()
        for peer in members.peers {
            let operation = PeerRequest.Operation.listRegisters(
                after: cursor, countMax: UInt32(countMax))
            effects.send(operation, to: peer, stamp: stamp)
        }
        effects.wake(after: min(effects.timing.broadcast, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp replyStamp: Int, _ effects: inout RoundEffects
    ) {
        guard replyStamp == stamp else { return }
        switch reply {
        case .registers(let summaries, let isLast):
            // A promise without an accepted value makes no collection, and costs one read.
            pages[peer] = (summaries.map(\.collection), isLast)
            if pages.count >= members.quorum { merge(&effects) }
        case .refused(let error):
            refusals.add(error, from: peer)
            guard !members.canReachQuorum(without: refusals.count) else { return }
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: pages.count)))
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: pages.count)))
        } else if waiting.isEmpty {
            start(&effects)
        } else {
            effects.wake(after: deadline.since(effects.now))
        }
    }

    /// A tail that was asked for has been read.
    package mutating func tailWasRead(
        of collection: CollectionID, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        switch result {
        case .reply(.tail(let value)):
            invariant(tails.count < askedCount, "the tail of \(collection) was not asked for")
            tails[collection] = value
            // In the order of the ids, whichever came first.
            while let first = waiting.first, let value = tails.removeValue(forKey: first) {
                if value.live != nil {
                    found.append(value)
                    foundBytes += value.registerBytes.count
                }
                cursor = waiting.removeFirst()
                askedCount -= 1
                if isPageFull(effects.now) { break }
            }
            readNext(&effects)
        case .failed(let error): effects.finish(.failed(error))
        default: break
        }
    }

    /// Joins the pages of a quorum. A page that is not the last says nothing about what is above
    /// its own end, so the lowest such end bounds what is known.
    private mutating func merge(_ effects: inout RoundEffects) {
        invariant(pages.count >= members.quorum, "\(pages.count) pages are not the shard's")
        invariant(waiting.isEmpty, "tails are being read")
        stamp += 1
        let ends = pages.values.filter { !$0.isLast }.compactMap { $0.ids.last }
        let bound = ends.min()
        let union = Set(pages.values.flatMap(\.ids)).filter { id in bound.map { id <= $0 } ?? true }
        waiting = union.sorted()
        hasMore = bound != nil
        readNext(&effects)
    }

    private mutating func readNext(_ effects: inout RoundEffects) {
        if isPageFull(effects.now), let cursor {
            return effects.finish(.reply(.collections(found, next: cursor)))
        }
        if !waiting.isEmpty {
            let room = min(Limits.listTailReadsMax, countMax - found.count)
            while askedCount < min(waiting.count, room) {
                effects.readTail(waiting[askedCount])
                askedCount += 1
            }
            effects.wake(after: deadline.since(effects.now))
            return
        }
        if hasMore { return start(&effects) }
        guard shard.rawValue + 1 < UInt32(map.shards.count) else {
            return effects.finish(.reply(.collections(found, next: nil)))
        }
        shard = ShardID(rawValue: shard.rawValue + 1)
        // The id 0 of a range is the hash of nothing known, so "after it" leaves nothing out.
        cursor = map.lowestID(of: shard)
        invariant(askedCount == 0, "tails of the shard before are being read")
        if isPageFull(effects.now) {
            return effects.finish(.reply(.collections(found, next: cursor)))
        }
        start(&effects)
    }

    private func isPageFull(_ now: Instant) -> Bool {
        found.count >= countMax || foundBytes >= Limits.pageBytesMax
            || pageEnd.map { now >= $0 } ?? false
    }

    func checkInvariants() {
        members.checkMembers(pages.keys)
        invariant(askedCount <= waiting.count, "\(askedCount) of \(waiting.count) tails are read")
        invariant(askedCount <= Limits.listTailReadsMax, "\(askedCount) tails at a time")
        invariant(tails.count < max(1, askedCount), "a tail is kept that nothing is waited for")
        invariant(found.count < countMax, "a full page goes on")
        invariant(pageEnd != nil, "a page that never ends")
    }
}
