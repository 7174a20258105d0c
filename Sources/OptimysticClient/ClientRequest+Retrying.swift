import BlockModel
import BlockRuntime

/// What a session has to know of a request to try it again.
extension ClientRequest {
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
            (.act, .acted), (.transact, .transacted), (.snapshot, .snapshot),
            (.readDiary, .diaryPage),
            (.actionStatus, .actionStatus),
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
