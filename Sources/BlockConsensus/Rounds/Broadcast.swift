import BlockModel
import BlockRuntime

/// Asks several peers the same and waits for all of them, within bounds. For reports, not votes.
///
/// A peer that is doubted, because it was silent last time, is asked like the others; when these
/// have answered, it has a moment more, and not the whole time that a peer has once.
package struct Broadcast: Round {
    /// What it is about, so that the replies can be put into words.
    package enum Subject {
        case status
        case audit(AuditTarget)
    }

    package let shard: ShardID
    package let peers: [PeerID]
    private let subject: Subject
    private let operation: PeerRequest.Operation
    private let doubted: Set<PeerID>
    private var replies: [PeerID: PeerReply] = [:]

    /// - Parameter doubted: Peers that were silent last time.
    package init(about subject: Subject, in map: ClusterMap, doubted: Set<PeerID>) {
        self.subject = subject
        switch subject {
        case .status:
            shard = ShardID(rawValue: 0)
            operation = .status
            peers = map.peers.map(\.id)
        case .audit(let target):
            shard = target.shard(in: map)
            operation = target.operation
            peers = map.members(of: shard)
        }
        // Of no other peer is there anything to be had.
        self.doubted = doubted.isSuperset(of: peers) ? [] : doubted
    }

    /// It has a time of its own: a report of those that did answer is better than none.
    var deadline: Instant { .distantFuture }

    package mutating func start(_ effects: inout RoundEffects) {
        invariant(replies.isEmpty, "a broadcast starts once")
        for peer in peers { effects.send(operation, to: peer, stamp: 0) }
        effects.wake(after: effects.timing.broadcast)
        if peers.isEmpty { effects.finish(.broadcastEnded([:])) }
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(peers.contains(peer), "a reply of \(peer), which is not asked")
        replies[peer] = reply
        let missing = peers.filter { replies[$0] == nil }
        if missing.isEmpty { return effects.finish(.broadcastEnded(replies)) }
        if doubted.isSuperset(of: missing) { effects.wake(after: effects.timing.hedge) }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        effects.finish(.broadcastEnded(replies))
    }

    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator
    ) {
        guard case .broadcastEnded(let replies) = result else {
            return coordinator.report(result, of: running)
        }
        switch subject {
        case .status:
            let reports = coordinator.reports(peers, replies)
            coordinator.report(.reply(.status(reports)), of: running)
        case .audit(let target):
            let audit = coordinator.audit(target, peers, replies)
            coordinator.report(.reply(audit), of: running)
            coordinator.heal(target, peers, replies)
        }
    }

    func checkInvariants() {
        invariant(replies.count < peers.count, "every peer has answered")
        invariant(!doubted.isSuperset(of: peers), "there is nobody to wait for")
    }
}

extension AuditTarget {
    /// Where the object lives.
    func shard(in map: ClusterMap) -> ShardID {
        switch self {
        case .register(let collection): map.shard(of: collection)
        case .content(let block): map.shard(of: block)
        case .segment(let key): map.shard(of: key.blockID)
        case .block(let key, _): map.shard(of: key.block)
        }
    }

    /// How a peer is asked for it.
    fileprivate var operation: PeerRequest.Operation {
        switch self {
        case .register(let collection): .query(collection, wantsValue: true)
        case .content(let block): .getContent(block)
        case .segment(let key): .getSegment(key)
        case .block(let key, let revision): .auditBlock(key, revision)
        }
    }
}
