import BlockModel
import BlockRuntime

/// What is remembered of the proposers that this coordinator serves, to be fair to them: hints.
struct TurnMemory {
    private struct Place: Hashable {
        let client: Coordinator.Client
        let collection: CollectionID
    }

    /// The last change of a register by this coordinator, and its rivals.
    struct Register {
        var landed = Revision.zero
        /// How long that change took.
        var time = Duration.zero
        /// Until when other coordinators are taken to be changing it as well.
        var sharedUntil = Instant.origin
    }

    private var told = TwoGenerationCache<Place, Instant>(countMax: Limits.turnMemoryCountMax)
    /// How long proposers take to come back after they were told that they came too late.
    private var returnTimes = TwoGenerationCache<Coordinator.Client, Duration>(
        countMax: Limits.turnMemoryCountMax)
    private var registers = TwoGenerationCache<CollectionID, Register>(
        countMax: Limits.turnMemoryCountMax)

    subscript(collection: CollectionID) -> Register {
        get { registers[collection] ?? Register() }
        set { registers[collection] = newValue }
    }

    /// A proposer was told that it came too late. - Returns: How long its place is kept.
    mutating func told(
        _ client: Coordinator.Client, about collection: CollectionID, at now: Instant
    ) -> Duration {
        told[Place(client: client, collection: collection)] = now
        let usual = returnTimes[client] ?? .zero
        invariant(usual >= .zero, "a proposer came back before it was told")
        return min(max(usual * 2, Limits.keptPlaceTimeMin), Limits.keptPlaceTimeMax)
    }

    /// A proposer came.
    mutating func came(
        _ client: Coordinator.Client, with collection: CollectionID, at now: Instant
    ) {
        let place = Place(client: client, collection: collection)
        guard let since = told[place] else { return }
        told[place] = nil
        let time = now.since(since)
        invariant(time >= .zero, "a proposer came back before it was told")
        let before = returnTimes[client] ?? .zero
        // Quickly longer, slowly shorter: a place that is kept too briefly is of no use.
        returnTimes[client] = max(time, .nanoseconds(before.nanoseconds / 8 * 7))
    }
}

/// One change of a register at a time, the proposers in turns.
extension Coordinator {
    /// Starts the change now, or when its turn comes.
    mutating func enqueue(_ proposer: Proposer, owner: RoundOwner) -> UInt64? {
        let collection = proposer.collection
        invariant(proposer.shard == map.shard(of: collection), "a change of another shard")
        var queue = queues[collection] ?? RegisterQueue()
        guard queue.waitingCount < Limits.registerQueueCountMax else { return nil }
        let client = client(of: owner)
        turnMemory.came(client, with: collection, at: now)
        let id = add(proposer, owner: owner, isHeld: true)
        queue.append(id, of: client)
        queues[collection] = queue
        // It may run out of time before its turn.
        alarms.set(.round(id), at: proposer.deadline)
        goOn(with: collection)
        return id
    }

    private func client(of owner: RoundOwner) -> Client {
        guard case .client(let token) = owner else { return 0 }
        return askers[token] ?? 0
    }

    /// Begins whatever change of the register may begin now.
    mutating func goOn(with collection: CollectionID) {
        // A change that ends as it begins comes back here: the loop goes on with the next one.
        guard advancing.insert(collection).inserted else { return }
        defer { advancing.remove(collection) }
        while var queue = queues[collection], queue.running == nil {
            let turn = queue.turn(at: now)
            queues[collection] = queue
            guard let client = turn else {
                if let until = queue.kept?.until {
                    alarms.set(.turn(collection), at: until)
                } else if queue.isEmpty {
                    queues[collection] = nil
                    alarms.cancel(.turn(collection))
                }
                return
            }
            invariant(queue.waitingCount > 0, "it is the turn of one who wants nothing")
            if answerLate(client, collection) { continue }
            guard let id = queues[collection]?.begin(client, at: now) else { continue }
            #if SIMULATION_HOOKS
            queues[collection]?.checkInvariants()
            #endif
            launch(id, collection)
        }
    }

