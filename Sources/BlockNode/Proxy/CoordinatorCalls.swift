import BlockModel
import BlockRuntime

/// The calls of a proxy to coordinators: which one is asked, how long its answer is waited for, and
/// what its answers, failures and silence mean for the call.
struct CoordinatorCalls: Sendable {
    typealias ID = UInt64

    /// What follows from an event, to be done in order.
    enum Effect {
        case send(coordinator: Int, id: UInt64, RepositoryRequest, deadline: Instant)
        /// ``woken(_:now:_:)`` is wanted then at the latest.
        case wake(ID, at: Instant)
        /// A try is out for the owner, with what is known now of its request.
        case tried(CoordinatorCall.Owner, AttemptDoubt)
        /// The try that was out failed; there will be others until the deadline.
        case tryFailed(CoordinatorCall.Owner, DatabaseError, AttemptDoubt)
        /// An earlier try, instead of which another one is out, has told why it failed.
        case learned(CoordinatorCall.Owner, DatabaseError)
        /// The call is over; nothing more comes of it.
        case ended(ID, CoordinatorCall, RepositoryReply)
    }

    private var calls: [ID: CoordinatorCall] = [:]
    /// Of calls that are not over, all that an answer may still come to.
    private var tries: [UInt64: CoordinatorTry] = [:]
    private var standing: CoordinatorStanding
    /// For delays; never for ids.
    private var generator: SeededGenerator

    init(_ map: ClusterMap, generator: SeededGenerator) {
        standing = CoordinatorStanding(map)
        invariant(standing.coordinatorCount > 0, "a cluster without coordinators")
        self.generator = generator
    }

    /// Calls that are not over.
    var count: Int { calls.count }
    /// In no order.
    var ids: some Collection<ID> { calls.keys }
    /// Judgements on coordinators that are remembered.
    var suspicionCount: Int { standing.suspicionCount }

    // MARK: Events

    /// A task, a writer, or what several of them wait for, needs an answer of some coordinator.
    mutating func begin(
        _ request: RepositoryRequest, owner: CoordinatorCall.Owner, deadline: Instant,
        now: Instant, _ numbers: inout SerialNumbers
    ) -> [Effect] {
        let id = numbers.next()
        invariant(calls[id] == nil, "call \(id) is begun twice")
        standing.begin(request, at: now)
        calls[id] = CoordinatorCall(
            request, owner: owner, subject: standing.subject(of: request), deadline: deadline)
        return sendTry(id, now, &numbers)
    }

    /// A coordinator answered.
    mutating func replied(_ tryID: UInt64, _ reply: RepositoryReply, now: Instant) -> [Effect] {
        guard let sent = tries.removeValue(forKey: tryID), let call = calls[sent.call]
        else { return [] }
        let isCurrent = tryID == call.currentTry
        standing.heard(sent.coordinator, at: now)
        guard call.request.isAnswered(by: reply) else {
            standing.failed(sent.coordinator, at: now)
            guard isCurrent else { return [] }
            let message = "a coordinator answered something else than was asked"
            let error = DatabaseError(
                .endpointUnreachable, message,
                outcome: call.request.changesState ? .unknown : .notApplied)
            return tryFailed(sent.call, error, now)
        }
        guard case .failed(let error) = reply else {
            standing.served(sent.coordinator, about: call.subject)
            // Also a late answer of an earlier try is a true statement.
            if !isCurrent { mark("proxy.lateAnswer") }
            return end(sent.call, reply)
        }
        standing.spoke(sent.coordinator)
        if !error.endsTries { standing.judge(sent, about: call.subject, told: error, at: now) }
        guard isCurrent else {
            calls[sent.call]?.learned(error)
            return [.learned(call.owner, error)]
        }
        return error.endsTries ? end(sent.call, reply) : tryFailed(sent.call, error, now)
    }

    /// The request of a try could not be handed to the network.
    mutating func wasNotReached(_ tryID: UInt64, now: Instant) -> [Effect] {
        guard let sent = tries.removeValue(forKey: tryID), let call = calls[sent.call]
        else { return [] }
        standing.failed(sent.coordinator, at: now)
        guard tryID == call.currentTry else { return [] }
        let error = DatabaseError(.endpointUnreachable, "no coordinator can be reached")
        return tryFailed(sent.call, error, now)
    }

    /// Every call that waits for an answer of this coordinator turns to another one at once.
    /// - Complexity: O(calls).
    mutating func connectionBroke(_ coordinator: Int, now: Instant) -> [Effect] {
        standing.failed(coordinator, at: now)
        var effects: [Effect] = []
        for id in calls.keys.sorted() {
            guard let tryID = calls[id]?.currentTry, tries[tryID]?.coordinator == coordinator
            else { continue }
            effects += tryWasLost(id, now)
        }
        return effects
    }

