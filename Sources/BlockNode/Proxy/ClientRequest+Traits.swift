import BlockModel
import BlockRuntime

/// What a proxy and its host have to know of a request before they begin with it.
extension ClientRequest {
    /// The collection a request is about, when it names one by id.
    var collection: CollectionID? {
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

    /// What is wrong with the request as it stands; nil when nothing is.
    var problem: DatabaseError? {
        switch self {
        case .openCollection(let open): return open.problem
        case .act(let action): return action.content.problem
        case .transact(let request): return request.problem
        case .inspectTail(let name): return CollectionName.problem(name)
        default: return nil
        }
    }

    var isHello: Bool {
        if case .hello = self { return true }
        return false
    }

    /// Whether an unanswered request may have changed something.
    var changesState: Bool {
        switch self {
        case .act, .transact, .dropCollection, .commit, .truncate, .retain: true
        case .openCollection(let open): open.creation != nil
        case .hello, .readDiary, .readTree, .readQueue, .readLog, .readBlocks, .finalise,
            .actionStatus, .listCollections, .clusterStatus, .inspectTail, .audit:
            false
        }
    }

    /// Whether it may wait for an entry that no client has appended yet.
    var isPatient: Bool {
        switch self {
        case .readDiary(let read): read.waitMilliseconds > 0
        case .readLog(let read): read.waitMilliseconds > 0
        default: false
        }
    }
}
