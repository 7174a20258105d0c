import BlockModel
import BlockRuntime

/// Reads a block as of a revision (protocol: listed-write-is-the-answer, empty-list-asks-a-quorum).
///
/// When the log lists writes of it, the last of them up to the revision is the answer, from any one
/// replica that has exactly that; everything else, also the newest of a quorum, is no answer. When
/// it lists none, all writes up to there are final on a quorum, and the newest of any quorum is it.
package struct BlockRead: ShardRound {
    package let members: Membership
    private let request: BlockReadRequest
    /// The write that the answer must be; nil when the log lists none.
    private let wanted: CommittedWrite?
    let deadline: Instant
    private var answers: [PeerID: BlockCopy?] = [:]
    private var refusals = Refusals()

    package init(_ request: BlockReadRequest, members: Membership, deadline: Instant) {
        self.request = request
        self.members = members
        self.deadline = deadline
        wanted = request.committed.last { $0.revision <= request.revision }
    }

    /// Asks a member drawn at random, or all of them when a quorum has to answer.
    package mutating func start(_ effects: inout RoundEffects) {
        invariant(answers.isEmpty, "a read starts once")
        let first = effects.generator.below(members.peers.count)
        let order = members.peers[first...] + members.peers[..<first]
        let asksAll = wanted == nil || buggify("buggify.blockRead.asksAll")
        let asked = asksAll ? order[...] : order.prefix(1)
        for peer in asked { effects.send(.readBlock(request), to: peer, stamp: 0) }
        let patience = wanted == nil ? effects.timing.phase : effects.timing.hedge
        effects.wake(after: min(patience, deadline.since(effects.now)))
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        switch reply {
        case .block(let copy):
            if let copy, !planted(.blockHashUnchecked),
                !copy.isIntact(as: request.key) || copy.write.revision > request.revision
            {
                mark("blockRead.damaged")
                refusals.add(DatabaseError(.corrupted, "a damaged copy"), from: peer)
            } else {
                answers[peer] = copy
            }
        case .refused(let error): refusals.add(error, from: peer)
        default: return
        }
        evaluate(&effects)
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            effects.finish(.failed(refusals.quorumUnavailable(members, answered: answers.count)))
            return
        }
        mark("blockRead.asksAgain")
        // A replica that had no answer may have one by now; messages get lost and peers come back.
        refusals.removeAll()
        if wanted != nil { answers.removeAll() }
        askAll(&effects)
    }

    private mutating func askAll(_ effects: inout RoundEffects) {
        for peer in members.peers where answers[peer] == nil {
            effects.send(.readBlock(request), to: peer, stamp: 0)
        }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    private mutating func evaluate(_ effects: inout RoundEffects) {
        if let wanted {
            let copies = members.inOrder(answers).compactMap { $0 }
            if let copy = copies.first(where: { $0.write == wanted || planted(.anyCopyIsRead) }) {
                return finish(copy, &effects)
            }
            // The one that was asked first cannot tell: ask the others, once.
            if answers.count + refusals.count == 1 { askOthers(&effects) }
        } else if answers.count >= (planted(.emptyListReadFromOne) ? 1 : members.quorum) {
            let newest = members.inOrder(answers).compactMap { $0 }.max { $0.write < $1.write }
            finish(newest, &effects)
        }
    }

    /// Answers, and gives the block back to members that have it damaged
    /// (protocol: repair-by-hash). No reader waits for that.
    private func finish(_ copy: BlockCopy?, _ effects: inout RoundEffects) {
        invariant(
            copy == nil || wanted == nil || copy?.write == wanted || planted(.anyCopyIsRead),
            "another write than the log lists")
        let damaged = refusals.errors.filter { $0.value.code == .corrupted }.keys.sorted()
        for peer in copy == nil ? [] : damaged {
            mark("blockRead.repair")
            if let copy { effects.send(.install(request.key, copy), to: peer, stamp: 0) }
        }
        effects.finish(.reply(.block(copy)))
    }

    private mutating func askOthers(_ effects: inout RoundEffects) {
        mark("blockRead.askOthers")
        for peer in members.peers where answers[peer] == nil && refusals.errors[peer] == nil {
            effects.send(.readBlock(request), to: peer, stamp: 0)
        }
        effects.wake(after: min(effects.timing.phase, deadline.since(effects.now)))
    }

    func checkInvariants() {
        members.checkMembers(answers.keys)
        members.checkMembers(refusals.errors.keys)
        invariant(
            wanted != nil || members.isBelowQuorum(answers.count), "a quorum has answered the read")
    }
}
