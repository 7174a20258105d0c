import BlockModel
import BlockRuntime

/// One coordinator: takes repository requests and carries each through its rounds with the storage
/// peers. It keeps nothing: any number may run, and any of them may die at any moment.
///
/// One change per register is under way at a time; further changes of it wait their turn, so that
/// the proposers of one process do not duel; those who ask take turns.
package struct Coordinator {
    /// The host's handle of the one that asked.
    package struct Token: Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// Tells those who ask apart: a connection. Zero is none in particular.
    package typealias Client = UInt64

    /// Who wants to be woken.
    enum Timer: Hashable, Sendable {
        case round(UInt64)
        case turn(CollectionID)
        case resolution(Digest)
    }

    package enum Event {
        case request(Token, RepositoryRequest, client: Client = 0, deadline: Instant)
        case upkeep(Token, Upkeep, deadline: Instant)
        /// A peer's answer to the request `id`; `peer` and `epoch` are what the answer itself says.
        case reply(id: UInt64, peer: PeerID, epoch: Epoch, PeerReply)
        case tick
    }

    package enum Directive {
        case send(to: PeerID, id: UInt64, PeerRequest)
        case respond(Token, RepositoryReply)
        /// The target of ``Upkeep/discard(_:target:)`` is given up.
        case discarded(Token)
    }

    let map: ClusterMap
    let timing: ProtocolTiming
    let policy: TailPolicy
    var ballots: BallotSource
    var generator: SeededGenerator
    var now = Instant.origin

    var rounds: [UInt64: RunningRound] = [:]
    private(set) var outstanding: [UInt64: (round: UInt64, peer: PeerID, stamp: Int)] = [:]
    var alarms = AlarmClock<Timer>()
    var queues: [CollectionID: RegisterQueue] = [:]
    /// Registers whose next change is being looked for at this moment.
    var advancing: Set<CollectionID> = []
    /// Who asked, where that is a proxy in particular.
    private(set) var askers: [Token: Client] = [:]
    var turnMemory = TurnMemory()
    /// Ballots that a quorum has promised beforehand. In memory only, and lost with it.
    var retainedBallots = TwoGenerationCache<CollectionID, RetainedBallot>(
        weightMax: Limits.retainedBallotsBytesMax)
    private var lastID: UInt64 = 0
    private var directives: [Directive] = []
    /// Requests that wait for several rounds.
    var fanOuts: [UInt64: FanOut] = [:]
    var lastFanOut: UInt64 = 0
    /// What is known of the newest entries of collections with blocks.
    var chosenLogs = TwoGenerationCache<CollectionID, ChosenLog>(
        weightMax: Limits.chosenLogsBytesMax)
    /// Requests that wait until what they say of the log is known.
    var checks: [UInt64: ClaimCheck] = [:]
    var lastCheck: UInt64 = 0
    /// Attempts over several collections that are under way.
    var transactions: [UInt64: TransactionRun] = [:]
    var lastTransaction: UInt64 = 0
    /// Attempts that it finds out about, by ``Attempt/digest``.
    var resolutions: [Digest: Resolution] = [:]
    var closings: [CollectionLife: Closing] = [:]
    /// Peers with requests that they have not answered, and when the first of these was sent.
    private var silentSince: [PeerID: Instant] = [:]

    /// Peers that were silent for as long as a broadcast waits: those who wait for all do not wait
    /// for them so long again.
    var doubtedPeers: Set<PeerID> {
        Set(silentSince.filter { now.since($0.value) >= timing.broadcast }.keys)
    }

    #if SIMULATION_HOOKS
    /// Events since all parts were compared: see ``checkInvariants()``.
    var uncheckedEventCount = 0
    #endif

    private var spentBallots = SpentBallots()

    /// - Parameter proposer: Fresh random bits of this start of the process (rule H3).
    package init(
        map: ClusterMap, proposer: ProposerID, generator: SeededGenerator,
        timing: ProtocolTiming = ProtocolTiming(), policy: TailPolicy = TailPolicy()
    ) {
        invariant(!map.peers.isEmpty && !map.shards.isEmpty, "a cluster of nobody")
        self.map = map
        self.timing = timing
        self.policy = policy
        ballots = BallotSource(proposer: proposer)
        self.generator = generator
    }

    /// Requests that are not answered yet.
    package private(set) var requestCount = 0

    /// Rounds under way for them, and for what no request waits for any more.
    package var roundCount: Int { rounds.count }

    /// When ``Event/tick`` is wanted at the latest; nil when nothing waits.
    package var nextWake: Instant? { alarms.next }

    /// Handles one event. - Returns: What to do, in order.
    package mutating func receive(_ event: Event, now: Instant) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .request(let token, let request, let client, let deadline):
            requestCount += 1
            if client != 0 { askers[token] = client }
            start(request, for: token, deadline: deadline)
        case .upkeep(let token, let upkeep, let deadline):
            requestCount += 1
            start(upkeep, for: token, deadline: deadline)
        case .reply(let id, let peer, let epoch, let reply):
            deliver(reply, to: id, from: peer, epoch: epoch)
        case .tick: wakeDueRounds()
        }
        #if SIMULATION_HOOKS
        checkInvariants()
        #endif
        defer { directives = [] }
        return directives
    }

    // MARK: Requests and rounds

    /// Sends what no round waits for an answer to.
    mutating func tell(_ peer: PeerID, _ request: PeerRequest) {
        invariant(map.isMember(peer, of: request.shard), "\(peer) is told of \(request.shard)")
        invariant(request.epoch == map.epoch, "a request of epoch \(request.epoch)")
        lastID += 1
        directives.append(.send(to: peer, id: lastID, request))
    }

    mutating func respond(_ token: Token, _ reply: RepositoryReply) {
        invariant(requestCount > 0, "an answer that nobody waits for")
        requestCount -= 1
        askers[token] = nil
        directives.append(.respond(token, reply))
    }

    mutating func wasDiscarded(_ token: Token) {
        invariant(requestCount > 0, "an answer that nobody waits for")
        requestCount -= 1
        directives.append(.discarded(token))
    }

    /// Adds a round and starts it, unless `isHeld` because it waits for its turn.
    @discardableResult
    mutating func add(_ round: any Round, owner: RoundOwner, isHeld: Bool = false) -> UInt64 {
        invariant(round.shard.rawValue < UInt32(map.shards.count), "there is no \(round.shard)")
        lastID += 1
        let id = lastID
        rounds[id] = RunningRound(id: id, machine: round, owner: owner)
        if !isHeld { run(id) { $0.start(&$1) } }
        return id
    }

    /// Runs one step of a round, then does what the step asks for.
    mutating func run(_ id: UInt64, _ step: (inout any Round, inout RoundEffects) -> Void) {
        guard var round = rounds.removeValue(forKey: id) else { return }
        var effects = RoundEffects(
            now: now, timing: timing, policy: policy, ballots: ballots, generator: generator,
            silentSince: silentSince)
        step(&round.machine, &effects)
        ballots = effects.ballots
        generator = effects.generator
        for send in effects.sends {
            lastID += 1
            outstanding[lastID] = (id, send.peer, send.stamp)
            if silentSince[send.peer] == nil { silentSince[send.peer] = now }
            round.requests.append(lastID)
            let request = PeerRequest(
                shard: round.machine.shard, epoch: map.epoch, operation: send.operation)
            directives.append(.send(to: send.peer, id: lastID, request))
            if buggify("buggify.coordinator.sendsTwice") {
                directives.append(.send(to: send.peer, id: lastID, request))
            }
        }
        if let result = effects.result {
            return end(round, result)
        }
        #if SIMULATION_HOOKS
        round.machine.checkInvariants()
        #endif
        if let wakeAt = effects.wakeAt { alarms.set(.round(id), at: wakeAt) }
        invariant(alarms.instant(of: .round(id)) != nil, "nobody wakes round \(id)")
        rounds[id] = round
        if let (key, bytes) = effects.segmentToStore {
            storeSegment(key, bytes, for: id, deadline: round.machine.deadline)
        }
        for collection in effects.tailsToRead {
            startRead(
                collection, owner: .round(id, tail: collection), deadline: round.machine.deadline)
        }
    }

    /// Runs one step of a proposal.
    mutating func propose(
        _ id: UInt64, _ step: (inout Proposer, inout RoundEffects) -> Void
    ) {
        run(id) { round, effects in
            guard var proposer = round as? Proposer else {
                return invariant(false, "round \(id) proposes nothing")
            }
            step(&proposer, &effects)
            round = proposer
        }
    }

    private mutating func storeSegment(
        _ key: SegmentKey, _ bytes: Bytes, for id: UInt64, deadline: Instant
    ) {
        let members = Membership(shard: map.shard(of: key.blockID), in: map)
        let write = QuorumWrite(.putSegment(key, bytes), members: members, deadline: deadline)
        add(write, owner: .segment(key.hash, of: id))
    }

    private mutating func end(_ round: RunningRound, _ result: RoundResult) {
        invariant(rounds[round.id] == nil, "round \(round.id) ends and goes on")
        for request in round.requests { outstanding[request] = nil }
        alarms.cancel(.round(round.id))
        round.machine.end(result, as: round, in: &self)
    }

    /// Tells the request that waits for a round how it ended.
    mutating func report(_ result: RoundResult, of round: RunningRound) {
        notify(round.owner, naming(round.machine, result))
    }

    /// A change was carried out, or could not be: what that says about its register.
    mutating func learn(from proposer: Proposer, _ result: RoundResult) {
        spentBallots.note(proposer)
        if case .reply = result, let value = proposer.decided {
            learn(chosen: value, by: proposer.change)
        }
    }

    /// A round that found no quorum says which members of its shard are silent, and since when.
    private func naming(_ round: any Round, _ result: RoundResult) -> RoundResult {
        guard case .failed(var error) = result, error.isAboutQuorum else { return result }
        let members = map.members(of: round.shard)
        let silent = map.peers.compactMap { peer -> String? in
            // One that was asked just now is not silent yet.
            guard members.contains(peer.id), let since = silentSince[peer.id],
                now.since(since) >= timing.hedge
            else { return nil }
            let seconds = Double(now.since(since).milliseconds) / 1000
            return "\(peer.name) at \(peer.address) for \(seconds) s"
        }
        if silent.isEmpty { return result }
        error.message += "; no answer from \(silent.joined(separator: ", "))"
        return .failed(error)
    }

    /// A read that found a change under way: looks again when that is over, if it is this
    /// coordinator's own, or else in a while. A change that is still there then may be a dead
    /// coordinator's: the read takes part in it, and writes back.
    ///
    /// A ballot taken at once would cost the other coordinator's change its own, and its next.
    mutating func lookAgain(_ read: TailRead, owner: RoundOwner) {
        let collection = read.collection
        invariant(read.lookCount <= Limits.tailLookCountMax, "look \(read.lookCount)")
        guard read.lookCount < Limits.tailLookCountMax else {
            return change(collection, .read, owner: owner, deadline: read.deadline)
        }
        // One that waits here has no alarm of its own: peers that were silent until its time was up
        // will not answer sooner.
        if queues[collection]?.running != nil, !read.hasTimedOut {
            mark("coordinator.read.waits")
            queues[collection]?.readers.append((read, owner))
        } else if read.hasTimedOut {
            change(collection, .read, owner: owner, deadline: read.deadline)
        } else {
            mark("coordinator.read.rests")
            let next = read.again(after: timing.retry.first * (1 << (read.lookCount - 1)))
            add(next, owner: owner)
        }
    }

    /// Hands the end of a round to the owner that waits for it.
    mutating func notify(_ owner: RoundOwner, _ result: RoundResult) {
        switch owner {
        case .client(let token): finishRequest(token, result)
        case .round(let parent, let collection):
            run(parent) { $0.tailWasRead(of: collection, result, &$1) }
        case .segment(let hash, let parent):
            propose(parent) { $0.segmentWasStored(hash, result, &$1) }
        case .prerequisite(let parent): propose(parent) { $0.prerequisiteEnded(result, &$1) }
        case .reader(let collection, let reader): finishRead(of: collection, for: reader, result)
        case .decision(let id): decisionEnded(of: id, result)
        case .participant(let collection, let id): participantEnded(collection, of: id, result)
        case .resolution(let name, let place): resolutionGoesOn(name, at: place, result)
        case .resolutionObject(let name, let key): resolutionFetched(name, key, result)
        case .closing(let life): wasClosed(life)
        case .fanOut(let id): fanOutWentOn(id, result)
        case .check(let id, let key): checkFetched(key, for: id, result)
        case .nobody: break
        }
    }

    mutating func launch(_ id: UInt64, _ collection: CollectionID) {
        invariant(queues[collection]?.running?.id == id, "change \(id) begins out of turn")
        // Its client waits no more: it is not begun.
        if let deadline = rounds[id]?.machine.deadline, deadline <= now {
            return run(id) { $0.tick(&$1) }
        }
        if let spent = spentBallots.take(collection) {
            propose(id) { $0.reuse(spent.ballot, spent.value, &$1) }
        } else if let right = takeRetained(collection) {
            propose(id) { $0.start(at: right, &$1) }
        } else {
            run(id) { $0.start(&$1) }
        }
        storePrerequisites(of: id)
    }

    // MARK: Replies and time

    private mutating func deliver(
        _ reply: PeerReply, to id: UInt64, from peer: PeerID, epoch: Epoch
    ) {
        // Votes count for the storage UUID that was asked, in the epoch that was asked, and once.
        silentSince[peer] = nil
        guard let request = outstanding[id], request.peer == peer, epoch == map.epoch else {
            mark("coordinator.reply.foreign")
            return
        }
        invariant(rounds[request.round] != nil, "an answer to a round that is over")
        if !planted(.peerCountedTwice) { outstanding[id] = nil }
        run(request.round) { $0.receive(reply, from: peer, stamp: request.stamp, &$1) }
    }

    private mutating func wakeDueRounds() {
        while let (timer, _) = alarms.popDue(at: now) {
            switch timer {
            case .round(let id):
                invariant(rounds[id] != nil, "round \(id) is over and is woken")
                run(id) { $0.tick(&$1) }
            case .turn(let collection): goOn(with: collection)
            case .resolution(let name): politenessEnded(name)
            }
        }
    }
}

extension DatabaseError {
    /// Whether it says that too few peers took part, and not yet which.
    fileprivate var isAboutQuorum: Bool {
        switch code {
        case .quorumUnavailable, .commitResultUnknown: !message.contains("; no answer from ")
        default: false
        }
    }
}
