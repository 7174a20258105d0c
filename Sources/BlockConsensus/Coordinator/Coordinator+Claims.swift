import BlockModel
import BlockRuntime

/// A write that a client says the log lists. Peers make versions of what they are told is
/// committed, so that a false one could put what lost in the place of what was decided.
struct WriteClaim {
    let block: BlockID
    let write: CommittedWrite
}

/// A request that waits until this coordinator has read enough of the log to check it.
struct ClaimCheck {
    let token: Coordinator.Token
    let request: RepositoryRequest
    /// Which of its collections' logs is looked at, see `claimedLogs`.
    let place: Int
    let deadline: Instant
    /// What is not known yet.
    var claims: [WriteClaim]
    var tail: Tail?
    var objects = CheckedObjects()
    /// Objects that are being fetched.
    var awaited: Set<LogObjectKey> = []
}

struct CheckedObjects: LogObjectSource {
    var held: [LogObjectKey: LogObject] = [:]
    func object(_ key: LogObjectKey) -> LogObject? { held[key] }
}

/// What clients say of the log is compared with chosen tails and segments that this coordinator
/// read or wrote itself, before any of it goes to a peer
/// (protocol: facts-from-the-coordinators-own-tail).
extension Coordinator {
    /// Carries a request out if the log lists what it claims. It mostly does, and mostly that is
    /// known without asking a peer: this coordinator decided those entries.
    /// - Parameters:
    ///   - place: The first of its logs that was not compared yet.
    ///   - hasWaited: Whether the change of that log that was under way has ended.
    mutating func check(
        _ request: RepositoryRequest, for token: Token, deadline: Instant, from place: Int = 0,
        hasWaited: Bool = false
    ) {
        let logs = request.claimedLogs
        guard place < logs.count, !planted(.listsBelieved) else {
            return begin(request, for: token, deadline: deadline)
        }
        let claims = logs[place].claims
        guard !claims.isEmpty else {
            return check(request, for: token, deadline: deadline, from: place + 1)
        }
        guard let life = logs[place].life else {
            let error = DatabaseError(
                .invalidArgument, "committed writes without the collection that lists them")
            return respond(token, .failed(error))
        }
        var unknown: [WriteClaim] = []
        let log = chosenLogs.value(life.collection)
        for claim in claims {
            let known = log?.incarnation == life.incarnation ? log : nil
            switch known?.lists(claim.write, of: claim.block) {
            case true?: continue
            case false?: return refuse(claim, token)
            case nil: unknown.append(claim)
            }
        }
        if unknown.isEmpty {
            return check(request, for: token, deadline: deadline, from: place + 1)
        }
        lastCheck += 1
        invariant(checks[lastCheck] == nil, "check \(lastCheck) is under way")
        checks[lastCheck] = ClaimCheck(
            token: token, request: request, place: place, deadline: deadline, claims: unknown)
        if !hasWaited, queues[life.collection]?.running != nil {
            // A transaction is told when its home has decided: its other parts follow then.
            mark("coordinator.claims.waits")
            queues[life.collection]?.checks.append(lastCheck)
            return
        }
        mark("coordinator.claims.reads")
        // What an attempt over several collections has written here counts once it is decided,
        // though this tail may not list it yet.
        startRead(
            life.collection, owner: .reader(life.collection, .check(lastCheck)),
            deadline: deadline)
    }

    /// The change that checks waited for has ended.
    mutating func checkAgain(_ ids: [UInt64]) {
        for id in ids {
            guard let waiting = checks.removeValue(forKey: id) else { continue }
            check(
                waiting.request, for: waiting.token, deadline: waiting.deadline,
                from: waiting.place, hasWaited: true)
        }
    }

    private mutating func refuse(_ claim: WriteClaim, _ token: Token) {
        mark("coordinator.claims.refused")
        let error = DatabaseError(
            .invalidArgument,
            "the log does not list the write of block \(claim.block) at \(claim.write.revision) "
                + "that the request says it does")
        respond(token, .failed(error))
    }

