import BlockModel
import BlockRuntime

/// Reads one immutable object from any replica that has it, verified against its hash.
///
/// One replica is enough because the hash is known; the others are asked one after another when an
/// answer is late, absent or damaged.
package struct ReplicaFetch: ShardRound {
    package let members: Membership
    private let operation: PeerRequest.Operation
    private let isIntact: @Sendable (Bytes) -> Bool
    let deadline: Instant
    /// Members not asked yet, in the order of asking.
    private var untried: [PeerID] = []
    private var lacking: Set<PeerID> = []
    private var refusals = Refusals()

    /// - Parameter isIntact: Whether bytes are the object that was asked for.
    package init(
        _ operation: PeerRequest.Operation, members: Membership, deadline: Instant,
        isIntact: @escaping @Sendable (Bytes) -> Bool
    ) {
        self.operation = operation
        self.members = members
        self.deadline = deadline
        self.isIntact = isIntact
    }

    /// Asks a member drawn at random.
    package mutating func start(_ effects: inout RoundEffects) {
        invariant(untried.isEmpty && lacking.isEmpty, "a fetch starts once")
        let first = effects.generator.below(members.peers.count)
        untried = Array(members.peers[first...] + members.peers[..<first])
        askNext(&effects)
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch reply {
        case .content(let bytes?) where isIntact(bytes) || planted(.segmentKeyWithoutHash):
            return effects.finish(.reply(.content(bytes)))
        case .content(let bytes):
            if bytes != nil { mark("fetch.damaged") }
            lacking.insert(peer)
        case .refused(let error): refusals.add(error, from: peer)
        default: return
        }
        if untried.isEmpty {
            if lacking.count == members.peers.count { finishMissing(&effects) }
        } else {
            askNext(&effects)
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(
                .failed(refusals.quorumUnavailable(members, answered: lacking.count)))
            return
        }
        if untried.isEmpty {
            mark("fetch.beginsAgain")
            // Every peer was asked once: begin again, for messages get lost and peers come back.
            untried = members.peers.filter { !lacking.contains($0) }
            refusals.removeAll()
        }
        askNext(&effects)
    }

    private mutating func askNext(_ effects: inout RoundEffects) {
        if !untried.isEmpty {
            effects.send(operation, to: untried.removeFirst(), stamp: 0)
        }
        effects.wake(after: min(effects.timing.hedge, deadline.since(effects.now)))
    }

    /// Every member answered that it lacks the object, and yet a chosen value points to it.
    private func finishMissing(_ effects: inout RoundEffects) {
        invariant(lacking.count == members.peers.count, "not every member was asked")
        effects.finish(
            .failed(
                DatabaseError(
                    .corrupted,
                    "none of the \(members.peers.count) storage peers of shard \(members.shard) "
                        + "holds the object intact; see `optimystic verify`")))
    }

    func checkInvariants() {
        members.checkMembers(untried)
        members.checkMembers(lacking)
        invariant(untried.count < members.peers.count, "nobody was asked")
    }
}
