import BlockModel
import BlockRuntime

/// What a session has to know of a request to try it again.
extension ClientRequest {
    /// Whether an unanswered request may have changed something.
    var changesState: Bool {
        switch self {
        case .openCollection(let open): open.creation != nil
        case .act, .transact, .dropCollection, .commit, .truncate, .retain: true
        case .hello, .readDiary, .readTree, .readQueue, .readLog, .readBlocks, .finalise,
            .actionStatus,
            .listCollections, .clusterStatus, .inspectTail,
            .audit:
            false
        }
    }

    /// What names the change over all calls that are made for it; nil where nothing does.
    var attemptID: Identifier128? {
        switch self {
        case .act(let action): action.action.rawValue
        case .transact(let request): request.action.rawValue
        case .commit(let attempt): attempt.payload.action.rawValue
        case .openCollection(let open): open.creation?.action.rawValue
        case .dropCollection(let drop): drop.action.rawValue
        default: nil
        }
    }

    /// The name of a collection in it, which the application chose.
    var collectionName: String? {
        switch self {
        case .openCollection(let open): open.name
        case .inspectTail(let name): name
        default: nil
        }
    }

    /// What the choice of the proxy hangs on: a hint for batching, never needed for safety.
    var affinity: Bytes {
        let collection: CollectionID? =
            switch self {
            case .openCollection(let open): CollectionID(name: open.name)
            case .act(let action): action.collection
            case .transact(let request): request.home
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
    var waitingTime: Duration {
        switch self {
        case .readDiary(let read): .milliseconds(Int64(read.waitMilliseconds))
        case .readLog(let read): .milliseconds(Int64(read.waitMilliseconds))
        default: .zero
        }
    }

    /// The same request, waiting so briefly that its answer can come within `time`.
    func fitting(_ time: Duration) -> ClientRequest {
        let longest = UInt32(clamping: time.milliseconds / 2)
        switch self {
        case .readDiary(let read) where read.waitMilliseconds > longest:
            return .readDiary(
                DiaryReadRequest(
                    collection: read.collection, incarnation: read.incarnation,
                    direction: read.direction, after: read.after, asOf: read.asOf,
                    bytesMax: read.bytesMax, waitMilliseconds: longest))
        case .readLog(let read) where read.waitMilliseconds > longest:
            return .readLog(
                LogReadRequest(
                    collection: read.collection, incarnation: read.incarnation, after: read.after,
                    bytesMax: read.bytesMax, waitMilliseconds: longest))
        default: return self
        }
    }

    /// Whether `reply` is an answer to this question at all.
    func isAnswered(by reply: ClientReply) -> Bool {
        switch (self, reply) {
        case (_, .failed), (.hello, .welcome), (.openCollection, .collection),
            (.openCollection, .absent), (.dropCollection, .absent),
            (.act, .acted), (.readDiary, .diaryPage), (.actionStatus, .actionStatus),
            (.readLog, .logPage), (.readBlocks, .blocks), (.commit, .committed),
            (.commit, .refused), (.finalise, .finalised), (.dropCollection, .dropped),
            (.truncate, .history), (.retain, .history),
            (.listCollections, .collections),
            (.clusterStatus, .clusterStatus), (.inspectTail, .tail), (.audit, .replicas):
            true
        case (.readTree(let read), _): read.query.isAnswered(by: reply)
        case (.readQueue(let read), _): read.query.isAnswered(by: reply)
        default: false
        }
    }
}

extension TreeQuery {
    fileprivate func isAnswered(by reply: ClientReply) -> Bool {
        switch (self, reply) {
        case (.values, .treeValues), (.range, .treePage), (.count, .count): true
        default: false
        }
    }
}

extension QueueQuery {
    fileprivate func isAnswered(by reply: ClientReply) -> Bool {
        switch (self, reply) {
        case (.peek, .queueValues), (.count, .count): true
        default: false
        }
    }
}

extension DatabaseError {
    /// Whether another try, perhaps at another proxy, has a chance. Everything else is about the
    /// request itself.
    var isTransient: Bool {
        switch code {
        case .overloaded, .shuttingDown, .quorumUnavailable, .endpointUnreachable,
            .deadlineExceeded, .commitResultUnknown, .notParticipating, .wrongEpoch:
            true
        default: false
        }
    }

    /// Whether it says what is wrong with one address, and nothing of the request.
    var isOfOneProxy: Bool {
        switch code {
        case .wrongService, .wrongCluster, .versionUnsupported, .endpointUnreachable: true
        default: false
        }
    }

    /// The same trouble with one proxy, where another one may do.
    var asUnreachable: DatabaseError {
        DatabaseError(.endpointUnreachable, message, outcome: outcome, cause: self)
    }
}