    /// The tail that a check waited for has come, or could not be had.
    mutating func checkWasRead(_ id: UInt64, _ result: RoundResult) {
        guard var check = checks.removeValue(forKey: id) else { return }
        switch result {
        case .reply(.tail(let value)):
            let life = check.request.claimedLogs[check.place].life
            guard let tail = value.live, tail.incarnation == life?.incarnation else {
                return lifeIsOver(check, value)
            }
            invariant(check.tail == nil, "the tail is read once for a check")
            check.tail = tail
            look(check, id)
        case .failed(let error): respond(check.token, .failed(error))
        default: invariant(false, "a check cannot go on with \(result)")
        }
    }

    /// An object of the log that a check waited for has come, or could not be had.
    mutating func checkFetched(_ key: LogObjectKey, for id: UInt64, _ result: RoundResult) {
        guard var check = checks.removeValue(forKey: id) else { return }
        switch result {
        case .reply(.content(let bytes)):
            guard let object = try? LogObject(key, bytes: bytes) else {
                let error = DatabaseError(.corrupted, "an object of the log does not decode")
                return respond(check.token, .failed(error))
            }
            check.objects.held[key] = object
            invariant(check.awaited.contains(key), "an object that no check waits for")
            check.awaited.remove(key)
        case .failed(let error): return respond(check.token, .failed(error))
        default: invariant(false, "a check cannot go on with \(result)")
        }
        guard check.awaited.isEmpty else {
            checks[id] = check
            return
        }
        look(check, id)
    }

    private mutating func lifeIsOver(_ check: ClaimCheck, _ value: TailValue) {
        if case .commit = check.request {
            return respond(check.token, .refused(.gone(value)))
        }
        let error = DatabaseError(
            .collectionNotFound, "the collection was dropped, and perhaps created again")
        respond(check.token, .failed(error))
    }

    /// Compares the claims with the log, and fetches what that needs.
    private mutating func look(_ check: ClaimCheck, _ id: UInt64) {
        invariant(check.awaited.isEmpty, "a check goes on before it has what it needs")
        invariant(!check.claims.isEmpty && checks[id] == nil, "a check of nothing")
        guard let tail = check.tail else { return }
        let view = LogView(tail: tail, source: check.objects)
        var missing: [LogObjectKey] = []
        var left: [WriteClaim] = []
        for claim in check.claims {
            let revision = claim.write.revision
            guard revision <= tail.revision else { return refuse(claim, check.token) }
            // What is truncated is final, and need not be listed; nor can it be checked any more.
            if revision <= tail.truncatedThrough, !check.request.isFinalise { continue }
            guard revision > tail.truncatedThrough else { return refuse(claim, check.token) }
            do throws(MissingObjects) {
                guard let entry = try view.entries(from: revision, through: revision).first,
                    entry.payload == claim.write.payload
                else { return refuse(claim, check.token) }
                let results = try view.bodies(of: [entry])[0].results
                if let log = chosenLogs.value(tail.collection), log.incarnation == tail.incarnation
                {
                    log.learn(results, of: entry.bodyHash, at: revision)
                    chosenLogs.put(log, for: tail.collection, weight: log.byteCount)
                }
                let wanted = WrittenBlock(block: claim.block, resultHash: claim.write.resultHash)
                guard results.contains(wanted) else { return refuse(claim, check.token) }
            } catch {
                missing += error.keys
                left.append(claim)
            }
        }
        guard !left.isEmpty else {
            let request = check.request.listing(
                above: tail.truncatedThrough, of: tail.collection)
            return self.check(
                request, for: check.token, deadline: check.deadline, from: check.place + 1)
        }
        var waiting = check
        waiting.claims = left
        // In the order of the claims, so that a run can be repeated.
        let keys = missing.filter { waiting.awaited.insert($0).inserted }
        invariant(!keys.isEmpty, "a check that waits for nothing")
        checks[id] = waiting
        for key in keys { fetch(key, owner: .check(id, key), deadline: check.deadline) }
    }