    /// Answers what a proposer has waiting and what came too late, as the register's chosen value
    /// shows: no peer need be asked. That a revision is taken, and by whom, stays true for ever,
    /// so it does not matter that the value may have a successor elsewhere.
    /// - Returns: Whether something was answered. The proposer keeps its place then.
    private mutating func answerLate(_ client: Client, _ collection: CollectionID) -> Bool {
        guard let queue = queues[collection], let value = queue.chosen, let tail = value.live
        else { return false }
        invariant(queue.running == nil, "a change is answered while another one runs")
        var isTold = false
        for id in queue.waiting(of: client) {
            guard let round = rounds[id], let proposer = round.proposer,
                case .commit(let attempt) = proposer.change,
                attempt.participant.incarnation == tail.incarnation,
                attempt.participant.target <= tail.revision,
                case .keep(let reply) = proposer.change.apply(
                    to: value, isChosen: true, policy: policy),
                reply.isLastingAnswer
            else { continue }
            mark("coordinator.answeredLate")
            isTold = true
            rounds[id] = nil
            alarms.cancel(.round(id))
            queues[collection]?.remove(id)
            // It left nothing behind that would have to be taken back.
            notify(round.owner, .reply(reply))
        }
        guard isTold else { return false }
        let time = turnMemory.told(client, about: collection, at: now)
        queues[collection]?.keep(.proposer(client), until: now.advanced(by: time))
        return true
    }

    /// A change has ended, in its turn or while it waited for it.
    mutating func proposalEnded(_ id: UInt64, _ proposer: Proposer, _ result: RoundResult) {
        invariant(rounds[id] == nil, "change \(id) has ended and goes on")
        learn(from: proposer, result)
        keepRetained(of: proposer)
        let collection = proposer.collection
        guard queues[collection]?.running?.id == id else {
            queues[collection]?.remove(id)
            return goOn(with: collection)
        }
        guard let ended = queues[collection]?.end() else { return }
        invariant(ended.id == id, "change \(ended.id) ran, \(id) has ended")
        if case .reply = result {
            queues[collection]?.chosen = proposer.decided
        } else {
            queues[collection]?.chosen = nil
        }
        let readers = queues[collection]?.readers ?? []
        queues[collection]?.readers = []
        let checks = queues[collection]?.checks ?? []
        queues[collection]?.checks = []
        // Before the next change begins: they find the register at rest.
        for reader in readers {
            add(reader.read.again(), owner: reader.owner)
        }
        remember(ended, proposer, result)
        goOn(with: collection)
        checkAgain(checks)
    }

    /// Keeps a place for the proposer that needs it to land as well.
    private mutating func remember(
        _ ended: RegisterQueue.Running, _ proposer: Proposer, _ result: RoundResult
    ) {
        let collection = proposer.collection
        invariant(queues[collection]?.running == nil, "a change runs while another one ends")
        var register = turnMemory[collection]
        if proposer.hasMetOthers {
            register.sharedUntil = now.advanced(by: Limits.sharedRegisterTime)
        }
        switch result {
        case .reply(.committed(let revision, _)):
            register.landed = max(register.landed, revision)
            // Of one that met no rival: who lost more often must not wait longer for it.
            let time = now.since(ended.began)
            register.time =
                register.time == .zero
                ? time : min(time, .nanoseconds(register.time.nanoseconds / 8 * 9))
            if register.sharedUntil > now {
                // A proposer elsewhere has to learn of this before it can land.
                mark("coordinator.rests")
                // It asks again after a pause, is told, comes back, and has its change carried out.
                let time = min(
                    max(register.time * 5, Limits.keptPlaceTimeMin), Limits.keptPlaceTimeMax / 2)
                queues[collection]?.keep(.others, until: now.advanced(by: time))
            } else if queues[collection]?.goesOn(ended.client, at: now) == true {
                queues[collection]?.keep(
                    .proposer(ended.client), until: now.advanced(by: Limits.keptPlaceTimeMin))
            }
        case .reply(.refused(.moved(_, let value))):
            if let revision = value.live?.revision, revision > register.landed {
                register.sharedUntil = now.advanced(by: Limits.sharedRegisterTime)
            }
            let time = turnMemory.told(ended.client, about: collection, at: now)
            queues[collection]?.keep(.proposer(ended.client), until: now.advanced(by: time))
        default: break
        }
        turnMemory[collection] = register
    }
}

extension RepositoryReply {
    /// Whether it stays true whatever becomes of the register.
    fileprivate var isLastingAnswer: Bool {
        switch self {
        case .committed, .refused(.moved): true
        default: false
        }
    }
}
