import BlockRuntime

/// What services and the SDK have to know of a request before they begin with it, or try again.
extension ClientRequest {
    /// The collection a request is about, when it names one by id.
    package var collection: CollectionID? {
        switch self {
        case .readDiary(let read): read.collection
        case .actionStatus(let status): status.collection
        case .act(let action): action.collection
        case .readTree(let read): read.collection
        case .readQueue(let read): read.collection
        case .readLog(let read): read.collection
        default: nil
        }
    }

    /// The name of a collection in it, which the application chose.
    package var collectionName: String? {
        switch self {
        case .openCollection(let open): open.name
        case .inspectTail(let name): name
        default: nil
        }
    }

    /// What names the change over all calls that are made for it; nil where nothing does.
    package var attemptID: Identifier128? {
        switch self {
        case .act(let action): action.action.rawValue
        case .transact(let request): request.action.rawValue
        case .commit(let attempt): attempt.payload.action.rawValue
        case .openCollection(let open): open.creation?.action.rawValue
        case .dropCollection(let drop): drop.action.rawValue
        default: nil
        }
    }

    /// Whether an unanswered request may have changed something.
    package var changesState: Bool {
        switch self {
        case .act, .transact, .dropCollection, .commit, .truncate, .retain: true
        case .openCollection(let open): open.creation != nil
        case .hello, .snapshot, .readDiary, .readTree, .readQueue, .readLog, .readBlocks,
            .finalise, .actionStatus, .listCollections, .clusterStatus, .inspectTail, .audit:
            false
        }
    }

    /// Whether it is the first request of a connection.
    package var isHello: Bool {
        if case .hello = self { return true }
        return false
    }

    /// What the choice of the proxy hangs on: a hint for batching, never needed for safety.
    package var affinity: Bytes {
        let collection: CollectionID? =
            switch self {
            case .openCollection(let open): CollectionID(name: open.name)
            case .act(let action): action.collection
            case .transact(let request): request.home
            case .snapshot(let lives): lives.first?.collection
            case .readDiary(let read): read.collection
            case .readTree(let read): read.collection
            case .readQueue(let read): read.collection
            case .readLog(let read): read.collection
            case .commit(let attempt): attempt.participant.collection
            case .finalise(let entry): entry.collection
            case .actionStatus(let status): status.collection
            case .dropCollection(let drop): drop.collection
            case .inspectTail(let name): CollectionID(name: name)
            case .truncate(let request): request.collection
            case .retain(let request): request.collection
            case .audit(.register(let collection)): collection
            case .audit(.segment(let key)): key.collection
            case .hello, .listCollections, .clusterStatus, .audit(.content), .audit(.block),
                .readBlocks:
                nil
            }
        return collection?.digest.bytes ?? []
    }

    /// How long the proxy is asked to wait for something to happen before it answers.
    package var waitingTime: Duration {
        switch self {
        case .readDiary(let read): .milliseconds(Int64(read.waitMilliseconds))
        case .readLog(let read): .milliseconds(Int64(read.waitMilliseconds))
        default: .zero
        }
    }

    /// Whether it may wait for an entry that no client has appended yet.
    package var isPatient: Bool { waitingTime > .zero }

    /// What is wrong with the request as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        switch self {
        case .openCollection(let open): return open.problem
        case .act(let action): return action.content.problem
        case .transact(let request): return request.problem
        case .snapshot(let lives): return TransactionRequest.problem(participants: lives.count)
        case .inspectTail(let name): return CollectionName.problem(name)
        default: return nil
        }
    }
}

extension OpenCollection {
    /// What is wrong with the request as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        if let problem = CollectionName.problem(name) { return problem }
        if creation != nil, kind == nil || encoding == nil {
            return DatabaseError(
                .invalidArgument, "creating a collection needs a kind and an encoding")
        }
        return nil
    }
}