    /// Fetches an object of a log from whichever replica has it.
    mutating func fetch(_ key: LogObjectKey, owner: RoundOwner, deadline: Instant) {
        let fetch =
            switch key {
            case .segment(let segment):
                ReplicaFetch(
                    .getSegment(segment),
                    members: Membership(shard: map.shard(of: segment.blockID), in: map),
                    deadline: deadline, isIntact: { Segment.hash(of: $0) == segment.hash })
            case .body(let block):
                ReplicaFetch(
                    .getContent(block),
                    members: Membership(shard: map.shard(of: block), in: map), deadline: deadline,
                    isIntact: { BlockID(content: $0) == block })
            }
        add(fetch, owner: owner)
    }

    // MARK: What this coordinator reads and decides

    /// A value is chosen: what the next requests claim will mostly be in it.
    package mutating func learn(chosen value: TailValue, by change: TailChange? = nil) {
        guard let tail = value.live, tail.header.kind.hasBlocks else { return }
        let collection = tail.collection
        var log = chosenLogs.value(collection)
        if let known = log, known.incarnation == tail.incarnation {
            known.learn(tail)
        } else if (log?.incarnation.generation ?? 0) < tail.incarnation.generation {
            log = ChosenLog(tail)
        }
        guard let log, log.incarnation == tail.incarnation else { return }
        if case .commit(let attempt)? = change,
            let entry = tail.openEntry(at: attempt.participant.target),
            entry.payload == attempt.payload
        {
            log.learn(
                attempt.writes.map {
                    WrittenBlock(block: $0.block, resultHash: $0.record.resultHash)
                }, of: BlockID(content: attempt.body).digest, at: entry.revision)
        }
        chosenLogs.put(log, for: collection, weight: log.byteCount)
    }
}

extension RepositoryRequest {
    fileprivate var isFinalise: Bool {
        if case .finalise = self { true } else { false }
    }

    /// The same with no write of a collection listed that is not above `revision`.
    fileprivate func listing(
        above revision: Revision, of collection: CollectionID
    ) -> RepositoryRequest {
        switch self {
        case .transact(let request):
            .transact(
                TransactionAttempt(
                    home: request.attempt.home,
                    writes: request.writes.map { write in
                        write.participant.collection == collection
                            ? write.listing(above: revision) : write
                    }, reads: request.attempt.participants.filter { $0.role == .reads },
                    wallMilliseconds: request.wallMilliseconds))
        case .commit(let attempt): .commit(attempt.listing(above: revision))
        case .readBlock(let read):
            .readBlock(
                BlockReadRequest(
                    key: read.key, revision: read.revision,
                    committed: read.committed.filter { $0.revision > revision },
                    collection: read.collection))
        default: self
        }
    }

    /// The logs that it speaks of, nil where it does not say of whom, and what it says of each.
    fileprivate var claimedLogs: [(life: CollectionLife?, claims: [WriteClaim])] {
        switch self {
        case .commit(let attempt): [attempt.claimedLog]
        case .transact(let request): request.writes.map(\.claimedLog)
        case .readBlock(let read):
            [
                (
                    read.collection.map {
                        CollectionLife(collection: $0, incarnation: read.key.incarnation)
                    }, read.committed.map { WriteClaim(block: read.key.block, write: $0) }
                )
            ]
        case .finalise(let entry):
            [
                (
                    CollectionLife(collection: entry.collection, incarnation: entry.incarnation),
                    entry.blocks.map { WriteClaim(block: $0.block, write: entry.write(of: $0)) }
                )
            ]
        default: []
        }
    }
}

extension CommitAttempt {
    fileprivate var claimedLog: (life: CollectionLife?, claims: [WriteClaim]) {
        (
            CollectionLife(
                collection: participant.collection, incarnation: participant.incarnation),
            writes.flatMap { write in
                write.committed.map { WriteClaim(block: write.block, write: $0) }
            }
        )
    }

    fileprivate func listing(above revision: Revision) -> CommitAttempt {
        let writes = writes.map { write in
            BlockWrite(
                block: write.block, record: write.record,
                committed: write.committed.filter { $0.revision > revision })
        }
        return CommitAttempt(
            participant: participant, payload: payload, body: body, writes: writes,
            headerAfter: headerAfter, checkpoint: checkpoint, pendingPolicy: pendingPolicy,
            wallMilliseconds: wallMilliseconds, transaction: transaction)
    }
}
