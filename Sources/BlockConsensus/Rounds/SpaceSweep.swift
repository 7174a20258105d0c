import BlockModel
import BlockRuntime

/// Has one peer remove what it need not keep any more in one page of its records.
///
/// The peer names the lives that it keeps something of, the coordinator reads the tail of each, and
/// only what such a chosen tail says leads to a removal
/// (protocol: facts-from-the-coordinators-own-tail). Collections whose retention says so are
/// truncated on the way.
package struct SpaceSweep: Round {
    package let peer: PeerID
    /// A shard that the peer is a member of.
    package let shard: ShardID
    private let after: Bytes?
    private let countMax: Int
    let deadline: Instant
    private var report = SweepReport()
    /// Lives whose tail is still to be read, the first one under way.
    private var waiting: [CollectionLife] = []
    private var ends: [LifeEnd] = []
    /// Truncations that the retention of a collection makes due.
    package private(set) var dueTruncations: [TruncateCollection] = []

    package init(
        peer: PeerID, shard: ShardID, after: Bytes?, countMax: Int, deadline: Instant
    ) {
        self.peer = peer
        self.shard = shard
        self.after = after
        self.countMax = countMax
        self.deadline = deadline
    }

    package mutating func start(_ effects: inout RoundEffects) {
        effects.send(.listLives(after: after, countMax: UInt32(countMax)), to: peer, stamp: 0)
        effects.wake(after: deadline.since(effects.now))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(peer == self.peer, "a reply of \(peer), which is not asked")
        switch reply {
        case .lives(let lives, let next) where waiting.isEmpty && ends.isEmpty:
            report.next = next
            waiting = lives
            readNext(&effects)
        case .forgotten(let count, let bytes):
            report.removedCount = count
            report.removedBytes = bytes
            effects.finish(.reply(.swept(report)))
        case .refused(let error): effects.finish(.failed(error))
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        effects.finish(
            .failed(DatabaseError(.deadlineExceeded, "storage peer \(peer) did not answer")))
    }

    /// The tail of the first life that waits was read, or could not be.
    package mutating func tailWasRead(
        of collection: CollectionID, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        guard let life = waiting.first else {
            return invariant(false, "the tail of \(collection) was not asked for")
        }
        invariant(life.collection == collection, "the tail of another collection")
        if case .reply(.tail(let value)) = result { judge(life, value) }
        waiting.removeFirst()
        readNext(&effects)
    }

    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator
    ) {
        coordinator.truncate(dueTruncations)
        coordinator.report(result, of: running)
    }

    private mutating func judge(_ life: CollectionLife, _ value: TailValue) {
        guard let tail = value.live, tail.incarnation.generation <= life.incarnation.generation
        else {
            // Of a life that this value does not know yet it says nothing.
            if life.incarnation.generation <= value.generation {
                ends.append(LifeEnd(life: life, truncatedThrough: nil))
            }
            return
        }
        guard tail.incarnation == life.incarnation else { return }
        let due = tail.dueTruncation
        if let due {
            invariant(due > tail.truncatedThrough, "truncated through \(due) already")
            dueTruncations.append(
                TruncateCollection(
                    collection: life.collection, incarnation: life.incarnation, through: due))
        }
        var through = tail.truncatedThrough
        if planted(.deletedBeforeTruncation), let due { through = due }
        if through > .zero { ends.append(LifeEnd(life: life, truncatedThrough: through)) }
    }

    private mutating func readNext(_ effects: inout RoundEffects) {
        effects.wake(after: deadline.since(effects.now))
        if let next = waiting.first { return effects.readTail(next.collection) }
        guard !ends.isEmpty else { return effects.finish(.reply(.swept(report))) }
        effects.send(.forget(ends, after: after, through: report.next), to: peer, stamp: 0)
    }

    func checkInvariants() {
        invariant(report.removedCount == 0, "a sweep that has removed goes on")
    }
}
