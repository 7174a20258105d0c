import BlockModel
import BlockRuntime

/// One change of one register, from the first prepare to a chosen value
/// (protocol: write-back-before-answer, same-change-recognised).
///
/// A ballot carries one value, ever. The answer is derived from chosen values only: either a quorum
/// accepted what this proposer sent, or a whole promise quorum showed the same accepted ballot.
package struct Proposer: ShardRound {
    private enum Phase {
        case idle
        /// Waiting for a quorum of promises at `ballot`.
        case preparing(ballot: Ballot, promises: [PeerID: Promise])
        /// Promised; the value may be sent once what it points to is durable.
        case holding(ballot: Ballot, value: Bytes, reply: RepositoryReply)
        /// Waiting for a quorum of accepts. `sendings` counts how often it was sent.
        case accepting(
            ballot: Ballot, value: Bytes, reply: RepositoryReply, accepted: Set<PeerID>,
            sendings: Int)
        case backingOff(until: Instant)
        case finished
    }

    private struct Promise: Equatable {
        let accepted: Ballot
        let value: Bytes
    }

    /// How often one accept is sent before a new ballot is taken.
    private static let sendingsMax = 3

    package let collection: CollectionID
    package let members: Membership
    let change: TailChange
    let deadline: Instant
    private var phase = Phase.idle
    /// Tells replies of this ballot from late ones of an earlier.
    private var stamp = 0
    private var highestSeen = Ballot.zero
    private var backoff: Backoff
    private var refusals = Refusals()
    /// What must be durable on a quorum before the decision may be asked for
    /// (protocol: pends-before-decision).
    private var missingCount: Int
    private var isSegmentDurable = true
    /// Segments that a quorum already holds in this epoch.
    private var durableSegments: Set<Digest> = []
    /// From the first accept that carries this change, or writes back a value that may hold it, no
    /// failure is definite.
    private var doubt = AttemptDoubt()
    /// The value that is chosen when this ends with an answer; nil: the answer is none of a value.
    private(set) var decided: TailValue?
    /// Whether another coordinator took a ballot meanwhile.
    private(set) var hasMetOthers = false
    /// The ballot after the one at which a quorum accepted, when these have promised it.
    private(set) var retained: RetainedBallot?
    /// Whether the ballot under way is one that was promised beforehand.
    private var isAtRetained = false
    /// Who promised the next ballot with its accept of this one.
    private var nextPromises: Set<PeerID> = []
    /// The last ballot and the value it was promised on.
    private(set) var spent: (ballot: Ballot, value: TailValue)?

    /// - Parameter prerequisiteCount: How often ``prerequisiteIsDurable(_:)`` has to be called
    ///   before the accept may leave.
    package init(
        collection: CollectionID, members: Membership, change: TailChange,
        prerequisiteCount: Int, deadline: Instant, timing: ProtocolTiming
    ) {
        invariant(prerequisiteCount >= 0, "\(prerequisiteCount) prerequisites")
        self.collection = collection
        self.members = members
        self.change = change
        missingCount = planted(.decideBeforePends) ? 0 : prerequisiteCount
        self.deadline = deadline
        backoff = Backoff(timing.retry)
    }

    // MARK: Events

    /// Proposes at a ballot that a quorum has promised already (protocol: retained-ballot).
    ///
    /// Only what changes the value: whether that is still the newest one is what the accepts say.
    /// Anything else asks for promises, as ever.
    package mutating func start(at right: RetainedBallot, _ effects: inout RoundEffects) {
        guard case .idle = phase else {
            return invariant(false, "a ballot is taken while one is under way")
        }
        let decision = change.apply(
            to: right.value, isChosen: true, policy: policy(effects.policy))
        guard decision.newValue != nil else { return start(&effects) }
        mark("proposer.retained")
        isAtRetained = true
        stamp += 1
        highestSeen = max(highestSeen, right.ballot)
        follow(decision, on: right.value, isChosen: true, right.ballot, &effects)
    }

    /// Takes a fresh ballot and asks for promises.
    package mutating func start(_ effects: inout RoundEffects) {
        switch phase {
        case .idle, .backingOff: break
        default: invariant(false, "a ballot is taken while one is under way")
        }
        isAtRetained = false
        let ballot = effects.ballots.next(epoch: members.epoch, above: highestSeen)
        invariant(ballot > highestSeen, "ballot \(ballot) is not above \(highestSeen)")
        stamp += 1
        refusals.removeAll()
        phase = .preparing(ballot: ballot, promises: [:])
        for peer in members.peers {
            effects.send(.prepare(collection, ballot), to: peer, stamp: stamp)
        }
        wakeAfterPhase(&effects)
    }

    /// The planted bug: proposes at a ballot that another value was proposed at.
    mutating func reuse(_ ballot: Ballot, _ value: TailValue, _ effects: inout RoundEffects) {
        stamp += 1
        propose(on: value, isChosen: true, ballot, &effects)
    }

    package mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp replyStamp: Int, _ effects: inout RoundEffects
    ) {
        invariant(members.peers.contains(peer), "a reply of \(peer), which is not a member")
        if case .rejected(let promised) = reply {
            hasMetOthers = true
            // Above one of a later epoch this coordinator can take none.
            if promised.epoch <= members.epoch { highestSeen = max(highestSeen, promised) }
        }
        guard replyStamp == stamp else { return }
        switch (phase, reply) {
        case (.preparing(let ballot, var promises), .promise(let promised, let accepted, let value))
        where promised == ballot:
            promises[peer] = Promise(accepted: accepted, value: value)
            highestSeen = max(highestSeen, accepted)
            phase = .preparing(ballot: ballot, promises: promises)
            if promises.count >= members.quorum { evaluate(promises, ballot, &effects) }
        case (
            .accepting(let ballot, let value, let answer, var peers, let sent),
            .accepted(let at, let promisesNext)
        ) where at == ballot:
            peers.insert(peer)
            if promisesNext || planted(.nextPromiseTakenForGranted) { nextPromises.insert(peer) }
            phase = .accepting(
                ballot: ballot, value: value, reply: answer, accepted: peers, sendings: sent)
            if peers.count >= members.quorum { finish(.reply(answer), &effects) }
        case (.preparing, .rejected(let promised)), (.accepting, .rejected(let promised)):
            refuse(reason(for: promised), by: peer, &effects)
        case (.preparing, .refused(let error)), (.accepting, .refused(let error)):
            refuse(error, by: peer, &effects)
        default: break
        }
    }

    package mutating func prerequisiteIsDurable(_ effects: inout RoundEffects) {
        invariant(
            missingCount > 0 || planted(.decideBeforePends), "a prerequisite too many is durable")
        missingCount = max(0, missingCount - 1)
        sendAcceptWhenReady(&effects)
    }

    package mutating func segmentIsDurable(_ hash: Digest, _ effects: inout RoundEffects) {
        durableSegments.insert(hash)
        isSegmentDurable = true
        sendAcceptWhenReady(&effects)
    }

    /// Something the change needs could not be made durable.
    package mutating func give(up error: DatabaseError, _ effects: inout RoundEffects) {
        finish(.failed(error), &effects)
    }

    /// Something the change needs is refused, as its sender wanted it to be in such a case.
    ///
    /// In doubt, when an earlier try of the same attempt was found accepted somewhere and is
    /// written back.
    package mutating func give(up refusal: RepositoryReply, _ effects: inout RoundEffects) {
        decided = nil
        finish(.reply(refusal), &effects)
    }

    package mutating func tick(_ effects: inout RoundEffects) {
        if effects.now >= deadline {
            expire(&effects)
            return
        }
        switch phase {
        case .preparing: retryLater(&effects)
        case .accepting(let ballot, let value, let reply, let peers, let sendings):
            guard sendings < Self.sendingsMax else { return retryLater(&effects) }
            mark("proposer.acceptAgain")
            // The same value at the same ballot may be said again; acceptors know it.
            phase = .accepting(
                ballot: ballot, value: value, reply: reply, accepted: peers, sendings: sendings + 1)
            sendAccept(ballot, value, except: peers, &effects)
        case .backingOff(let until):
            if effects.now >= until { return start(&effects) }
            effects.wake(after: until.since(effects.now))
        case .holding, .idle, .finished: break
        }
        effects.wake(after: deadline.since(effects.now))
    }

    // MARK: Steps

    /// A quorum promised: applies the change to the highest accepted value.
    private mutating func evaluate(
        _ promises: [PeerID: Promise], _ ballot: Ballot, _ effects: inout RoundEffects
    ) {
        invariant(promises.count >= members.quorum, "\(promises.count) promises decide nothing")
        let highest = members.inOrder(promises).max { $0.accepted < $1.accepted }
        guard let highest else { return }
        let isChosen = promises.values.allSatisfy { $0.accepted == highest.accepted }
        let value: TailValue
        do throws(DatabaseError) {
            value = try TailValue(registerBytes: highest.value)
        } catch {
            let undecodable = DatabaseError.undecodable(
                "register \(collection) does not decode", error)
            return finish(.failed(undecodable), &effects)
        }
        propose(on: value, isChosen: isChosen, ballot, &effects)
    }

    /// Coordinators need not agree on when to seal.
    private func policy(_ usual: TailPolicy) -> TailPolicy {
        buggify("buggify.proposer.sealsEarly") ? TailPolicy(openEntryCountMax: 1) : usual
    }

    private mutating func propose(
        on value: TailValue, isChosen: Bool, _ ballot: Ballot, _ effects: inout RoundEffects
    ) {
        let decision = change.apply(
            to: value, isChosen: isChosen, policy: policy(effects.policy))
        follow(decision, on: value, isChosen: isChosen, ballot, &effects)
    }

    private mutating func follow(
        _ decision: TailDecision, on value: TailValue, isChosen: Bool, _ ballot: Ballot,
        _ effects: inout RoundEffects
    ) {
        invariant(ballot.epoch == members.epoch, "a ballot of epoch \(ballot.epoch)")
        spent = (ballot, value)
        decided = decision.newValue ?? value
        switch decision {
        case .keep(let reply):
            if isChosen || planted(.unchosenTailFollowed)
                || planted(.landingNotChosen) && reply.isLanding
            {
                return finish(.reply(reply), &effects)
            }
            mark("proposer.writeBack")
            // Another coordinator's accept of this attempt may be completed by it
            // (protocol: doubt-belongs-to-the-attempt).
            if change.mayBeIn(value), !planted(.writeBackRaisesNoDoubt) { doubt.raise() }
            hold(ballot, value.registerBytes, reply, carriesChange: false, &effects)
        case .renew(let reply):
            hold(ballot, value.registerBytes, reply, carriesChange: false, &effects)
        case .replace(let new, let reply):
            hold(ballot, new.registerBytes, reply, carriesChange: true, &effects)
        case .seal(let segment, let new, let reply):
            prepareSegment(segment, &effects)
            hold(ballot, new.registerBytes, reply, carriesChange: true, &effects)
        }
    }

    /// Has the segment stored on a quorum of its shard, unless it is known to be.
    private mutating func prepareSegment(_ segment: Segment, _ effects: inout RoundEffects) {
        let bytes = segment.canonicalBytes
        let hash = Segment.hash(of: bytes)
        guard !durableSegments.contains(hash) else { return }
        invariant(isSegmentDurable, "one segment at a time")
        mark("proposer.seal")
        let key = SegmentKey(
            collection: collection, incarnation: segment.incarnation, index: segment.index,
            hash: hash)
        effects.store(key, bytes)
        isSegmentDurable = planted(.sealBeforeSegment)
    }

    private mutating func hold(
        _ ballot: Ballot, _ value: Bytes, _ reply: RepositoryReply, carriesChange: Bool,
        _ effects: inout RoundEffects
    ) {
        guard value.count <= Limits.tailBytesMax else {
            let error = DatabaseError(
                .valueTooLarge,
                "a tail of \(value.count) bytes, tailBytesMax = \(Limits.tailBytesMax)")
            return finish(.failed(error), &effects)
        }
        phase = .holding(ballot: ballot, value: value, reply: reply)
        if carriesChange {
            sendAcceptWhenReady(&effects)
        } else {
            startAccepting(ballot, value, reply, &effects)
        }
        effects.wake(after: deadline.since(effects.now))
    }

    /// Pends before the decision: nothing is sent while a body or a segment is not durable.
    private mutating func sendAcceptWhenReady(_ effects: inout RoundEffects) {
        guard case .holding(let ballot, let value, let reply) = phase, missingCount == 0,
            isSegmentDurable
        else { return }
        doubt.raise()
        invariant(doubt.mayHaveCommitted, "an accept leaves that raises no doubt")
        startAccepting(ballot, value, reply, &effects)
    }

    private mutating func startAccepting(
        _ ballot: Ballot, _ value: Bytes, _ reply: RepositoryReply, _ effects: inout RoundEffects
    ) {
        invariant(spent?.ballot == ballot, "an accept at a ballot that nobody promised")
        invariant(value.count <= Limits.tailBytesMax, "a tail of \(value.count) bytes")
        stamp += 1
        refusals.removeAll()
        nextPromises.removeAll()
        phase = .accepting(
            ballot: ballot, value: value, reply: reply, accepted: [], sendings: 1)
        sendAccept(ballot, value, except: [], &effects)
    }

    private func sendAccept(
        _ ballot: Ballot, _ value: Bytes, except done: Set<PeerID>, _ effects: inout RoundEffects
    ) {
        invariant(members.isBelowQuorum(done.count), "a chosen value is sent again")
        if let next = ballot.next { effects.ballots.reserve(next) }
        for peer in members.peers where !done.contains(peer) {
            effects.send(
                .accept(collection, ballot, value: value, wantsNext: true), to: peer, stamp: stamp)
        }
        wakeAfterPhase(&effects)
    }

    private func wakeAfterPhase(_ effects: inout RoundEffects) {
        let isImpatient = buggify("buggify.proposer.impatient")
        let patience = isImpatient ? RetryTiming.impatient : effects.timing.phase
        effects.wake(after: min(patience, deadline.since(effects.now)))
    }

    private mutating func refuse(
        _ error: DatabaseError, by peer: PeerID, _ effects: inout RoundEffects
    ) {
        refusals.add(error, from: peer)
        guard !members.canReachQuorum(without: refusals.count) else { return }
        let isLost = refusals.errors.values.allSatisfy { $0.code != .conflict }
        if isLost, !doubt.mayHaveCommitted {
            mark("proposer.refusedByPeers")
            // No rival is in the way; the peers themselves refuse, and will again.
            let error = refusals.quorumUnavailable(
                members, answered: members.peers.count - refusals.count)
            finish(.failed(error), &effects)
        } else if isAtRetained {
            mark("proposer.retained.lost")
            // Others have taken a ballot since: this is the first that it learns of them.
            loseBallot()
            start(&effects)
        } else {
            retryLater(&effects)
        }
    }

    /// The ballot under way is spent.
    private mutating func loseBallot() {
        switch phase {
        case .preparing, .accepting: break
        default: invariant(false, "nothing is under way that could be lost")
        }
        isSegmentDurable = true
        phase = .idle
    }

    /// Lost or timed out: the ballot is spent. A fresh one, after a random delay.
    private mutating func retryLater(_ effects: inout RoundEffects) {
        loseBallot()
        mark("proposer.retry")
        stamp += 1
        let delay = backoff.next(using: &effects.generator)
        phase = .backingOff(until: effects.now.advanced(by: delay))
        effects.wake(after: min(delay, deadline.since(effects.now)))
    }

    /// Why a peer that has promised this ballot refuses: one of a later epoch, which the cluster
    /// file here does not know, is no rival that the next ballot could beat.
    private func reason(for promised: Ballot) -> DatabaseError {
        guard promised.epoch > members.epoch else {
            return DatabaseError(.conflict, "promised \(promised) to another proposer")
        }
        return DatabaseError(
            .wrongEpoch,
            "register \(collection) was promised in epoch \(promised.epoch), the cluster file of "
                + "this coordinator is of epoch \(members.epoch)")
    }

    private mutating func expire(_ effects: inout RoundEffects) {
        mark("proposer.expired")
        if case .idle = phase {
            mark("proposer.expiredInQueue")
            let message = "register \(collection) was busy with earlier changes until the deadline"
            return finish(.failed(DatabaseError(.deadlineExceeded, message)), &effects)
        }
        let answered =
            switch phase {
            case .preparing(_, let promises): promises.count
            case .accepting(_, _, _, let peers, _): peers.count
            case .idle, .holding, .backingOff, .finished: 0
            }
        let isContended = refusals.errors.values.contains { $0.code == .conflict }
        if isContended, !doubt.mayHaveCommitted {
            let message = "register \(collection) went to other proposers until the deadline"
            return finish(.failed(DatabaseError(.deadlineExceeded, message)), &effects)
        }
        finish(.failed(refusals.quorumUnavailable(members, answered: answered)), &effects)
    }

    /// Ends the change; of what it did not decide, its doubt says what may be told.
    private mutating func finish(_ result: RoundResult, _ effects: inout RoundEffects) {
        if case .accepting(let ballot, let value, _, _, _) = phase { retain(ballot, value) }
        phase = .finished
        stamp += 1
        switch result {
        case .failed(let error): effects.finish(.failed(doubt.told(error)))
        // An accept of its own at a lower ballot is beaten by the chosen value that shows this.
        case .reply(.refused(.blocked)): effects.finish(result)
        case .reply(let reply):
            if doubt.mayHaveCommitted, case .refused(.gone) = reply {
                mark("proposer.goneInDoubt")
            }
            let told = doubt.told(reply)
            if case .failed(let error) = told {
                effects.finish(.failed(error))
            } else {
                effects.finish(.reply(told))
            }
        default: effects.finish(result)
        }
    }

    /// Keeps the right to the next ballot, if a quorum has promised it with its accept of this one
    /// (protocol: retained-ballot).
    private mutating func retain(_ ballot: Ballot, _ value: Bytes) {
        let isRetained =
            planted(.retainedBelowQuorum)
            ? !nextPromises.isEmpty : nextPromises.count >= members.quorum
        guard isRetained, let next = ballot.next, let decided else { return }
        retained = RetainedBallot(ballot: next, value: decided, byteCount: value.count)
    }

    // MARK: Invariants

    package func checkInvariants() {
        invariant(missingCount >= 0, "\(missingCount) prerequisites are missing")
        switch phase {
        case .idle: invariant(stamp == 0 && spent == nil, "an idle change has asked")
        case .preparing(let ballot, let promises):
            members.checkMembers(promises.keys)
            invariant(ballot > .zero && ballot.epoch == members.epoch, "a ballot \(ballot)")
            invariant(members.isBelowQuorum(promises.count), "a quorum of promises is left")
        case .holding(_, let value, _):
            invariant(missingCount > 0 || !isSegmentDurable, "an accept is held for nothing")
            invariant(value.count <= Limits.tailBytesMax, "a tail of \(value.count) bytes")
        case .accepting(let ballot, let value, _, let accepted, let sendings):
            members.checkMembers(accepted)
            invariant(spent?.ballot == ballot, "an accept at a ballot that nobody promised")
            invariant(members.isBelowQuorum(accepted.count), "a chosen value is left")
            invariant((1...Self.sendingsMax).contains(sendings), "\(sendings) sendings")
            invariant(value.count <= Limits.tailBytesMax, "a tail of \(value.count) bytes")
        case .backingOff: invariant(stamp > 0, "a change that never began backs off")
        case .finished: break
        }
        if case .holding = phase { return }
        if case .finished = phase { return }
        invariant(isSegmentDurable, "a segment is waited for and no accept is held")
    }
}

extension RepositoryReply {
    /// Whether it says where an attempt landed.
    fileprivate var isLanding: Bool { if case .committed = self { true } else { false } }
}
