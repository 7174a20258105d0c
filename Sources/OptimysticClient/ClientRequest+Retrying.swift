import BlockModel
import BlockRuntime

/// What a session has to know of a request to try it again.
extension ClientRequest {
    /// Whether an unanswered request may have changed something.
    var changesState: Bool {
        switch self {
        case .openCollection(let open): open.creates
        case .append, .dropCollection: true
        case .hello, .readDiary, .actionStatus, .listCollections, .clusterStatus, .inspectTail,
            .audit:
            false
        }
    }

    /// Whether it may be sent again when an earlier try may have been carried out. A creation and
    /// an append recognise their own success by the action id; a second drop by name could hit the
    /// next life of the name.
    var isRepeatable: Bool {
        if case .dropCollection = self { false } else { true }
    }

    /// What the choice of the proxy hangs on: a hint for batching, never needed for safety.
    var affinity: Bytes {
        let collection: CollectionID? =
            switch self {
            case .openCollection(let open): CollectionID(name: open.name)
            case .append(let append): append.collection
            case .readDiary(let read): read.collection
            case .actionStatus(let status): status.collection
            case .dropCollection(let name), .inspectTail(let name): CollectionID(name: name)
            case .audit(.register(let collection)): collection
            case .audit(.segment(let key)): key.collection
            case .hello, .listCollections, .clusterStatus, .audit(.content): nil
            }
        return collection?.digest.bytes ?? []
    }

    /// How long the proxy is asked to wait for something to happen before it answers.
    var waitingTime: Duration {
        guard case .readDiary(let read) = self else { return .zero }
        return .milliseconds(Int64(read.waitMilliseconds))
    }

    /// The same request, waiting so briefly that its answer can come within `time`.
    func fitting(_ time: Duration) -> ClientRequest {
        guard case .readDiary(let read) = self else { return self }
        let longest = UInt32(clamping: time.milliseconds / 2)
        guard read.waitMilliseconds > longest else { return self }
        return .readDiary(
            DiaryReadRequest(
                collection: read.collection, incarnation: read.incarnation,
                direction: read.direction, after: read.after, asOf: read.asOf,
                bytesMax: read.bytesMax, waitMilliseconds: longest))
    }

    /// Whether `reply` is an answer to this question at all.
    func isAnswered(by reply: ClientReply) -> Bool {
        switch (self, reply) {
        case (_, .failed), (.hello, .welcome), (.openCollection, .collection),
            (.append, .appended), (.readDiary, .diaryPage), (.actionStatus, .actionStatus),
            (.dropCollection, .dropped), (.listCollections, .collections),
            (.clusterStatus, .clusterStatus), (.inspectTail, .tail), (.audit, .replicas):
            true
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
}