    /// The time has come that was asked for with ``Effect/wake(_:at:)``.
    mutating func woken(_ id: ID, now: Instant, _ numbers: inout SerialNumbers) -> [Effect] {
        guard let call = calls[id] else { return [] }
        if let tryID = call.currentTry {
            mark("proxy.noAnswer")
            if let sent = tries[tryID] {
                standing.judge(sent, about: call.subject, told: nil, at: now)
            }
            return tryWasLost(id, now)
        }
        if now >= call.deadline { return end(id, .failed(call.finalError)) }
        return sendTry(id, now, &numbers)
    }

    // MARK: Tries

    private mutating func sendTry(
        _ id: ID, _ now: Instant, _ numbers: inout SerialNumbers
    ) -> [Effect] {
        guard var call = calls[id] else { return [] }
        let time = call.tryTime(at: now)
        guard time >= Limits.requestTimeMin else { return end(id, .failed(call.finalError)) }
        invariant(now.advanced(by: time) < call.deadline, "a try beyond its call's deadline")
        let coordinatorTime = call.coordinatorTime(
            of: time, coordinatorCount: standing.coordinatorCount)
        let tryID = numbers.next()
        let coordinator = standing.choice(for: call, at: now)
        call.begin(try: tryID, at: coordinator)
        calls[id] = call
        tries[tryID] = CoordinatorTry(call: id, coordinator: coordinator, sentAt: now, time: time)
        return [
            .send(
                coordinator: coordinator, id: tryID, call.request,
                deadline: now.advanced(by: coordinatorTime)),
            .wake(id, at: endOfPatience(with: coordinator, of: call, time, now)),
            .tried(call.owner, call.doubt),
        ]
    }

    /// Until when the try that was just sent is waited for before another coordinator is asked.
    private func endOfPatience(
        with coordinator: Int, of call: CoordinatorCall, _ time: Duration, _ now: Instant
    ) -> Instant {
        invariant(call.currentTry != nil, "patience with no try")
        // Past the coordinator's own deadline: it answers by then what it knows.
        var end = now.advanced(by: time + .nanoseconds(time.nanoseconds / 8))
        if standing.coordinatorCount > 1 {
            let isDoubted = standing.isDoubted(coordinator, about: call.subject)
            // It served badly last time. It may be well again, but no client waits long to learn
            // that: its answer is welcome also while another one is asked.
            if isDoubted { mark("proxy.doubtedCoordinator") }
            let patience = call.patience(
                isDoubted: isDoubted, coordinatorCount: standing.coordinatorCount)
            end = min(end, now.advanced(by: patience))
        }
        if buggify("buggify.proxy.impatient") { end = now.advanced(by: RetryTiming.impatient) }
        return end
    }

    /// No answer: whether it was carried out is not known.
    private mutating func tryWasLost(_ id: ID, _ now: Instant) -> [Effect] {
        invariant(calls[id]?.currentTry != nil, "no try of call \(id) is out to be lost")
        let tried = (calls[id]?.triesByCoordinator.keys.sorted() ?? []).map(standing.address)
        let message = "no coordinator answered: tried \(tried.joined(separator: ", "))"
        let error =
            calls[id]?.request.changesState == true
            ? DatabaseError(
                .commitResultUnknown, message, outcome: .unknown,
                cause: DatabaseError(.endpointUnreachable, message))
            : DatabaseError(.endpointUnreachable, message)
        return tryFailed(id, error, now)
    }

    private mutating func tryFailed(
        _ id: ID, _ error: DatabaseError, _ now: Instant
    ) -> [Effect] {
        guard var call = calls[id] else { return [] }
        call.failed(error)
        let isFirstRound = call.tryCount < standing.coordinatorCount
        let delay = isFirstRound ? RetryTiming.nextService : call.delay(using: &generator)
        calls[id] = call
        return [
            .wake(id, at: min(now.advanced(by: delay), call.deadline)),
            .tryFailed(call.owner, error, call.doubt),
        ]
    }

    private mutating func end(_ id: ID, _ reply: RepositoryReply) -> [Effect] {
        guard var call = calls.removeValue(forKey: id) else { return [] }
        call.answered(reply)
        for tryID in call.tryIDs { tries[tryID] = nil }
        return [.ended(id, call, reply)]
    }

    /// Stops the process unless every try is one of a call, and each that is out can be answered.
    /// - Complexity: O(calls and tries).
    func checkInvariants() {
        standing.checkInvariants()
        for (id, call) in calls {
            call.checkInvariants()
            guard let tryID = call.currentTry else { continue }
            invariant(tries[tryID]?.call == id, "try \(tryID) of call \(id) is not known")
        }
        for (id, sent) in tries {
            invariant(
                calls[sent.call]?.tryIDs.contains(id) == true,
                "try \(id) is none of call \(sent.call)")
        }
    }
}
