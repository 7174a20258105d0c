import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/clientRequest``.
    package static func encode(_ request: ClientRequest) -> Bytes {
        pack { $0.message(request) }
    }

    /// - Throws: `.malformedMessage`; `.valueTooLarge` when a key, a value or an action is over its
    ///   limit.
    package static func decodeClientRequest(
        _ frame: Bytes
    ) throws(DatabaseError) -> ClientRequest {
        try unpack(frame, as: "client_request", optimystic__v1__client_request__unpack) {
            message throws(DatabaseError) in try ClientRequest(wire: message)
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(_ request: ClientRequest) -> UnsafeMutablePointer<ClientRequestMessage> {
        make(optimystic__v1__client_request__init) {
            switch request {
            case .hello(let clusterName):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_HELLO
                $0.hello = make(optimystic__v1__hello__init) {
                    $0.cluster_name = text(clusterName)
                }
            case .openCollection(let open):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_OPEN_COLLECTION
                $0.open_collection = message(open)
            case .act(let action): fill(&$0, action)
            case .transact(let request):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_TRANSACT
                $0.transact = message(request)
            case .snapshot(let lives):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_SNAPSHOT
                $0.snapshot = message(snapshotOf: lives)
            case .readDiary(let read):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_DIARY
                $0.read_diary = message(read)
            case .readTree(let read):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_TREE
                $0.read_tree = message(read)
            case .readQueue(let read):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_QUEUE
                $0.read_queue = message(read)
            case .readLog(let read):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_LOG
                $0.read_log = message(read)
            case .readBlocks(let requests):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_BLOCKS
                $0.read_blocks = message(requests)
            case .commit(let attempt):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_COMMIT
                $0.commit = message(attempt)
            case .finalise(let entry):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_FINALISE
                $0.finalise = message(entry)
            case .actionStatus(let question):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACTION_STATUS
                $0.action_status = message(question)
            case .dropCollection(let drop):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_DROP_COLLECTION
                $0.drop_collection = message(drop)
            case .truncate(let request):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_TRUNCATE
                $0.truncate = message(request)
            case .retain(let request):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_RETAIN
                $0.retain = message(request)
            case .listCollections(let after, let countMax):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_LIST_COLLECTIONS
                $0.list_collections = message(collectionsAfter: after, countMax: countMax)
            case .clusterStatus:
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_CLUSTER_STATUS
                $0.cluster_status = nothing
            case .inspectTail(let name):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_INSPECT_TAIL
                $0.inspect_tail = make(optimystic__v1__inspect_tail__init) {
                    $0.name = text(name)
                }
            case .audit(let target):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_AUDIT
                $0.audit = message(target)
            }
        }
    }

    private func message(_ open: OpenCollection) -> UnsafeMutablePointer<OpenCollectionMessage> {
        make(optimystic__v1__open_collection__init) {
            $0.name = text(open.name)
            $0.kind = .init(UInt32(open.kind?.rawValue ?? 0))
            $0.encoding = .init(UInt32(open.encoding?.rawValue ?? 0))
            $0.creation = open.creation.map { message($0) }
            $0.capacity = open.capacity ?? 0
            $0.key_type = text(open.keyType?.text ?? "")
        }
    }

    private func message(_ read: DiaryReadRequest) -> UnsafeMutablePointer<ReadDiaryMessage> {
        make(optimystic__v1__read_diary__init) {
            $0.collection = digest(read.collection.digest)
            $0.incarnation = message(read.incarnation)
            $0.direction = .init(UInt32(read.direction.rawValue))
            $0.after = read.after.map { message($0) }
            if let asOf = read.asOf {
                $0.view_case = OPTIMYSTIC__V1__READ_DIARY__VIEW_AS_OF
                $0.as_of = asOf.rawValue
            }
            $0.bytes_max = read.bytesMax
            $0.wait_ms = read.waitMilliseconds
        }
    }
}

// MARK: - Reading

extension ClientRequest {
    init(wire message: ClientRequestMessage) throws(DatabaseError) {
        switch message.request_case {
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_HELLO:
            let hello = try required(message.hello, "hello")
            self = .hello(clusterName: try hello.cluster_name.name("hello.cluster_name"))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_OPEN_COLLECTION:
            self = .openCollection(try OpenCollection(wire: message.open_collection))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_APPEND:
            self = .act(try ActionRequest(wire: message.append))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_TRANSACT:
            self = .transact(try TransactionRequest(wire: message.transact))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_SNAPSHOT:
            self = .snapshot(try snapshotLives(message.snapshot))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACT_ON_TREE:
            self = .act(try ActionRequest(wire: message.act_on_tree))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACT_ON_QUEUE:
            self = .act(try ActionRequest(wire: message.act_on_queue))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_DIARY:
            self = .readDiary(try DiaryReadRequest(wire: message.read_diary))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_TREE:
            self = .readTree(try TreeReadRequest(wire: message.read_tree))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_QUEUE:
            self = .readQueue(try QueueReadRequest(wire: message.read_queue))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_LOG:
            self = .readLog(try LogReadRequest(wire: message.read_log))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_BLOCKS:
            self = .readBlocks(try blockReads(message.read_blocks))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_FINALISE:
            self = .finalise(try FinaliseEntry(wire: message.finalise))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_COMMIT:
            self = .commit(try CommitAttempt(wire: message.commit))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACTION_STATUS:
            self = .actionStatus(try ActionStatusRequest(wire: message.action_status))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_DROP_COLLECTION:
            self = .dropCollection(
                try DropCollection(wire: message.drop_collection, "drop_collection"))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_TRUNCATE:
            self = .truncate(try TruncateCollection(wire: message.truncate))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_RETAIN:
            self = .retain(try RetainHistory(wire: message.retain))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_LIST_COLLECTIONS:
            let (after, countMax) = try listing(message.list_collections)
            self = .listCollections(after: after, countMax: countMax)
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_CLUSTER_STATUS:
            self = .clusterStatus
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_INSPECT_TAIL:
            let inspect = try required(message.inspect_tail, "inspect_tail")
            self = .inspectTail(name: try inspect.name.name("inspect_tail.name"))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_AUDIT:
            self = .audit(try AuditTarget(wire: message.audit, "audit"))
        default: throw unset("client_request.request")
        }
    }
}

extension OpenCollection {
    init(wire message: UnsafeMutablePointer<OpenCollectionMessage>?) throws(DatabaseError) {
        let message = try required(message, "open_collection")
        let encoding: ValueEncoding? =
            try message.encoding.rawValue == 0
            ? nil : known(message.encoding, "open_collection.encoding")
        let kind: CollectionKind? =
            try message.kind.rawValue == 0 ? nil : known(message.kind, "open_collection.kind")
        let keyType = try message.key_type.keyType("open_collection.key_type")
        if keyType != nil, kind != .tree {
            throw malformed("open_collection.key_type", "only a tree has keys")
        }
        self.init(
            name: try message.name.name("open_collection.name"), kind: kind,
            encoding: encoding, keyType: keyType,
            creation: try message.creation == nil
                ? nil : Creation(wire: message.creation, "open_collection.creation"),
            capacity: try message.capacity == 0
                ? nil
                : bounded(
                    message.capacity, "open_collection.capacity",
                    from: Limits.nodeCapacityMin, through: .nodeCapacityMax))
    }
}

extension DiaryReadRequest {
    init(wire message: UnsafeMutablePointer<ReadDiaryMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_diary")
        let isPinned = message.view_case == OPTIMYSTIC__V1__READ_DIARY__VIEW_AS_OF
        self.init(
            collection: try message.collection.collection("read_diary.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "read_diary.incarnation"),
            direction: try known(message.direction, "read_diary.direction"),
            after: try message.after == nil
                ? nil : LogPosition(wire: message.after, "read_diary.after"),
            asOf: try isPinned ? Revision(wire: message.as_of, "read_diary.as_of") : nil,
            bytesMax: try bounded(
                message.bytes_max, "read_diary.bytes_max", from: 0, through: .pageBytesMax),
            waitMilliseconds: try bounded(
                message.wait_ms, "read_diary.wait_ms",
                from: 0, through: .requestTimeMax))
    }
}
