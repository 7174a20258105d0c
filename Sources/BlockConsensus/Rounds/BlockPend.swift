import BlockModel
import BlockRuntime

/// Makes one pend durable on a quorum of its block's shard, and brings the members that lack its
/// base up to it (protocol: pends-before-decision, pend-needs-its-base).
package struct BlockPend: ShardRound {
    /// Tells the answers to the three questions apart.
    private enum Stamp {
        static let pend = 0
        static let base = 1
        static let install = 2
    }

    package let members: Membership
    private let request: PendRequest
    let deadline: Instant
    private var pended: Set<PeerID> = []
    /// Confirmations, for the planted bug.
    private var answerCount = 0
    /// Members that said they lack the base.
    private var needy: Set<PeerID> = []
    private var base: BlockCopy?
    private var refusals = Refusals()

    package init(_ request: PendRequest, members: Membership, deadline: Instant) {
        self.request = request
        self.members = members
        self.deadline = deadline
    }

    /// Sends the pend to every member that has not confirmed it.
    package mutating func start(_ effects: inout RoundEffects) {
        invariant(members.isBelowQuorum(pended.count), "what is durable is sent again")
        for peer in members.peers where !pended.contains(peer) {
            effects.send(.pend(request), to: peer, stamp: Stamp.pend)
        }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch (stamp, reply) {
        case (Stamp.pend, .pended):
            pended.insert(peer)
            answerCount += 1
            let count = planted(.peerCountedTwice) ? answerCount : pended.count
            if count >= members.quorum { effects.finish(.stored) }
        case (Stamp.pend, .needsBase): bring(base: peer, &effects)
        case (Stamp.pend, .outstanding(let pends)):
            mark("blockPend.outstanding")
            effects.finish(.reply(.refused(.pending(request.key.block, pends))))
        case (Stamp.base, .block(let copy?)) where base == nil && isBase(copy):
            base = copy
            for peer in needy.sorted() { install(copy, at: peer, &effects) }
        case (Stamp.install, .stored):
            needy.remove(peer)
            effects.send(.pend(request), to: peer, stamp: Stamp.pend)
        case (Stamp.pend, .refused(let error)): refuse(error, by: peer, &effects)
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: pended.count)))
        } else {
            refusals.removeAll()
            start(&effects)
        }
    }

    // MARK: The base

    /// Has the base installed at a member that lacks it, once some other member has handed it out.
    private mutating func bring(base peer: PeerID, _ effects: inout RoundEffects) {
        mark("blockPend.needsBase")
        needy.insert(peer)
        if let base { return install(base, at: peer, &effects) }
        let read = BlockReadRequest(
            key: request.key, revision: request.record.baseRevision, committed: request.committed)
        for other in members.peers where !needy.contains(other) {
            effects.send(.readBlock(read), to: other, stamp: Stamp.base)
        }
    }

    private func install(_ copy: BlockCopy, at peer: PeerID, _ effects: inout RoundEffects) {
        invariant(needy.contains(peer), "\(peer) lacks nothing")
        invariant(copy.write == request.record.base, "a base that the pend is not made on")
        effects.send(.install(request.key, copy), to: peer, stamp: Stamp.install)
    }

    /// Whether `copy` is the write that the pend was made on, with bytes that have its hash.
    private func isBase(_ copy: BlockCopy) -> Bool {
        copy.write == request.record.base && copy.isIntact(as: request.key)
    }

    private mutating func refuse(
        _ error: DatabaseError, by peer: PeerID, _ effects: inout RoundEffects
    ) {
        if [.invalidArgument, .actionIDReuse].contains(error.code) {
            return effects.finish(.failed(error))
        }
        refusals.add(error, from: peer)
        if !members.canReachQuorum(without: refusals.count) {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: pended.count)))
        }
    }

    func checkInvariants() {
        members.checkMembers(pended)
        members.checkMembers(needy)
        invariant(members.isBelowQuorum(pended.count), "a pend that is durable goes on")
        invariant(answerCount >= pended.count, "\(answerCount) answers of \(pended.count)")
        invariant(
            base == nil || base?.write == request.record.base, "a base that the pend is not made on"
        )
    }
}

extension BlockCopy {
    /// Whether the bytes are the block of `key` that the hash names.
    func isIntact(as key: BlockKey) -> Bool {
        guard let bytes else { return write.resultHash == .zero }
        guard let block = try? Block(canonicalBytes: bytes) else { return false }
        return block.id == key.block && block.digest == write.resultHash
    }
}
