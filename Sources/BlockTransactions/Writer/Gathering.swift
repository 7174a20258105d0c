import BlockModel
import BlockRuntime

/// Whether a proposer that has just landed a batch waits for the clients that it has answered,
/// before it sends the next (protocol: fair-turns).
///
/// One proposer alone sends what waits at once: meanwhile the others of its clients come back, and
/// each entry has half of them. Where several take turns, all clients of one that has its turn come
/// back soon, and those of the others wait for every entry of it: entries of all its clients get
/// more done in its turn than twice as many of half of them. Nothing that is safe or not depends
/// on it.
package struct Gathering: Sendable {
    /// Until when other proposers are taken to change the collection as well.
    private var sharedUntil = Instant.origin
    /// When the attempt under way, or the last one, was handed over.
    private var sentAt = Instant.origin
    /// How many actions are waited for, and how long.
    private var goal: (count: Int, until: Instant)?
    /// Landings after which no client is waited for, since the last time it was in vain.
    private var restCount = 0

    package init() {}

    /// When to look again at the latest; nil: no client is waited for.
    package var until: Instant? { goal?.until }

    /// A batch is handed over.
    package mutating func sent(at now: Instant) {
        invariant(goal == nil, "a batch is sent while its clients are waited for")
        sentAt = now
    }

    /// Others landed where this proposer wanted to.
    package mutating func lost(at now: Instant) {
        sharedUntil = now.advanced(by: Limits.sharedCollectionTime)
        goal = nil
    }

    /// A batch has landed.
    /// - Parameters:
    ///   - answered: How many actions it had, whose clients may come back.
    ///   - waiting: How many actions wait already.
    package mutating func landed(answered: Int, waiting: Int, at now: Instant) {
        invariant(answered > 0, "a batch of nothing has landed")
        goal = nil
        guard now < sharedUntil else { return }
        guard restCount == 0 else {
            restCount -= 1
            return
        }
        // Where an entry takes long, so does the way to a client and back.
        let time = min(max(now.since(sentAt), Limits.gatherTimeMin), Limits.gatherTimeMax)
        goal = (answered + waiting, now.advanced(by: time))
    }

    /// Whether the next batch may be built, of `waiting` actions.
    package mutating func isOver(waiting: Int, at now: Instant) -> Bool {
        guard let goal else { return true }
        if waiting < goal.count {
            if now < goal.until { return false }
            mark("writer.gatheredInVain")
            restCount = Limits.gatherRestCount
        } else {
            mark("writer.gathered")
        }
        self.goal = nil
        return true
    }

    func checkInvariants() {
        invariant(goal.map { $0.count > 0 } ?? true, "nobody is waited for")
        invariant(
            (0...Limits.gatherRestCount).contains(restCount), "\(restCount) landings are passed")
    }
}
