import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/clientRequest``.
    package static func encode(_ request: ClientRequest) -> Bytes {
        pack { $0.message(request) }
    }

    /// - Throws: `.malformedMessage`; `.valueTooLarge` when the entry to append is over its limit.
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
            case .append(let append):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_APPEND
                $0.append = message(append)
            case .readDiary(let read):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_DIARY
                $0.read_diary = message(read)
            case .actionStatus(let question):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACTION_STATUS
                $0.action_status = message(question)
            case .dropCollection(let name):
                $0.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_DROP_COLLECTION
                $0.drop_collection = make(optimystic__v1__drop_named__init) {
                    $0.name = text(name)
                }
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
            $0.kind = .init(UInt32(open.kind.rawValue))
            $0.encoding = .init(UInt32(open.encoding?.rawValue ?? 0))
            $0.creates = open.creates ? 1 : 0
            $0.action = identifier(open.action.rawValue)
        }
    }

    private func message(_ append: AppendRequest) -> UnsafeMutablePointer<AppendMessage> {
        make(optimystic__v1__append__init) {
            $0.collection = digest(append.collection.digest)
            $0.incarnation = message(append.incarnation)
            $0.action = identifier(append.action.rawValue)
            $0.first_revision = append.firstRevision.rawValue
            $0.value = bytes(append.bytes)
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

    private func message(
        _ question: ActionStatusRequest
    ) -> UnsafeMutablePointer<AskActionStatusMessage> {
        make(optimystic__v1__ask_action_status__init) {
            $0.collection = digest(question.collection.digest)
            $0.incarnation = message(question.incarnation)
            $0.action = identifier(question.action.rawValue)
            $0.first_revision = question.firstRevision.rawValue
        }
    }

    func message(_ position: DiaryPosition) -> UnsafeMutablePointer<DiaryPositionMessage> {
        make(optimystic__v1__diary_position__init) {
            $0.revision = position.revision.rawValue
            $0.index = position.index
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
            self = .append(try AppendRequest(wire: message.append))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_READ_DIARY:
            self = .readDiary(try DiaryReadRequest(wire: message.read_diary))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACTION_STATUS:
            self = .actionStatus(try ActionStatusRequest(wire: message.action_status))
        case OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_DROP_COLLECTION:
            let drop = try required(message.drop_collection, "drop_collection")
            self = .dropCollection(name: try drop.name.name("drop_collection.name"))
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
        self.init(
            name: try message.name.name("open_collection.name"),
            kind: try known(message.kind, "open_collection.kind"),
            encoding: encoding, creates: message.creates != 0,
            action: ActionID(rawValue: try message.action.identifier("open_collection.action")))
    }
}

extension AppendRequest {
    init(wire message: UnsafeMutablePointer<AppendMessage>?) throws(DatabaseError) {
        let message = try required(message, "append")
        // The one bound that an application meets by what it stores has a code of its own.
        guard message.value.len <= Limits.valueBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "field append.value: \(message.value.len) bytes, of at most "
                    + "\(Limits.valueBytesMax)")
        }
        self.init(
            collection: try message.collection.collection("append.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "append.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("append.action")),
            firstRevision: try Revision(wire: message.first_revision, "append.first_revision"),
            bytes: try message.value.bytes("append.value", bytesMax: Limits.valueBytesMax))
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
                ? nil : DiaryPosition(wire: message.after, "read_diary.after"),
            asOf: try isPinned ? Revision(wire: message.as_of, "read_diary.as_of") : nil,
            bytesMax: try bounded(
                message.bytes_max, "read_diary.bytes_max", in: 0...Limits.pageBytesMax),
            waitMilliseconds: try bounded(
                message.wait_ms, "read_diary.wait_ms",
                in: 0...Int(Limits.requestTimeMax.milliseconds)))
    }
}

extension ActionStatusRequest {
    init(wire message: UnsafeMutablePointer<AskActionStatusMessage>?) throws(DatabaseError) {
        let message = try required(message, "action_status")
        self.init(
            collection: try message.collection.collection("action_status.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "action_status.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("action_status.action")),
            firstRevision: try Revision(
                wire: message.first_revision, "action_status.first_revision"))
    }
}

extension DiaryPosition {
    init(
        wire message: UnsafeMutablePointer<DiaryPositionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        // One above the last index stands for "after all actions of the entry".
        self.init(
            revision: try Revision(wire: message.revision, "position.revision"),
            index: try bounded(
                message.index, "position.index", in: 0...Limits.bodyActionCountMax))
    }
}
