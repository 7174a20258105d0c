import BlockModel
import BlockRuntime
import BlockTransactions

/// One client of the custom workload: a local collection, as an application has one, driven by the
/// machine that ships.
///
/// It knows no more than an application: what becomes of its actions is what the reports of the
/// calls say. Half of the plans send attempts raw: the client sends each of them itself, several
/// times and with any policy, as an application that works at transactor level may.
package struct CustomClient: WorkloadClient, @unchecked Sendable {
    // SAFETY: its local collection is no other client's, so the owner of the client has it alone.

    private enum State {
        case opening
        case beginning(CollectionInfo)
        case idle
        case calling(LocalCollectionCall<Signature>, Purpose, began: Instant)
        case sending(CommitAttempt, triesLeft: Int)
        case dropping(DropCollection, triesLeft: Int)
    }

    /// What a call is for.
    private enum Purpose {
        case act, update, sync
        /// A read begins with an update, and looks then.
        case read, look
        /// The next attempt is to be sent raw: an update, and its making.
        case prepare, make
    }

    /// What the body of a call leaves behind.
    private final class Findings {
        var signature: Signature?
        var entries: [TreeEntry]?
        var attempt: CommitAttempt?
    }

    private let number: Int
    private let plan: CustomPlan
    private var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening
    private var info: CollectionInfo?
    private var opening = CollectionOpening()
    private var local: LocalCollection<Signature>?
    private var ledger: CustomLedger
    private var findings = Findings()
    private var sequence = 0
    private var isWaiting = false
    /// Of the request under way, if it is an attempt.
    private var openTry: AttemptHistory.TryID?

    package var collection: String { plan.name }

    package init(number: Int, plan: CustomPlan, generator: SeededGenerator) {
        self.number = number
        self.plan = plan
        self.generator = generator
        operationsLeft = plan.operationCount
        ledger = CustomLedger(client: number, collection: plan.name)
    }

    /// What a custom collection holds at the end, the disks tell.
    package mutating func beginFinalReads() {}

    // MARK: Asking

    package mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep {
        switch state {
        case .opening:
            return ask(opening.request(plan.name, .custom, capacity: plan.capacity))
        case .beginning(let info):
            return ask(
                .readLog(
                    LogReadRequest(
                        collection: info.collection, incarnation: info.incarnation,
                        after: info.revision)))
        case .dropping(let drop, _): return ask(.dropCollection(drop))
        case .sending(let attempt, _): return send(attempt, &history, now)
        case .calling(let call, let purpose, let began):
            return step(call, purpose, began, &history, now)
        case .idle:
            guard operationsLeft > 0 || !ledger.isEmpty else { return .finished }
            isWaiting.toggle()
            if isWaiting { return .pause(.milliseconds(generator.below(60))) }
            begin(&history, now)
            return next(&history, at: now)
        }
    }

    private mutating func ask(_ request: ClientRequest) -> WorkloadStep {
        .request(request, timeout: .milliseconds(500 + generator.below(4000)))
    }

    private mutating func send(
        _ attempt: CommitAttempt, _ history: inout History, _ now: Instant
    ) -> WorkloadStep {
        openTry = history.attempts.add(
            AttemptHistory.Try(
                client: number, collection: plan.name, participant: attempt.participant,
                payload: attempt.payload, sent: now))
        return ask(.commit(attempt))
    }

    /// Draws what to do; what is pending at the end is landed.
    private mutating func begin(_ history: inout History, _ now: Instant) {
        guard let local else { return state = .opening }
        let landing = plan.isRaw ? Purpose.prepare : .sync
        guard operationsLeft > 0 else { return call(landing, local, now) }
        operationsLeft -= 1
        if let every = plan.dropEvery, generator.chance(1, in: every) { return drop() }
        switch generator.below(20) {
        case 0..<9: act(on: local, now)
        case 9..<14: call(landing, local, now)
        case 14..<16: call(.update, local, now)
        case 16..<19: call(ledger.isEmpty ? .read : landing, local, now)
        // As an application that closes the collection and opens it anew, whatever is pending.
        default: abandon()
        }
    }

    private mutating func drop() {
        guard let info else { return state = .opening }
        let drop = DropCollection(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: generator.identifier()))
        state = .dropping(drop, triesLeft: generator.below(4))
    }

    // MARK: Calls

    private mutating func call(
        _ purpose: Purpose, _ local: LocalCollection<Signature>, _ now: Instant
    ) {
        begin(purpose == .sync ? .sync : .update, purpose, local, now, now)
    }

    private mutating func begin(
        _ kind: LocalCollectionCall<Signature>.Kind, _ purpose: Purpose,
        _ local: LocalCollection<Signature>, _ began: Instant, _ now: Instant
    ) {
        let ids = IDSource(generator.fork())
        let call = LocalCollectionCall(
            kind, on: local,
            until: now.advanced(by: .milliseconds(500 + generator.below(6000))),
            source: .init(makeID: { ids.next() }, wallMilliseconds: { 0 }),
            generator: generator.fork())
        state = .calling(call, purpose, began: began)
    }

    private mutating func act(on local: LocalCollection<Signature>, _ now: Instant) {
        sequence += 1
        let (client, name) = (number, "\(sequence)")
        let sheet = UInt8(generator.below(plan.sheetCount))
        let policies = Signature.Policy.allCases
        let policy = policies[generator.below(policies.count)]
        let id = ActionID(rawValue: generator.identifier())
        let findings = Findings()
        self.findings = findings
        let body = {
            let seen = try local.read {
                SignedSheet(try $0.value(for: [sheet])).newest(besides: client)
            }
            let signature = Signature(
                client: client, name: name, sheet: sheet, policy: policy, seen: seen)
            try local.act(signature, id: id)
            findings.signature = signature
        }
        begin(.run(body), .act, local, now, now)
    }

    private mutating func look(
        at local: LocalCollection<Signature>, _ began: Instant, _ now: Instant
    ) {
        let findings = Findings()
        self.findings = findings
        let body = { findings.entries = try local.read { try $0.entries() } }
        begin(.run(body), .look, local, began, now)
    }

    private mutating func make(on local: LocalCollection<Signature>, _ now: Instant) {
        let payload = PayloadID(
            action: ActionID(rawValue: generator.identifier()), execution: 0)
        let findings = Findings()
        self.findings = findings
        let body = {
            findings.attempt = try local.attempt(payload: payload, wallMilliseconds: 0)
        }
        begin(.run(body), .make, local, now, now)
    }

    private mutating func step(
        _ call: LocalCollectionCall<Signature>, _ purpose: Purpose, _ began: Instant,
        _ history: inout History, _ now: Instant
    ) -> WorkloadStep {
        var call = call
        do {
            let step = try call.next(at: now)
            state = .calling(call, purpose, began: began)
            switch step {
            case .ask(.commit(let attempt)): return send(attempt, &history, now)
            case .ask(let request): return ask(request)
            case .pause(let duration): return .pause(duration)
            case .done(let report): ended(purpose, report, began, &history, now)
            }
        } catch {
            failed(purpose, error, &history, now)
        }
        return next(&history, at: now)
    }

    /// A call has ended as it should.
    private mutating func ended(
        _ purpose: Purpose, _ report: CollectionBehavior<Signature>.Update, _ began: Instant,
        _ history: inout History, _ now: Instant
    ) {
        state = .idle
        guard let local, let info else { return state = .opening }
        // Also a call that reports nothing may find that a pending action cannot be run any more:
        // the next update or sync tells, and `untold` before.
        let told =
            switch purpose {
            case .update, .sync, .prepare, .read: report
            case .act, .look, .make: local.untold
            }
        ledger.note(
            told, pending: local.pending.map(\.action), hasLanded: purpose == .sync, &history, now)
        switch purpose {
        case .act:
            guard let signature = findings.signature else { return }
            ledger.begin(signature, info.incarnation, &history, now)
        case .update, .sync: break
        case .read: if ledger.isEmpty { look(at: local, began, now) }
        case .look:
            history.customs.add(
                CustomHistory.Reading(
                    client: number, collection: plan.name, incarnation: info.incarnation,
                    begun: began, ended: now, revision: local.revision,
                    entries: findings.entries ?? []))
        case .prepare: if !ledger.isEmpty { make(on: local, now) }
        case .make:
            guard let attempt = findings.attempt else { return }
            let policies = PendingPolicy.allCases
            state = .sending(
                attempt.with(policies[generator.below(policies.count)]),
                triesLeft: generator.below(3))
        }
    }

    private mutating func failed(
        _ purpose: Purpose, _ error: any Error, _ history: inout History, _ now: Instant
    ) {
        state = .idle
        guard let local else { return state = .opening }
        // What had become of pending actions by then is kept for a client that asks.
        ledger.note(
            local.untold, pending: local.pending.map(\.action), hasLanded: false, &history, now)
        guard let error = error as? DatabaseError else {
            return invariant(false, "a signature fails only when it is run again: \(error)")
        }
        let isGone = error.code == .collectionNotFound
        if purpose == .sync, error.outcome == .notApplied, isGone || generator.chance(1, in: 3) {
            // The application takes the no for a no.
            ledger.refuse(&history, now)
            return abandon(isGone: isGone)
        }
        if isGone || generator.chance(1, in: 8) { abandon(isGone: isGone) }
    }

    /// Lets go of the local collection.
    private mutating func abandon(isGone: Bool = false) {
        ledger.close()
        local = nil
        if isGone { info = nil }
        state = info.map { .beginning($0) } ?? .opening
    }

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        if let openTry { history.attempts.tell(openTry, AttemptHistory.Answer(reply)) }
        openTry = nil
        switch (state, reply) {
        case (.opening, _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            self.info = info
            state = .beginning(info)
        case (.beginning(let info), .logPage(let page)):
            let local = LocalCollection(
                collection: info.collection, incarnation: info.incarnation,
                behavior: Signature.behavior, checkpoint: page, cacheBytesMax: 1 << 16)
            self.local = local
            ledger.begin()
            call(.update, local, now)
        case (.beginning, .failed(let error)):
            if error.code == .collectionNotFound { abandon(isGone: true) }
        // Whichever client did it, the life is over.
        case (.dropping, .dropped), (.dropping, .absent): abandon(isGone: true)
        case (.dropping(let drop, let triesLeft), .failed):
            state = triesLeft > 0 ? .dropping(drop, triesLeft: triesLeft - 1) : .idle
        case (.sending(let attempt, let triesLeft), _):
            answered(reply, attempt, triesLeft, &history, now)
        case (.calling(var call, let purpose, let began), _):
            do {
                try call.receive(reply)
                state = .calling(call, purpose, began: began)
            } catch {
                failed(purpose, error, &history, now)
            }
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    /// A try has ended; the next one of the same attempt is sent whatever came of it.
    private mutating func answered(
        _ reply: ClientReply, _ attempt: CommitAttempt, _ triesLeft: Int,
        _ history: inout History, _ now: Instant
    ) {
        guard let local else { return state = .opening }
        local.attemptWasLetGo()
        if case .committed(let revision, _) = reply, local.attemptLanded(at: revision) {
            ledger.note(
                nil, pending: local.pending.map(\.action), hasLanded: true, &history, now)
        }
        // Where the proxy did not say that it is there, the log decides.
        state = triesLeft > 0 ? .sending(attempt, triesLeft: triesLeft - 1) : .idle
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        openTry = nil
        opening.forget()
        // What its process held when it died, an action that replaces another one among it, may
        // land all the same.
        if let local { ledger.died(local.untold, pending: local.pending.map(\.action), &history) }
        abandon(isGone: true)
    }
}

extension CommitAttempt {
    /// The same attempt, with another policy.
    fileprivate func with(_ policy: PendingPolicy) -> CommitAttempt {
        CommitAttempt(
            participant: participant, payload: payload, body: body, writes: writes,
            headerAfter: headerAfter, checkpoint: checkpoint, pendingPolicy: policy,
            wallMilliseconds: wallMilliseconds)
    }
}

/// Ids for the calls of one client.
private final class IDSource {
    private var generator: SeededGenerator

    init(_ generator: SeededGenerator) { self.generator = generator }

    func next() -> ActionID { ActionID(rawValue: generator.identifier()) }
}
