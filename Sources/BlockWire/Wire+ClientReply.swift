import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/clientReply``.
    package static func encode(_ reply: ClientReply) -> Bytes {
        pack { $0.message(reply) }
    }

    /// - Throws: `.malformedMessage`.
    package static func decodeClientReply(_ frame: Bytes) throws(DatabaseError) -> ClientReply {
        try unpack(frame, as: "client_reply", optimystic__v1__client_reply__unpack) {
            message throws(DatabaseError) in try ClientReply(wire: message)
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(_ reply: ClientReply) -> UnsafeMutablePointer<ClientReplyMessage> {
        make(optimystic__v1__client_reply__init) { fill(&$0, reply) }
    }

    private func fill(_ message: inout ClientReplyMessage, _ reply: ClientReply) {
        switch reply {
        case .welcome(let welcome):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_WELCOME
            message.welcome = self.message(welcome)
        case .collection(let info):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COLLECTION
            message.collection = self.message(info)
        case .acted(let landing): fill(&message, landing)
        case .transacted(let parts):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TRANSACTED
            message.transacted = self.message(parts)
        case .snapshot(let revisions):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_SNAPSHOT
            message.snapshot = self.message(snapshot: revisions)
        case .diaryPage(let page):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_DIARY_PAGE
            message.diary_page = self.message(page)
        case .treeValues, .treePage, .count, .queueValues, .logPage, .blocks, .committed, .refused:
            fillRead(&message, reply)
        case .actionStatus(let landing, let asOf):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ACTION_STATUS
            message.action_status = self.message(status: landing, asOf: asOf)
        case .finalised:
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_FINALISED
            message.finalised = nothing
        case .history(let state):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_HISTORY
            message.history = self.message(state)
        case .dropped:
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_DROPPED
            message.dropped = nothing
        case .absent(let generation):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ABSENT
            message.absent = make(optimystic__v1__absent__init) { $0.generation = generation }
        case .collections(let infos, let next):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COLLECTIONS
            message.collections = make(optimystic__v1__collection_page__init) {
                $0.collections = list(infos) { self.message($0) }
                $0.n_collections = infos.count
                $0.next = digest(next?.digest)
            }
        case .clusterStatus(let reports):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_CLUSTER_STATUS
            message.cluster_status = self.message(reports)
        case .tail(let tail, let replicas):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TAIL
            message.tail = make(optimystic__v1__tail_report__init) {
                $0.tail = bytes(tail.canonicalBytes)
                $0.replicas = list(replicas) { self.message($0) }
                $0.n_replicas = replicas.count
            }
        case .replicas(let reports, let copy):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_REPLICAS
            message.replicas = self.message(reports, copy: copy)
        case .failed(let error):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_FAILED
            message.failed = self.message(error)
        }
    }

    /// The replies about trees, queues, logs and blocks.
    private func fillRead(_ message: inout ClientReplyMessage, _ reply: ClientReply) {
        switch reply {
        case .treeValues(let values):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TREE_VALUES
            message.tree_values = self.message(values)
        case .treePage(let page):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TREE_PAGE
            message.tree_page = self.message(page)
        case .count(let count, let asOf):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COUNT
            message.count = self.message(count: count, asOf: asOf)
        case .queueValues(let values):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_QUEUE_VALUES
            message.queue_values = self.message(values)
        case .logPage(let page):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_LOG_PAGE
            message.log_page = self.message(page)
        case .blocks(let copies):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_BLOCKS
            message.blocks = self.message(copies)
        case .committed(let revision, let chainHash):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COMMITTED
            message.committed = self.message(committed: revision, chainHash: chainHash)
        case .refused(let refusal):
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_REFUSED
            message.refused = self.message(refusal)
        default: fatalError("invariant: only the replies that are listed above come here")
        }
    }

    private func message(_ welcome: Welcome) -> UnsafeMutablePointer<WelcomeMessage> {
        make(optimystic__v1__welcome__init) {
            $0.cluster = identifier(welcome.cluster.rawValue)
            $0.cluster_name = text(welcome.clusterName)
            $0.proxies = array(welcome.proxies) { text($0) }
            $0.n_proxies = welcome.proxies.count
            $0.version = text(welcome.version)
        }
    }

    private func message(_ info: CollectionInfo) -> UnsafeMutablePointer<CollectionInfoMessage> {
        make(optimystic__v1__collection_info__init) {
            $0.name = text(info.name)
            $0.incarnation = message(info.incarnation)
            $0.header = message(info.header)
            $0.revision = info.revision.rawValue
            $0.created_by = identifier(info.createdBy.rawValue)
        }
    }

    private func message(_ page: DiaryPage) -> UnsafeMutablePointer<DiaryPageMessage> {
        make(optimystic__v1__diary_page__init) {
            $0.entries = list(page.entries) { entry in
                make(optimystic__v1__diary_entry__init) {
                    $0.position = message(entry.position)
                    $0.action = identifier(entry.action.rawValue)
                    $0.value = bytes(entry.bytes)
                    $0.transaction = entry.transaction.map { message($0) }
                    $0.wall_ms = entry.wallMilliseconds
                }
            }
            $0.n_entries = page.entries.count
            $0.as_of = page.asOf.rawValue
            $0.is_last = page.isLast ? 1 : 0
        }
    }
}

// MARK: - Reading

extension ClientReply {
    init(wire message: ClientReplyMessage) throws(DatabaseError) {
        switch message.reply_case {
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_WELCOME:
            self = .welcome(try Welcome(wire: message.welcome))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COLLECTION:
            self = .collection(try CollectionInfo(wire: message.collection, "collection"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_APPENDED:
            let position = try LogPosition(wire: message.appended, "appended")
            self = .acted(ActionLanding(position: position, outcome: .appended))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TRANSACTED:
            self = .transacted(try transactedParts(message.transacted))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_SNAPSHOT:
            self = .snapshot(try snapshotRevisions(message.snapshot))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ACTED:
            self = .acted(try ActionLanding(wire: message.acted))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_DIARY_PAGE:
            self = .diaryPage(try DiaryPage(wire: message.diary_page))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ACTION_STATUS:
            let status = try required(message.action_status, "action_status")
            self = .actionStatus(
                try ActionLanding(status: status),
                asOf: try Revision(wire: status.as_of, "action_status.as_of"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_HISTORY:
            self = .history(try HistoryState(wire: message.history))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_DROPPED:
            self = .dropped
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ABSENT:
            let absent = try required(message.absent, "absent")
            self = .absent(generation: try counted(absent.generation, "absent.generation"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COLLECTIONS:
            let page = try required(message.collections, "collections")
            self = .collections(
                try list(
                    page.collections, page.n_collections, "collections",
                    countMax: .pageItemCountMax
                ) { item throws(DatabaseError) in try CollectionInfo(wire: item, "collections") },
                next: try page.next.collectionIfAny("collections.next"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_CLUSTER_STATUS:
            self = .clusterStatus(try peerReports(message.cluster_status, "cluster_status"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TAIL:
            let report = try required(message.tail, "tail")
            self = .tail(
                try report.tail.tail("tail.tail"),
                replicas: try replicaReports(report.replicas, report.n_replicas))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_REPLICAS:
            let (reports, copy) = try auditedReplicas(message.replicas)
            self = .replicas(reports, copy)
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_FAILED:
            self = .failed(try DatabaseError(wire: message.failed, "failed"))
        default:
            guard let reply = try ClientReply(wireOfReads: message) else {
                throw unset("client_reply.reply")
            }
            self = reply
        }
    }

    /// The replies about trees, queues, logs and blocks; nil when it is none of them.
    private init?(wireOfReads message: ClientReplyMessage) throws(DatabaseError) {
        switch message.reply_case {
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TREE_VALUES:
            self = .treeValues(try TreeValues(wire: message.tree_values))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_TREE_PAGE:
            self = .treePage(try TreePage(wire: message.tree_page))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COUNT:
            let count = try required(message.count, "count")
            self = .count(
                try counted(count.count, "count.count"),
                asOf: try Revision(wire: count.as_of, "count.as_of"))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_QUEUE_VALUES:
            self = .queueValues(try QueueValues(wire: message.queue_values))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_LOG_PAGE:
            self = .logPage(try LogPage(wire: message.log_page))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_BLOCKS:
            self = .blocks(try blockStates(message.blocks))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_COMMITTED:
            let (revision, chainHash) = try committedEntry(message.committed)
            self = .committed(revision, chainHash: chainHash)
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_REFUSED:
            self = .refused(try CommitRefusal(wire: message.refused))
        case OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_FINALISED: self = .finalised
        default: return nil
        }
    }
}

extension Welcome {
    init(wire message: UnsafeMutablePointer<WelcomeMessage>?) throws(DatabaseError) {
        let message = try required(message, "welcome")
        self.init(
            cluster: ClusterID(rawValue: try message.cluster.identifier("welcome.cluster")),
            clusterName: try message.cluster_name.name("welcome.cluster_name"),
            proxies: try array(
                message.proxies, message.n_proxies, "welcome.proxies",
                countMax: .serviceCountMax
            ) { address throws(DatabaseError) in
                try address.text("welcome.proxies", bytesMax: .labelBytesMax)
            },
            version: try message.version.text("welcome.version", bytesMax: .labelBytesMax))
    }
}

extension CollectionInfo {
    init(
        wire message: UnsafeMutablePointer<CollectionInfoMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            name: try message.name.name("collection.name"),
            incarnation: try Incarnation(wire: message.incarnation, "collection.incarnation"),
            header: try CollectionHeader(wire: message.header, "collection.header"),
            revision: try Revision(wire: message.revision, "collection.revision"),
            createdBy: ActionID(
                rawValue: try message.created_by.identifier("collection.created_by")))
    }
}

extension DiaryPage {
    init(wire message: UnsafeMutablePointer<DiaryPageMessage>?) throws(DatabaseError) {
        let message = try required(message, "diary_page")
        self.init(
            entries: try list(
                message.entries, message.n_entries, "diary_page.entries",
                countMax: .pageItemCountMax
            ) { item throws(DatabaseError) in try DiaryEntry(wire: item) },
            asOf: try Revision(wire: message.as_of, "diary_page.as_of"),
            isLast: message.is_last != 0)
    }
}

extension DiaryEntry {
    init(wire message: UnsafeMutablePointer<DiaryEntryMessage>?) throws(DatabaseError) {
        let message = try required(message, "diary_page.entries")
        self.init(
            position: try LogPosition(wire: message.position, "entry.position"),
            action: ActionID(rawValue: try message.action.identifier("entry.action")),
            bytes: try message.value.bytes("entry.value", bytesMax: .valueBytesMax),
            transaction: try message.transaction == nil
                ? nil : TransactionID(wire: message.transaction, "entry.transaction"),
            wallMilliseconds: message.wall_ms)
    }
}
