import BlockConsensus
import BlockModel
import BlockRuntime
import BlockTransactions

/// The attempts that a coordinator executes before it takes them, each with what it has asked for.
struct Validations {
    enum Step {
        /// The coordinator itself is asked: for what an execution needs, or for the attempt.
        case ask(Coordinator.Event)
        case refuse(Coordinator.Token, DatabaseError)
    }

    private typealias ID = UInt64

    private struct Validation {
        let token: Coordinator.Token
        let request: RepositoryRequest
        let client: Coordinator.Client
        let deadline: Instant
        var executions: [AttemptExecution]
        /// The one that is under way; those before it are sound.
        var place = 0
        /// What was asked for it and has not come, and what has.
        var missing: Set<UInt64> = []
        var fetched = Fetched()
    }

    private var validations: [ID: Validation] = [:]
    /// Who has asked for something, by the token of it; nil: a tail.
    private var asked: [UInt64: (id: ID, item: FetchItem?)] = [:]
    private var lastID: ID = 0
    /// Far from those of callers and of walks.
    private var lastToken: UInt64 = 1 << 62
    private let cache = SharedBlockCache(byteCountMax: Limits.validationCacheBytesMax)

    var count: Int { validations.count }

    // MARK: Events

    /// A request has come. - Returns: nil when it is for the coordinator as it is.
    mutating func begin(
        _ request: RepositoryRequest, _ token: Coordinator.Token, client: Coordinator.Client,
        deadline: Instant, at wallMilliseconds: UInt64
    ) -> [Step]? {
        var parts: [CommitAttempt]
        switch request {
        case .commit(let attempt): parts = [attempt]
        case .transact(let attempt):
            parts = attempt.writes
            if let problem = attempt.recordProblem(at: wallMilliseconds) {
                mark("validation.refused")
                return [.refuse(token, problem)]
            }
        default: return nil
        }
        invariant(!parts.isEmpty, "an attempt that writes nothing")
        lastID += 1
        validations[lastID] = Validation(
            token: token, request: request, client: client, deadline: deadline,
            executions: parts.map { AttemptExecution($0) })
        return goOn(lastID)
    }

    /// The coordinator has answered a request. - Returns: nil when it was not one of these.
    mutating func answered(_ token: Coordinator.Token, _ reply: RepositoryReply) -> [Step]? {
        guard let (id, item) = asked.removeValue(forKey: token.rawValue) else { return nil }
        guard var validation = validations[id] else { return [] }
        invariant(
            validation.place < validation.executions.count, "an answer to what is done with")
        validation.missing.remove(token.rawValue)
        let isLast = validation.missing.isEmpty
        switch (item, reply) {
        case (_, .failed(let error)): return end(id, error)
        case (nil, .tail(let value)):
            validation.executions[validation.place].tailWasRead(value)
        case (let item?, _):
            switch item.content(of: reply) {
            case .success(.object(let key, let object, _)):
                validation.fetched.objects[key] = object
            case .success(.block(let request, let block)):
                validation.fetched.blocks[FetchedBlock.Key(request)] = block
            case .failure(let error): return end(id, error)
            }
        default: invariant(false, "a tail was asked for, not \(reply)")
        }
        if isLast {
            validation.executions[validation.place].wasFetched(validation.fetched)
            validation.fetched = Fetched()
        }
        validations[id] = validation
        return isLast ? goOn(id) : []
    }

    // MARK: Going on

    private mutating func goOn(_ id: ID) -> [Step] {
        guard var validation = validations[id] else { return [] }
        invariant(validation.missing.isEmpty, "an execution goes on without what it needs")
        while validation.place < validation.executions.count {
            switch validation.executions[validation.place].next(cache) {
            case .sound: validation.place += 1
            case .refused(let error): return end(id, error)
            case .readTail:
                let collection = validation.executions[validation.place].attempt.participant
                    .collection
                return ask(id, &validation, [(.readTail(collection), nil)])
            case .fetch(let items):
                return ask(id, &validation, items.map { ($0.request, $0) })
            }
        }
        mark("validation.sound")
        validations[id] = nil
        return [
            .ask(
                .request(
                    validation.token, validation.request, client: validation.client,
                    deadline: validation.deadline))
        ]
    }

    private mutating func ask(
        _ id: ID, _ validation: inout Validation,
        _ requests: [(request: RepositoryRequest, item: FetchItem?)]
    ) -> [Step] {
        invariant(!requests.isEmpty, "an execution waits for nothing")
        var steps: [Step] = []
        for (request, item) in requests {
            lastToken += 1
            validation.missing.insert(lastToken)
            asked[lastToken] = (id, item)
            steps.append(
                .ask(
                    .request(
                        Coordinator.Token(rawValue: lastToken), request,
                        client: validation.client, deadline: validation.deadline)))
        }
        validations[id] = validation
        return steps
    }

    /// It is not taken.
    private mutating func end(_ id: ID, _ error: DatabaseError) -> [Step] {
        guard let validation = validations.removeValue(forKey: id) else { return [] }
        mark("validation.refused")
        // Whatever the reads that failed say of themselves: this try was not taken.
        var told = error
        told.outcome = .notApplied
        return [.refuse(validation.token, told)]
    }

    func checkInvariants() {
        for validation in validations.values {
            invariant(!validation.missing.isEmpty, "an execution waits for nothing")
        }
        for (token, owner) in asked {
            let waits = validations[owner.id]?.missing.contains(token)
            invariant(waits ?? true, "an answer is awaited by one that does not wait")
        }
    }
}
