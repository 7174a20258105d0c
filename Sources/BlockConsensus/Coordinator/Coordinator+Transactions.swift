import BlockModel
import BlockRuntime

/// How an attempt over several collections is carried through (protocol: home-decides).
extension Coordinator {
    mutating func transact(
        _ request: TransactionAttempt, for token: Token, deadline: Instant
    ) {
        if let problem = request.problem { return respond(token, .failed(problem)) }
        lastTransaction += 1
        let id = lastTransaction
        transactions[id] = TransactionRun(token: token, request: request, deadline: deadline)
        let home = request.homeWrite
        let storedCount = request.writes.reduce(0) { $0 + $1.prerequisiteCount }
        let proposer = makeProposer(
            home.participant.collection, .commit(home),
            prerequisiteCount: storedCount + request.attempt.participants.count - 1, deadline)
        if enqueue(proposer, owner: .decision(of: id)) == nil {
            transactions[id] = nil
            let limit = "registerQueueCountMax = \(Limits.registerQueueCountMax)"
            respond(token, .failed(overloaded(limit)))
        }
    }

    /// The turn of the decision at the home has come: everything else is stored and prepared beside
    /// its first round trip.
    mutating func prepareParticipants(of id: UInt64, for decision: UInt64) {
        guard var run = transactions[id] else { return }
        invariant(run.decision == nil && run.ending == nil, "a transaction is prepared twice")
        run.decision = decision
        run.preparing = Set(run.secondaries.map(\.collection))
        transactions[id] = run
        for write in run.request.writes
        where write.participant.collection != run.request.attempt.home {
            store(write, for: decision, deadline: run.deadline)
        }
        for part in run.secondaries {
            change(
                part.collection, .prepare(run.preparation(of: part)),
                owner: .participant(part.collection, of: id), deadline: run.deadline)
        }
    }

    /// A participant holds the attempt's intent, or refuses it.
    mutating func participantEnded(
        _ collection: CollectionID, of id: UInt64, _ result: RoundResult
    ) {
        guard var run = transactions[id] else { return }
        invariant(run.preparing.contains(collection), "a participant is prepared twice")
        run.preparing.remove(collection)
        defer { finishIfOver(id) }
        guard run.ending == nil, let decision = run.decision else {
            transactions[id] = run
            return
        }
        switch result {
        case .reply(.tail(let value)):
            invariant(
                value.live?.holdsIntent(of: run.request.attempt.digest) == true
                    || planted(.readNotHeld),
                "prepared without an intent")
            mark("transaction.prepared")
            transactions[id] = run
            propose(decision) { $0.prerequisiteIsDurable(&$1) }
        case .reply(.committed):
            // Another coordinator had the same attempt decided, and this one was carried out.
            transactions[id] = run
            propose(decision) { $0.prerequisiteIsDurable(&$1) }
        case .reply(.refused(let refusal)):
            if run.refusal == nil { run.refusal = (collection, refusal) }
            transactions[id] = run
            propose(decision) { $0.give(up: .refused(refusal), &$1) }
        case .failed(let error):
            transactions[id] = run
            propose(decision) { $0.give(up: error, &$1) }
        default: invariant(false, "a participant cannot end with \(result)")
        }
    }

    /// The home has decided, or the try was given up.
    mutating func decisionEnded(of id: UInt64, _ result: RoundResult) {
        guard var run = transactions[id] else { return }
        invariant(run.ending == nil, "a transaction is decided twice")
        run.decision = nil
        let home = run.request.attempt.home
        switch result {
        case .reply(.committed(let revision, let chainHash)):
            mark("transaction.committed")
            run.ending = .committed
            transactions[id] = run
            respond(run.token, .committed(revision, chainHash: chainHash))
        case .reply(.refused(let refusal)):
            let (collection, reason) = run.refusal ?? (home, refusal)
            run.ending = .givenUp(.refusedAt(collection, reason))
            transactions[id] = run
        case .reply(.failed(let error)), .failed(let error):
            run.ending = .givenUp(.failed(error))
            transactions[id] = run
        default: return invariant(false, "a decision cannot end with \(result)")
        }
        finishIfOver(id)
    }

    /// Carries out what was decided once no more intent can come to be: or fences the attempt at
    /// its home and takes the intents away, before its sender is told that it did not land
    /// (protocol: fence-before-discard).
    private mutating func finishIfOver(_ id: UInt64) {
        guard let run = transactions[id], let ending = run.ending, run.preparing.isEmpty else {
            return
        }
        transactions[id] = nil
        let attempt = run.request.attempt
        let others = Set(run.secondaries.map(\.collection))
        switch ending {
        case .committed: resolve(attempt.anchor, at: others, knowing: .committed)
        case .givenUp(let reply):
            if planted(.rollbackWithoutFence) {
                respond(run.token, reply)
                return resolve(attempt.anchor, at: others, knowing: .dead)
            }
            resolve(
                attempt.anchor, at: others,
                for: IntentWaiter(goal: .answer(run.token, reply, run.request), place: nil),
                isOwn: true)
        }
    }
}

extension CommitAttempt {
    /// What has to be durable before it may be decided: its pends, and its body unless that rides
    /// in the entry.
    var prerequisiteCount: Int { writes.count + (isInline ? 0 : 1) }
}
