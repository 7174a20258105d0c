import BlockModel
import BlockRuntime

/// One coordinator: takes repository requests and carries each through its rounds with the storage
/// peers. It keeps nothing: any number may run, and any of them may die at any moment.
///
/// One change per register is under way at a time; further changes of it wait their turn, so that
/// the proposers of one process do not duel.
package struct Coordinator {
    /// The host's handle of whoever asked.
    package struct Token: Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    package enum Event {
        case request(Token, RepositoryRequest, deadline: Instant)
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

    var rounds: [UInt64: Round] = [:]
    private var outstanding: [UInt64: (round: UInt64, peer: PeerID, stamp: Int)] = [:]
    private var timers = TimerQueue<UInt64>()
    var queues: [CollectionID: RegisterQueue] = [:]
    private var lastID: UInt64 = 0
    private var directives: [Directive] = []
    /// Requests that wait for several rounds.
    var gatherings: [UInt64: Gathering] = [:]
    var lastGathering: UInt64 = 0
    /// What is known of the newest entries of collections with blocks.
    var chosenLogs = Recents<CollectionID, ChosenLog>(weightMax: Limits.chosenLogsBytesMax)
    /// Requests that wait until what they say of the log is known.
    var checks: [UInt64: ClaimCheck] = [:]
    var lastCheck: UInt64 = 0
    private var spentBallots: [CollectionID: (ballot: Ballot, value: TailValue)] = [:]

    /// - Parameter proposer: Fresh random bits of this start of the process (rule H3).
    package init(
        map: ClusterMap, proposer: ProposerID, generator: SeededGenerator,
        timing: ProtocolTiming = ProtocolTiming(), policy: TailPolicy = TailPolicy()
    ) {
        self.map = map
        self.timing = timing
        self.policy = policy
        ballots = BallotSource(proposer: proposer)
        self.generator = generator
    }

    /// Requests that are not answered yet.
    package private(set) var requestCount = 0

    /// Rounds under way for them, and for what nobody waits for any more.
    package var roundCount: Int { rounds.count }

    /// When ``Event/tick`` is wanted at the latest; nil when nothing waits.
    package var nextWake: Instant? { timers.next }

    /// Handles one event. - Returns: What to do, in order.
    package mutating func receive(_ event: Event, now: Instant) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .request(let token, let request, let deadline):
            requestCount += 1
            start(request, for: token, deadline: deadline)
        case .upkeep(let token, let upkeep, let deadline):
            requestCount += 1
            start(upkeep, for: token, deadline: deadline)
        case .reply(let id, let peer, let epoch, let reply):
            deliver(reply, to: id, from: peer, epoch: epoch)
        case .tick: wakeDueRounds()
        }
        defer { directives = [] }
        return directives
    }

    // MARK: Requests and rounds

    /// Sends what nobody waits for an answer to.
    mutating func tell(_ peer: PeerID, _ request: PeerRequest) {
        lastID += 1
        directives.append(.send(to: peer, id: lastID, request))
    }

    mutating func respond(_ token: Token, _ reply: RepositoryReply) {
        invariant(requestCount > 0, "an answer that nobody waits for")
        requestCount -= 1
        directives.append(.respond(token, reply))
    }

    mutating func wasDiscarded(_ token: Token) {
        invariant(requestCount > 0, "an answer that nobody waits for")
        requestCount -= 1
        directives.append(.discarded(token))
    }

    /// Adds a round and starts it, unless `isHeld` because it waits for its turn.
    @discardableResult
    mutating func add(_ kind: Round.Kind, owner: Round.Owner, isHeld: Bool = false) -> UInt64 {
        lastID += 1
        rounds[lastID] = Round(kind: kind, owner: owner)
        let id = lastID
        if !isHeld { run(id) { $0.start(&$1) } }
        return id
    }

    /// Runs one step of a round, then does what the step asks for.
    mutating func run(_ id: UInt64, _ step: (inout Round, inout RoundEffects) -> Void) {
        guard var round = rounds.removeValue(forKey: id) else { return }
        var effects = RoundEffects(
            now: now, timing: timing, policy: policy, ballots: ballots, generator: generator)
        step(&round, &effects)
        ballots = effects.ballots
        generator = effects.generator
        for send in effects.sends {
            lastID += 1
            outstanding[lastID] = (id, send.peer, send.stamp)
            round.requests.append(lastID)
            let request = PeerRequest(
                shard: round.shard(of: send.operation, in: map), epoch: map.epoch,
                operation: send.operation)
            directives.append(.send(to: send.peer, id: lastID, request))
            if buggify("buggify.coordinator.sendsTwice") {
                directives.append(.send(to: send.peer, id: lastID, request))
            }
        }
        if let result = effects.result {
            end(round, id, result)
            return
        }
        if let wakeAt = effects.wakeAt {
            round.wakeAt = wakeAt
            timers.insert(id, at: wakeAt)
        }
        rounds[id] = round
        if let (key, bytes) = effects.segmentToStore { storeSegment(key, bytes, for: id, round) }
        for collection in effects.tailsToRead {
            startRead(collection, owner: .round(id), deadline: round.deadline)
        }
    }

    private mutating func storeSegment(
        _ key: SegmentKey, _ bytes: Bytes, for id: UInt64, _ round: Round
    ) {
        let members = Membership(shard: map.shard(of: key.blockID), in: map)
        let write = QuorumWrite(
            .putSegment(key, bytes), members: members, deadline: round.deadline)
        add(.write(write, deadline: round.deadline), owner: .segment(key.hash, of: id))
    }

    private mutating func end(_ round: Round, _ id: UInt64, _ result: RoundResult) {
        for request in round.requests { outstanding[request] = nil }
        if case .proposal(let proposer, _) = round.kind {
            if planted(.ballotReused) { spentBallots[proposer.collection] = proposer.spent }
            if case .reply = result, let value = proposer.decided {
                learn(chosen: value, by: proposer.change)
            }
            startNext(of: proposer.collection, after: id)
        }
        if result == .undecided, case .read(let read, let deadline) = round.kind {
            return lookAgain(read, owner: round.owner, deadline: deadline)
        }
        if case .read = round.kind, case .reply(.tail(let value)) = result {
            learn(chosen: value)
        }
        notify(round.owner, round, result)
    }

    /// A read that found a change under way: looks again when that is over, if it is this
    /// coordinator's own, or else in a while. A change that is still there then may be a dead
    /// coordinator's: the read takes part in it, and writes back.
    ///
    /// A ballot taken at once would cost the other coordinator's change its own, and its next.
    private mutating func lookAgain(_ read: TailRead, owner: Round.Owner, deadline: Instant) {
        let collection = read.collection
        guard read.lookCount < Limits.tailLookCountMax else {
            return change(collection, .read, owner: owner, deadline: deadline)
        }
        if queues[collection] != nil {
            mark("coordinator.read.waits")
            queues[collection]?.readers.append((read, owner, deadline))
        } else if read.hasTimedOut {
            change(collection, .read, owner: owner, deadline: deadline)
        } else {
            mark("coordinator.read.rests")
            let next = read.again(after: timing.backoffBase * (1 << (read.lookCount - 1)))
            add(.read(next, deadline: deadline), owner: owner)
        }
    }

    /// Hands the end of a round to whoever waits for it.
    mutating func notify(_ owner: Round.Owner, _ round: Round?, _ result: RoundResult) {
        switch owner {
        case .client(let token): finishRequest(token, round, result)
        case .round(let parent): run(parent) { $0.tailWasRead(result, &$1) }
        case .segment(let hash, let parent):
            run(parent) { $0.segmentWasStored(hash, result, &$1) }
        case .prerequisite(let parent): run(parent) { $0.prerequisiteEnded(result, &$1) }
        case .gathering(let id): gathered(id, result)
        case .check(let id, let key): checkGoesOn(id, key, result)
        case .nobody: break
        }
    }

    // MARK: One change per register at a time

    /// Starts the change now, or when those before it are done.
    mutating func enqueue(_ proposer: Proposer, deadline: Instant, owner: Round.Owner) -> UInt64? {
        let collection = proposer.collection
        var queue = queues[collection] ?? RegisterQueue()
        guard queue.waiting.count < Limits.registerQueueCountMax else { return nil }
        let isFree = queue.running == nil
        let id = add(.proposal(proposer, deadline: deadline), owner: owner, isHeld: true)
        if isFree { queue.running = id } else { queue.waiting.append(id) }
        queues[collection] = queue
        if isFree {
            launch(id, collection)
        } else {
            // It may run out of time before its turn.
            rounds[id]?.wakeAt = deadline
            timers.insert(id, at: deadline)
        }
        return id
    }

    private mutating func launch(_ id: UInt64, _ collection: CollectionID) {
        // Nobody waits for it any more: it is not begun.
        if let deadline = rounds[id]?.deadline, deadline <= now { return run(id) { $0.tick(&$1) } }
        if planted(.ballotReused), let spent = spentBallots.removeValue(forKey: collection) {
            run(id) { $0.reuse(spent.ballot, spent.value, &$1) }
        } else {
            run(id) { $0.start(&$1) }
        }
    }

    private mutating func startNext(of collection: CollectionID, after id: UInt64) {
        guard var queue = queues[collection] else { return }
        queue.waiting.removeAll { $0 == id }
        if queue.running == id {
            let readers = queue.readers
            queue.readers = []
            queue.running = queue.waiting.isEmpty ? nil : queue.waiting.removeFirst()
            queues[collection] = queue.running == nil ? nil : queue
            // Before the next change begins: they find the register at rest.
            for reader in readers {
                add(
                    .read(reader.read.again(), deadline: reader.deadline), owner: reader.owner)
            }
            if let next = queue.running { launch(next, collection) }
        } else {
            queues[collection] = queue
        }
    }

    // MARK: Replies and time

    private mutating func deliver(
        _ reply: PeerReply, to id: UInt64, from peer: PeerID, epoch: Epoch
    ) {
        // Votes count for the storage UUID that was asked, in the epoch that was asked, and once.
        guard let request = outstanding[id], request.peer == peer, epoch == map.epoch else {
            mark("coordinator.reply.foreign")
            return
        }
        if !planted(.peerCountedTwice) { outstanding[id] = nil }
        run(request.round) { $0.receive(reply, from: peer, stamp: request.stamp, &$1) }
    }

    private mutating func wakeDueRounds() {
        while let (id, instant) = timers.popDue(at: now) {
            guard rounds[id]?.wakeAt == instant else { continue }
            run(id) { $0.tick(&$1) }
        }
    }
}

/// The changes of one register: the one under way and those that wait, oldest first.
struct RegisterQueue {
    var running: UInt64?
    var waiting: [UInt64] = []
    /// Reads that found the running change under way.
    var readers: [(read: TailRead, owner: Round.Owner, deadline: Instant)] = []
}
