import BlockModel
import BlockRuntime

/// Makes one committed write a version on a quorum of its block's shard, and brings it to members
/// that cannot make it themselves (protocol: checkpoint-counts-a-quorum): a checkpoint does not
/// wait until a scrub comes by.
package struct BlockFinalise: ShardRound {
    /// Tells the answers to the three questions apart.
    private enum Stamp {
        static let finalise = 0
        static let copy = 1
        static let install = 2
    }

    package let members: Membership
    private let key: BlockKey
    private let write: CommittedWrite
    let deadline: Instant
    private var done: Set<PeerID> = []
    /// Members that lack the pend, or the write below it.
    private var needy: Set<PeerID> = []
    private var copy: BlockCopy?
    private var isReading = false
    private var refusals = Refusals()

    package init(
        _ write: CommittedWrite, of key: BlockKey, members: Membership, deadline: Instant
    ) {
        self.write = write
        self.key = key
        self.members = members
        self.deadline = deadline
    }

    /// Asks every member that has not confirmed it.
    package mutating func start(_ effects: inout RoundEffects) {
        isReading = false
        for peer in members.peers where !done.contains(peer) { finalise(at: peer, &effects) }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch (stamp, reply) {
        case (Stamp.finalise, .finalised):
            done.insert(peer)
            needy.remove(peer)
            if done.count >= members.quorum || planted(.checkpointBelowQuorum) {
                return effects.finish(.stored)
            }
            readCopy(&effects)
        case (Stamp.finalise, .pendMissing), (Stamp.finalise, .needsBase):
            mark("blockFinalise.needy")
            needy.insert(peer)
            if let copy { install(copy, at: peer, &effects) } else { readCopy(&effects) }
        case (Stamp.copy, .block(let found?))
        where copy == nil && found.write == write && found.isIntact(as: key):
            copy = found
            for peer in needy.sorted() { install(found, at: peer, &effects) }
        case (Stamp.install, .stored):
            // Only a member's own word that the version is there counts.
            finalise(at: peer, &effects)
        case (_, .refused(let error)): refuse(error, by: peer, &effects)
        default: break
        }
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: done.count)))
        } else {
            mark("blockFinalise.asksAgain")
            refusals.removeAll()
            start(&effects)
        }
    }

    // MARK: Steps

    private func finalise(at peer: PeerID, _ effects: inout RoundEffects) {
        invariant(members.isBelowQuorum(done.count), "what is final is asked for again")
        effects.send(.finalise(key, write), to: peer, stamp: Stamp.finalise)
    }

    private func install(_ copy: BlockCopy, at peer: PeerID, _ effects: inout RoundEffects) {
        invariant(copy.write == write, "another write is installed")
        mark("blockFinalise.installs")
        effects.send(.install(key, copy), to: peer, stamp: Stamp.install)
    }

    /// Once some member has the version and another cannot make it.
    private mutating func readCopy(_ effects: inout RoundEffects) {
        guard copy == nil, !isReading, !needy.isEmpty, !done.isEmpty else { return }
        isReading = true
        let read = BlockReadRequest(key: key, revision: write.revision, committed: [write])
        for peer in done.sorted() { effects.send(.readBlock(read), to: peer, stamp: Stamp.copy) }
    }

    private mutating func refuse(
        _ error: DatabaseError, by peer: PeerID, _ effects: inout RoundEffects
    ) {
        // One that had the version and then cannot hand it out has confirmed it all the same.
        guard !done.contains(peer) else { return }
        refusals.add(error, from: peer)
        if !members.canReachQuorum(without: refusals.count) {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: done.count)))
        }
    }

    func checkInvariants() {
        members.checkMembers(done)
        members.checkMembers(needy)
        invariant(members.isBelowQuorum(done.count), "a write that is final goes on")
        invariant(copy == nil || copy?.write == write, "a copy of another write")
        invariant(!isReading || !done.isEmpty, "it reads from members that have nothing")
    }
}
