import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// The payload of ``WireKind/repositoryRequest``.
    package static func encode(_ request: RepositoryRequest) -> Bytes {
        pack { $0.message(request) }
    }

    /// - Throws: `.malformedMessage`.
    package static func decodeRepositoryRequest(
        _ frame: Bytes
    ) throws(DatabaseError) -> RepositoryRequest {
        try unpack(frame, as: "repository_request", optimystic__v1__repository_request__unpack) {
            message throws(DatabaseError) in try RepositoryRequest(wire: message)
        }
    }

    /// The payload of ``WireKind/repositoryReply``.
    package static func encode(_ reply: RepositoryReply) -> Bytes {
        pack { $0.message(reply) }
    }

    /// - Throws: `.malformedMessage`, also for a tail that contradicts itself.
    package static func decodeRepositoryReply(
        _ frame: Bytes
    ) throws(DatabaseError) -> RepositoryReply {
        try unpack(frame, as: "repository_reply", optimystic__v1__repository_reply__unpack) {
            message throws(DatabaseError) in try RepositoryReply(wire: message)
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(
        _ request: RepositoryRequest
    ) -> UnsafeMutablePointer<RepositoryRequestMessage> {
        make(optimystic__v1__repository_request__init) {
            switch request {
            case .readTail(let collection):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_READ_TAIL
                $0.read_tail = digest(collection.digest)
            case .create(let creation):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_CREATE
                $0.create = message(creation)
            case .commit(let attempt):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_COMMIT
                $0.commit = message(attempt)
            case .transact(let attempt):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_TRANSACT
                $0.transact = message(attempt)
            case .drop(let life):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_DROP
                $0.drop = message(life)
            case .truncate(let request):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_TRUNCATE
                $0.truncate = message(request)
            case .retain(let request):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_RETAIN
                $0.retain = message(request)
            case .sweep(let peer, let after):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_SWEEP
                $0.sweep = message(sweepOf: peer, after: after)
            case .getContent(let block):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_GET_CONTENT
                $0.get_content = digest(block.digest)
            case .getSegment(let key):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_GET_SEGMENT
                $0.get_segment = message(key)
            case .listCollections(let after, let countMax):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_LIST_COLLECTIONS
                $0.list_collections = message(collectionsAfter: after, countMax: countMax)
            case .status:
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_STATUS
                $0.status = nothing
            case .audit(let target):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_AUDIT
                $0.audit = message(target)
            case .readBlock(let request):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_READ_BLOCK
                $0.read_block = message(request)
            case .finalise(let entry):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_FINALISE
                $0.finalise = message(entry)
            case .listPends(let shard, let after, let countMax):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_LIST_PENDS
                $0.list_pends = make(optimystic__v1__list_shard_pends__init) {
                    $0.shard = shard.rawValue
                    $0.page = message(pendsAfter: after, countMax: countMax)
                }
            case .scrub(let shard, let after, let countMax):
                $0.request_case = OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_SCRUB
                $0.scrub = make(optimystic__v1__scrub_shard__init) {
                    $0.shard = shard.rawValue
                    $0.page = message(versionsAfter: after, countMax: countMax)
                }
            }
        }
    }

    private func message(
        _ creation: CreateCollection
    ) -> UnsafeMutablePointer<CreateCollectionMessage> {
        make(optimystic__v1__create_collection__init) {
            $0.name = text(creation.name)
            $0.header = message(creation.header)
            $0.creation = message(creation.creation)
            $0.nonce = identifier(creation.nonce)
        }
    }

    func message(_ attempt: CommitAttempt) -> UnsafeMutablePointer<CommitAttemptMessage> {
        make(optimystic__v1__commit_attempt__init) {
            $0.participant = message(attempt.participant)
            $0.payload = message(attempt.payload)
            $0.body = bytes(attempt.body)
            if let checkpoint = attempt.checkpoint {
                $0.riding_case = OPTIMYSTIC__V1__COMMIT_ATTEMPT__RIDING_CHECKPOINT
                $0.checkpoint = checkpoint.revision.rawValue
                $0.lagging = list(checkpoint.lagging) { message($0) }
                $0.n_lagging = checkpoint.lagging.count
            }
            $0.wall_ms = attempt.wallMilliseconds
            $0.pending_policy = .init(UInt32(attempt.pendingPolicy.rawValue))
            $0.header_after = attempt.headerAfter.map { message($0) }
            $0.writes = list(attempt.writes) { message($0) }
            $0.n_writes = attempt.writes.count
        }
    }

    func message(_ reply: RepositoryReply) -> UnsafeMutablePointer<RepositoryReplyMessage> {
        make(optimystic__v1__repository_reply__init) {
            switch reply {
            case .tail(let tail):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_TAIL
                $0.tail = bytes(tail.canonicalBytes)
            case .committed(let revision, let chainHash):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_COMMITTED
                $0.committed = message(committed: revision, chainHash: chainHash)
            case .refused(let refusal):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REFUSED
                $0.refused = message(refusal)
            case .refusedAt(let collection, let refusal):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REFUSED_AT
                $0.refused_at = message(refusal, at: collection)
            case .content(let content):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_CONTENT
                $0.content = bytes(content)
            case .collections(let tails, let next):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_COLLECTIONS
                $0.collections = make(optimystic__v1__tail_page__init) {
                    $0.tails = array(tails) { bytes($0.canonicalBytes) }
                    $0.n_tails = tails.count
                    $0.next = digest(next?.digest)
                }
            case .status(let reports):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_STATUS
                $0.status = message(reports)
            case .replicas(let reports, let copy):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REPLICAS
                $0.replicas = message(reports, copy: copy)
            case .failed(let error):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_FAILED
                $0.failed = message(error)
            case .block(let copy):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_BLOCK
                $0.block = message(state: copy)
            case .finalised:
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_FINALISED
                $0.finalised = nothing
            case .pends(let pends, let next):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_PENDS
                $0.pends = message(pends, next: next)
            case .swept(let report):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_SWEPT
                $0.swept = message(report)
            case .scrubbed(let report):
                $0.reply_case = OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_SCRUBBED
                $0.scrubbed = message(report)
            }
        }
    }

    func message(
        committed revision: Revision, chainHash: Digest
    ) -> UnsafeMutablePointer<CommittedMessage> {
        make(optimystic__v1__committed__init) {
            $0.revision = revision.rawValue
            $0.chain_hash = digest(chainHash)
        }
    }

    func message(_ refusal: CommitRefusal) -> UnsafeMutablePointer<CommitRefusalMessage> {
        make(optimystic__v1__commit_refusal__init) {
            switch refusal {
            case .moved(let landing, let tail):
                $0.reason_case = OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_MOVED
                $0.moved = make(optimystic__v1__moved__init) {
                    $0.landing = .init(UInt32(landing.rawValue))
                    $0.tail = bytes(tail.canonicalBytes)
                }
            case .gone(let tail):
                $0.reason_case = OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_GONE
                $0.gone = bytes(tail.canonicalBytes)
            case .blocked(let tail):
                $0.reason_case = OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_BLOCKED
                $0.blocked = bytes(tail.canonicalBytes)
            case .fenced(let tail):
                $0.reason_case = OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_FENCED
                $0.fenced = bytes(tail.canonicalBytes)
            case .pending(let block, let pends):
                $0.reason_case = OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_PENDING
                $0.pending = make(optimystic__v1__pending_block__init) {
                    $0.block = digest(block.digest)
                    $0.pends = list(pends) { message($0) }
                    $0.n_pends = pends.count
                }
            }
        }
    }
}

// MARK: - Reading

extension RepositoryRequest {
    init(wire message: RepositoryRequestMessage) throws(DatabaseError) {
        switch message.request_case {
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_READ_TAIL:
            self = .readTail(try message.read_tail.collection("read_tail"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_CREATE:
            self = .create(try CreateCollection(wire: message.create))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_COMMIT:
            self = .commit(try CommitAttempt(wire: message.commit))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_TRANSACT:
            self = .transact(try TransactionAttempt(wire: message.transact))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_DROP:
            self = .drop(try DropCollection(wire: message.drop, "drop"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_TRUNCATE:
            self = .truncate(try TruncateCollection(wire: message.truncate))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_RETAIN:
            self = .retain(try RetainHistory(wire: message.retain))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_SWEEP:
            let sweep = try required(message.sweep, "sweep")
            self = .sweep(
                PeerID(rawValue: try sweep.peer.identifier("sweep.peer")),
                after: try sweep.after.placeIfAny("sweep.after"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_GET_CONTENT:
            self = .getContent(try message.get_content.block("get_content"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_GET_SEGMENT:
            self = .getSegment(try SegmentKey(wire: message.get_segment, "get_segment"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_LIST_COLLECTIONS:
            let (after, countMax) = try listing(message.list_collections)
            self = .listCollections(after: after, countMax: countMax)
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_STATUS:
            self = .status
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_AUDIT:
            self = .audit(try AuditTarget(wire: message.audit, "audit"))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_READ_BLOCK:
            self = .readBlock(try BlockReadRequest(wire: message.read_block))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_FINALISE:
            self = .finalise(try FinaliseEntry(wire: message.finalise))
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_LIST_PENDS:
            let list = try required(message.list_pends, "list_pends")
            let (after, countMax) = try pendListing(list.page)
            self = .listPends(
                try ShardID(wire: list.shard, "list_pends.shard"), after: after,
                countMax: countMax)
        case OPTIMYSTIC__V1__REPOSITORY_REQUEST__REQUEST_SCRUB:
            let scrub = try required(message.scrub, "scrub")
            let (after, countMax) = try versionListing(scrub.page)
            self = .scrub(
                try ShardID(wire: scrub.shard, "scrub.shard"), after: after, countMax: countMax)
        default: throw unset("repository_request.request")
        }
    }
}

extension CreateCollection {
    init(wire message: UnsafeMutablePointer<CreateCollectionMessage>?) throws(DatabaseError) {
        let message = try required(message, "create")
        self.init(
            name: try message.name.name("create.name"),
            header: try CollectionHeader(wire: message.header, "create.header"),
            creation: try Creation(wire: message.creation, "create.creation"),
            nonce: try message.nonce.identifier("create.nonce"))
    }
}

extension CommitAttempt {
    init(wire message: UnsafeMutablePointer<CommitAttemptMessage>?) throws(DatabaseError) {
        let message = try required(message, "commit")
        let carries = message.riding_case == OPTIMYSTIC__V1__COMMIT_ATTEMPT__RIDING_CHECKPOINT
        self.init(
            participant: try Participant(wire: message.participant, "commit.participant"),
            payload: try PayloadID(wire: message.payload, "commit.payload"),
            body: try message.body.bytes("commit.body", bytesMax: .bodyBytesMax),
            writes: try list(
                message.writes, message.n_writes, "commit.writes",
                countMax: .transformBlockCountMax
            ) { item throws(DatabaseError) in try BlockWrite(wire: item) },
            headerAfter: try message.header_after == nil
                ? nil : CollectionHeader(wire: message.header_after, "commit.header_after"),
            checkpoint: try carries
                ? Checkpoint(
                    wire: message.checkpoint, message.lagging, message.n_lagging,
                    "commit.checkpoint") : nil,
            pendingPolicy: try known(message.pending_policy, "commit.pending_policy"),
            wallMilliseconds: message.wall_ms)
    }
}

extension RepositoryReply {
    init(wire message: RepositoryReplyMessage) throws(DatabaseError) {
        switch message.reply_case {
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_TAIL:
            self = .tail(try message.tail.tail("tail"))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_COMMITTED:
            let (revision, chainHash) = try committedEntry(message.committed)
            self = .committed(revision, chainHash: chainHash)
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REFUSED:
            self = .refused(try CommitRefusal(wire: message.refused))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REFUSED_AT:
            let refused = try required(message.refused_at, "refused_at")
            self = .refusedAt(
                try refused.collection.collection("refused_at.collection"),
                try CommitRefusal(wire: refused.refusal))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_CONTENT:
            self = .content(try message.content.bytes("content", bytesMax: .bodyBytesMax))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_COLLECTIONS:
            let page = try required(message.collections, "collections")
            self = .collections(
                try array(
                    page.tails, page.n_tails, "collections.tails",
                    countMax: .pageItemCountMax
                ) { bytes throws(DatabaseError) in try bytes.tail("collections.tails") },
                next: try page.next.collectionIfAny("collections.next"))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_STATUS:
            self = .status(try peerReports(message.status, "status"))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_REPLICAS:
            let (reports, copy) = try auditedReplicas(message.replicas)
            self = .replicas(reports, copy)
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_FAILED:
            self = .failed(try DatabaseError(wire: message.failed, "failed"))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_BLOCK:
            let state = try required(message.block, "block")
            self = .block(
                try state.copy == nil ? nil : BlockCopy(wire: state.copy, "block.copy"))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_FINALISED:
            self = .finalised
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_PENDS:
            let page = try pendPage(message.pends)
            self = .pends(page.pends, next: page.next)
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_SWEPT:
            self = .swept(try SweepReport(wire: message.swept))
        case OPTIMYSTIC__V1__REPOSITORY_REPLY__REPLY_SCRUBBED:
            self = .scrubbed(try ScrubReport(wire: message.scrubbed, "scrubbed"))
        default: throw unset("repository_reply.reply")
        }
    }
}

/// Where an attempt is the entry, and the chain hash after it.
func committedEntry(
    _ message: UnsafeMutablePointer<CommittedMessage>?
) throws(DatabaseError) -> (Revision, chainHash: Digest) {
    let message = try required(message, "committed")
    return (
        try Revision(wire: message.revision, "committed.revision"),
        try message.chain_hash.digest("committed.chain_hash")
    )
}

extension CommitRefusal {
    init(wire message: UnsafeMutablePointer<CommitRefusalMessage>?) throws(DatabaseError) {
        let message = try required(message, "refused")
        switch message.reason_case {
        case OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_MOVED:
            let moved = try required(message.moved, "refused.moved")
            self = .moved(
                landing: try known(moved.landing, "refused.moved.landing"),
                try moved.tail.tail("refused.moved.tail"))
        case OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_GONE:
            self = .gone(try message.gone.tail("refused.gone"))
        case OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_BLOCKED:
            self = .blocked(try message.blocked.tail("refused.blocked"))
        case OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_FENCED:
            self = .fenced(try message.fenced.tail("refused.fenced"))
        case OPTIMYSTIC__V1__COMMIT_REFUSAL__REASON_PENDING:
            let pending = try required(message.pending, "refused.pending")
            self = .pending(
                try pending.block.block("refused.pending.block"),
                try OutstandingPend.list(
                    pending.pends, pending.n_pends, "refused.pending.pends"))
        default: throw unset("refused.reason")
        }
    }
}
