import BlockModel
import BlockRuntime

/// Makes one thing (a body, a segment, a version) durable on a quorum of its shard.
package struct QuorumWrite: ShardRound {
    package let members: Membership
    private let operation: PeerRequest.Operation
    /// What a member answers that has it, durable.
    private let confirmation: PeerReply
    let deadline: Instant
    private var stored: Set<PeerID> = []
    /// Confirmations, for the planted bug.
    private var answerCount = 0
    private var refusals = Refusals()
    private var stamp = 0

    package init(
        _ operation: PeerRequest.Operation, confirmedBy confirmation: PeerReply = .stored,
        members: Membership, deadline: Instant
    ) {
        self.confirmation = confirmation
        self.operation = operation
        self.members = members
        self.deadline = deadline
    }

    /// Sends the object to every member that has not confirmed it.
    package mutating func start(_ effects: inout RoundEffects) {
        invariant(members.isBelowQuorum(stored.count), "what is durable is sent again")
        for peer in members.peers where !stored.contains(peer) {
            effects.send(operation, to: peer, stamp: stamp)
        }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch reply {
        case confirmation:
            stored.insert(peer)
            answerCount += 1
            let count = planted(.peerCountedTwice) ? answerCount : stored.count
            if count >= members.quorum { effects.finish(.stored) }
        case .refused(let error):
            refusals.add(error, from: peer)
            if !members.canReachQuorum(without: refusals.count) {
                effects.finish(
                    .failed(refusals.quorumUnavailable(members, answered: stored.count)))
            }
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: stored.count)))
        } else {
            refusals.removeAll()
            start(&effects)
        }
    }

    func checkInvariants() {
        members.checkMembers(stored)
        invariant(members.isBelowQuorum(stored.count), "a write that is durable goes on")
        invariant(answerCount >= stored.count, "\(answerCount) answers of \(stored.count)")
    }
}
