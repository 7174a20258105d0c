import BlockModel
import BlockRuntime

/// One round under way in a coordinator, of whatever kind, and who waits for it.
struct Round {
    enum Kind {
        case proposal(Proposer, deadline: Instant)
        case read(TailRead, deadline: Instant)
        case write(QuorumWrite, deadline: Instant)
        case fetch(ReplicaFetch, deadline: Instant)
        case pend(BlockPend, deadline: Instant)
        case finalise(BlockFinalise, deadline: Instant)
        case blockRead(BlockRead, deadline: Instant)
        case survey(Survey, about: SurveySubject)
        case list(CollectionList, deadline: Instant)
        case scrub(Scrub, deadline: Instant)
        case pendList(PendList, deadline: Instant)
        case sweep(SpaceSweep, deadline: Instant)
    }

    /// What a survey is about, so that its replies can be put into words.
    enum SurveySubject {
        case status
        case audit(AuditTarget)
    }

    enum Owner {
        case client(Coordinator.Token)
        /// A list that reads tails, several at a time.
        case round(UInt64, tail: CollectionID)
        /// A proposal that waits for a segment.
        case segment(Digest, of: UInt64)
        /// A proposal that waits for its body or for a pend.
        case prerequisite(of: UInt64)
        /// A request that waits for several rounds.
        case gathering(UInt64)
        /// A request whose claims wait for the tail, or for an object of the log.
        case check(UInt64, LogObjectKey?)
        /// What is worth doing, though nobody waits for it.
        case nobody
    }

    private(set) var kind: Kind
    let owner: Owner
    /// Ids of the requests sent, to be forgotten with the round.
    var requests: [UInt64] = []

    init(kind: Kind, owner: Owner) {
        self.kind = kind
        self.owner = owner
    }

    var deadline: Instant {
        switch kind {
        case .proposal(_, let deadline), .read(_, let deadline), .write(_, let deadline),
            .fetch(_, let deadline), .list(_, let deadline), .pend(_, let deadline),
            .blockRead(_, let deadline), .scrub(_, let deadline),
            .pendList(_, let deadline), .finalise(_, let deadline), .sweep(_, let deadline):
            deadline
        case .survey: .distantFuture
        }
    }

    /// The shard that a request of this round is about.
    func shard(of operation: PeerRequest.Operation, in map: ClusterMap) -> ShardID {
        switch kind {
        case .proposal(let proposer, _): proposer.members.shard
        case .read(let read, _): read.members.shard
        case .write(let write, _): write.members.shard
        case .fetch(let fetch, _): fetch.members.shard
        case .list(let list, _): list.currentShard
        case .pend(let pend, _): pend.members.shard
        case .finalise(let finalise, _): finalise.members.shard
        case .blockRead(let read, _): read.members.shard
        case .scrub(let scrub, _): scrub.members.shard
        case .pendList(let list, _): list.members.shard
        case .sweep(let sweep, _): sweep.shard
        case .survey(_, .status): ShardID(rawValue: 0)
        case .survey(_, .audit(let target)): target.shard(in: map)
        }
    }

    /// The shard whose members decide the round; nil when it asks all peers.
    func shard(in map: ClusterMap) -> ShardID? {
        if case .survey(_, .status) = kind { return nil }
        return shard(of: .status, in: map)
    }

    // MARK: Steps

    mutating func start(_ effects: inout RoundEffects) {
        switch kind {
        case .proposal(var proposer, let deadline):
            proposer.start(&effects)
            kind = .proposal(proposer, deadline: deadline)
        case .read(var read, let deadline):
            read.start(&effects)
            kind = .read(read, deadline: deadline)
        case .write(var write, let deadline):
            write.start(&effects)
            kind = .write(write, deadline: deadline)
        case .fetch(var fetch, let deadline):
            fetch.start(&effects)
            kind = .fetch(fetch, deadline: deadline)
        case .pend(var pend, let deadline):
            pend.start(&effects)
            kind = .pend(pend, deadline: deadline)
        case .finalise(var finalise, let deadline):
            finalise.start(&effects)
            kind = .finalise(finalise, deadline: deadline)
        case .blockRead(var read, let deadline):
            read.start(&effects)
            kind = .blockRead(read, deadline: deadline)
        case .survey(var survey, let subject):
            survey.start(&effects)
            kind = .survey(survey, about: subject)
        case .list(var list, let deadline):
            list.start(&effects)
            kind = .list(list, deadline: deadline)
        case .scrub(var scrub, let deadline):
            scrub.start(&effects)
            kind = .scrub(scrub, deadline: deadline)
        case .pendList(var list, let deadline):
            list.start(&effects)
            kind = .pendList(list, deadline: deadline)
        case .sweep(var sweep, let deadline):
            sweep.start(&effects)
            kind = .sweep(sweep, deadline: deadline)
        }
    }

    mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects
    ) {
        switch kind {
        case .proposal(var proposer, let deadline):
            proposer.receive(reply, from: peer, stamp: stamp, &effects)
            kind = .proposal(proposer, deadline: deadline)
        case .read(var read, let deadline):
            read.receive(reply, from: peer, &effects)
            kind = .read(read, deadline: deadline)
        case .write(var write, let deadline):
            write.receive(reply, from: peer, &effects)
            kind = .write(write, deadline: deadline)
        case .fetch(var fetch, let deadline):
            fetch.receive(reply, from: peer, &effects)
            kind = .fetch(fetch, deadline: deadline)
        case .pend(var pend, let deadline):
            pend.receive(reply, from: peer, stamp: stamp, &effects)
            kind = .pend(pend, deadline: deadline)
        case .finalise(var finalise, let deadline):
            finalise.receive(reply, from: peer, stamp: stamp, &effects)
            kind = .finalise(finalise, deadline: deadline)
        case .blockRead(var read, let deadline):
            read.receive(reply, from: peer, &effects)
            kind = .blockRead(read, deadline: deadline)
        case .survey(var survey, let subject):
            survey.receive(reply, from: peer, &effects)
            kind = .survey(survey, about: subject)
        case .list(var list, let deadline):
            list.receive(reply, from: peer, stamp: stamp, &effects)
            kind = .list(list, deadline: deadline)
        case .scrub(var scrub, let deadline):
            scrub.receive(reply, from: peer, stamp: stamp, &effects)
            kind = .scrub(scrub, deadline: deadline)
        case .pendList(var list, let deadline):
            list.receive(reply, from: peer, &effects)
            kind = .pendList(list, deadline: deadline)
        case .sweep(var sweep, let deadline):
            sweep.receive(reply, &effects)
            kind = .sweep(sweep, deadline: deadline)
        }
    }

    mutating func tick(_ effects: inout RoundEffects) {
        switch kind {
        case .proposal(var proposer, let deadline):
            proposer.tick(&effects)
            kind = .proposal(proposer, deadline: deadline)
        case .read(var read, let deadline):
            read.tick(&effects)
            kind = .read(read, deadline: deadline)
        case .write(var write, let deadline):
            write.tick(&effects)
            kind = .write(write, deadline: deadline)
        case .fetch(var fetch, let deadline):
            fetch.tick(&effects)
            kind = .fetch(fetch, deadline: deadline)
        case .pend(var pend, let deadline):
            pend.tick(&effects)
            kind = .pend(pend, deadline: deadline)
        case .finalise(var finalise, let deadline):
            finalise.tick(&effects)
            kind = .finalise(finalise, deadline: deadline)
        case .blockRead(var read, let deadline):
            read.tick(&effects)
            kind = .blockRead(read, deadline: deadline)
        case .survey(var survey, let subject):
            survey.tick(&effects)
            kind = .survey(survey, about: subject)
        case .list(var list, let deadline):
            list.tick(&effects)
            kind = .list(list, deadline: deadline)
        case .scrub(var scrub, let deadline):
            scrub.tick(&effects)
            kind = .scrub(scrub, deadline: deadline)
        case .pendList(var list, let deadline):
            list.tick(&effects)
            kind = .pendList(list, deadline: deadline)
        case .sweep(var sweep, let deadline):
            sweep.tick(&effects)
            kind = .sweep(sweep, deadline: deadline)
        }
    }

    // MARK: Ends of the rounds it waits for

    mutating func tailWasRead(
        of collection: CollectionID, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        switch kind {
        case .list(var list, let deadline):
            list.tailWasRead(of: collection, result, &effects)
            kind = .list(list, deadline: deadline)
        case .sweep(var sweep, let deadline):
            sweep.tailWasRead(result, &effects)
            kind = .sweep(sweep, deadline: deadline)
        default: break
        }
    }

    mutating func segmentWasStored(
        _ hash: Digest, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        guard case .proposal(var proposer, let deadline) = kind else { return }
        if case .failed(let error) = result {
            proposer.give(up: error, &effects)
        } else {
            proposer.segmentIsDurable(hash, &effects)
        }
        kind = .proposal(proposer, deadline: deadline)
    }

    mutating func prerequisiteEnded(_ result: RoundResult, _ effects: inout RoundEffects) {
        guard case .proposal(var proposer, let deadline) = kind else { return }
        switch result {
        case .failed(let error): proposer.give(up: error, &effects)
        case .reply(let refusal): proposer.give(up: refusal, &effects)
        default: proposer.prerequisiteIsDurable(&effects)
        }
        kind = .proposal(proposer, deadline: deadline)
    }

    mutating func reuse(_ ballot: Ballot, _ value: TailValue, _ effects: inout RoundEffects) {
        guard case .proposal(var proposer, let deadline) = kind else { return }
        proposer.reuse(ballot, value, &effects)
        kind = .proposal(proposer, deadline: deadline)
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
    var operation: PeerRequest.Operation {
        switch self {
        case .register(let collection): .query(collection, wantsValue: true)
        case .content(let block): .getContent(block)
        case .segment(let key): .getSegment(key)
        case .block(let key, let revision): .auditBlock(key, revision)
        }
    }
}
