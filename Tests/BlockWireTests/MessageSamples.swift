import BlockModel
import BlockRuntime
import BlockWire
import ModelSamples

/// Messages with every case of every enum, drawn from a seed.
extension ModelSamples {
    mutating func error() -> DatabaseError {
        let codes: [ErrorCode] = [.overloaded, .commitResultUnknown, ErrorCode(rawValue: 999_999)]
        return DatabaseError(
            codes[random.below(codes.count)], random.chance(1, in: 4) ? "" : name(),
            outcome: random.chance(1, in: 2) ? .unknown : .notApplied,
            retryAfter: random.chance(1, in: 2) ? .milliseconds(random.below(600_001)) : nil)
    }

    mutating func shard() -> ShardID {
        ShardID(rawValue: UInt32(random.below(Limits.shardCountMax)))
    }

    mutating func countMax() -> UInt32 {
        UInt32(1 + random.below(Limits.pageItemCountMax))
    }

    mutating func cursor() -> CollectionID? { random.chance(1, in: 2) ? collection() : nil }

    mutating func position() -> LogPosition {
        LogPosition(
            revision: revision(), index: UInt32(random.below(Limits.bodyActionCountMax + 1)))
    }

    mutating func auditTarget() -> AuditTarget {
        switch random.below(4) {
        case 0: .register(collection())
        case 1: .content(block())
        case 2: .block(blockKey(), revision())
        default: .segment(segmentKey())
        }
    }

    mutating func blockKey() -> BlockKey { BlockKey(block: block(), incarnation: incarnation()) }

    /// Each payload once: awkward ids come up so often that they come up twice.
    mutating func pends() -> [OutstandingPend] {
        let drawn = (0..<random.below(4)).map {
            OutstandingPend(
                payload: payload(), target: revision(),
                resultHash: $0 == 0 ? .zero : digest(),
                transform: $0 == 1 ? bytes(countMax: 300) : nil)
        }
        return Dictionary(drawn.map { ($0.payload, $0) }) { first, _ in first }.values.sorted()
    }

    mutating func versionPosition() -> VersionPosition {
        VersionPosition(key: blockKey(), revision: revision())
    }

    mutating func versions() -> [VersionSummary] {
        (0..<1 + random.below(4)).map { _ in
            let position = versionPosition()
            let write = CommittedWrite(
                revision: position.revision, payload: payload(), resultHash: digest())
            return VersionSummary(
                position: position, write: random.chance(1, in: 3) ? nil : write)
        }.sorted { $0.position < $1.position }
    }

    mutating func pendKey() -> PendKey { PendKey(blockKey(), payload: payload()) }

    mutating func keptPends() -> [KeptPend] {
        (0..<random.below(4)).map {
            let pend = OutstandingPend(
                payload: payload(), target: revision(), resultHash: $0 == 0 ? .zero : digest())
            return KeptPend(
                block: blockKey(), collection: collection(), transaction: $0 == 1 ? anchor() : nil,
                pend: pend)
        }.sorted { $0.key < $1.key }
    }

    mutating func scrubReport() -> ScrubReport {
        var report = ScrubReport()
        report.versionCount = uint32()
        report.repairedCount = uint32()
        report.unrepairedCount = uint32()
        report.conflictCount = uint32()
        report.next = versionPosition()
        return report
    }

    mutating func writes() -> [CommittedWrite] {
        (0..<random.below(4)).map {
            CommittedWrite(
                revision: Revision(UInt64($0 * 7 + 1)), payload: payload(),
                resultHash: $0 == 0 ? .zero : digest())
        }
    }

    mutating func pend(isNew: Bool) -> PendRequest {
        let record = PendRecord(
            transform: bytes(countMax: 300), baseRevision: isNew ? .zero : Revision(3),
            basePayload: isNew ? nil : payload(), baseHash: isNew ? .zero : digest(),
            resultHash: random.chance(1, in: 4) ? .zero : digest(), collection: collection(),
            anchor: random.chance(1, in: 3) ? anchor() : nil, bound: [])
        return PendRequest(
            key: blockKey(), payload: payload(), target: revision(), record: record,
            committed: writes(), policy: policy())
    }

    mutating func creation() -> Creation {
        Creation(action: action(), generation: min(counter(), Limits.counterMax - 1))
    }

    mutating func drop() -> DropCollection {
        DropCollection(collection: collection(), incarnation: incarnation(), action: action())
    }

    mutating func policy() -> PendingPolicy { PendingPolicy.allCases[random.below(3)] }

    mutating func blockWrite(isNew: Bool) -> BlockWrite {
        let pend = pend(isNew: isNew)
        return BlockWrite(block: block(), record: pend.record, committed: pend.committed)
    }

    mutating func copy(isRemoved: Bool) -> BlockCopy {
        BlockCopy(
            write: CommittedWrite(
                revision: revision(), payload: payload(),
                resultHash: isRemoved ? .zero : digest()),
            baseRevision: revision(),
            bytes: isRemoved ? nil : bytes(countMax: 300))
    }

    mutating func status() -> PeerStatus {
        PeerStatus(
            peer: peer(), refusal: random.chance(1, in: 2) ? error() : nil,
            refusedShards: (0..<random.below(4)).map { UInt32($0) * 1365 }.map(ShardID.init),
            shardCount: UInt32(random.below(Limits.shardCountMax + 1)), registerCount: uint64(),
            contentCount: uint64(), segmentCount: uint64(), writeSequence: uint64(),
            liveBytes: uint64(), deadBytes: uint64(),
            revisions: (0..<random.below(4)).map { _ in
                CollectionRevision(name: name(), revision: revision())
            })
    }

    mutating func peerReports() -> [PeerReport] {
        (0..<random.below(4)).map { _ in
            PeerReport(
                peer: peer(), name: name(), address: random.chance(1, in: 4) ? "" : name(),
                status: random.chance(1, in: 2) ? status() : nil,
                lostShardCount: UInt32(random.below(3)))
        }
    }

    mutating func replicaReports() -> [ReplicaReport] {
        [
            ReplicaReport(
                peer: peer(),
                state: .holds(digest(), accepted: random.chance(1, in: 2) ? nil : ballot())),
            ReplicaReport(
                peer: peer(), state: .holdsBlock(BlockHolding(version: nil, pends: pends()))),
            ReplicaReport(peer: peer(), state: .lacks),
            ReplicaReport(peer: peer(), state: .unreachable),
            ReplicaReport(peer: peer(), state: .refuses(error())),
        ]
    }

    mutating func peerBatch() -> [PeerBatchItem] {
        let operations: [PeerRequest.Operation] = [
            .prepare(collection(), ballot()),
            .accept(
                collection(), ballot(), value: bytes(countMax: Limits.tailBytesMax),
                wantsNext: true),
            .accept(collection(), ballot(), value: bytes(countMax: 9), wantsNext: false),
            .query(collection(), wantsValue: true), .query(collection(), wantsValue: false),
            .putContent(block(), bytes(countMax: Limits.bodyBytesMax), for: .unknown),
            .putContent(block(), bytes(countMax: 100), for: owner()),
            .listLives(after: nil, countMax: 1),
            .listLives(after: bytes(countMax: 80) + [1], countMax: 7),
            .forget([], after: nil, through: nil),
            .forget(
                [
                    LifeEnd(life: life(), truncatedThrough: nil),
                    LifeEnd(life: life(), truncatedThrough: revision()),
                ], after: [1], through: [2]),
            .putSegment(segmentKey(), bytes(countMax: Limits.segmentBytesMax)),
            .getContent(block()), .getSegment(segmentKey()),
            .listRegisters(after: nil, countMax: countMax()),
            .listRegisters(after: collection(), countMax: countMax()), .status,
            .pend(pend(isNew: true)), .pend(pend(isNew: false)),
            .finalise(blockKey(), copy(isRemoved: false).write),
            .discard(blockKey(), payload(), target: revision()),
            .readBlock(
                BlockReadRequest(key: blockKey(), revision: revision(), committed: writes())),
            .install(blockKey(), copy(isRemoved: true)), .auditBlock(blockKey(), revision()),
            .listVersions(after: nil, countMax: 1), .listPends(after: nil, countMax: 1),
            .listPends(after: pendKey(), countMax: UInt32(Limits.pendPageCountMax)),
            .listVersions(after: versionPosition(), countMax: UInt32(Limits.scrubPageCountMax)),
            .install(blockKey(), copy(isRemoved: false)),
        ]
        return operations.map {
            PeerBatchItem(
                id: uint64(),
                request: PeerRequest(shard: shard(), epoch: Epoch(uint32()), operation: $0))
        }
    }

    mutating func peerBatchReply() -> PeerBatchReply {
        let registers = (0..<random.below(4)).map { _ in collection() }.sorted()
        let replies: [PeerReply] = [
            .promise(ballot(), accepted: ballot(), value: bytes(countMax: Limits.tailBytesMax)),
            .accepted(ballot(), promisesNext: true),
            .accepted(ballot(), promisesNext: false), .rejected(promised: ballot()),
            .register(accepted: ballot(), valueHash: digest(), value: nil),
            .register(accepted: ballot(), valueHash: digest(), value: bytes(countMax: 100)),
            .pended, .needsBase, .pendMissing, .finalised, .discarded, .block(nil),
            .block(copy(isRemoved: true)), .block(copy(isRemoved: false)),
            .outstanding(pends()), .holding(nil, pends: []),
            .holding(copy(isRemoved: true), pends: pends()),
            .pends([], next: nil), .pends(keptPends(), next: pendKey()),
            .versions([], isLast: true), .versions(versions(), isLast: false),
            .stored, .content(nil), .content([]),
            .content(bytes(countMax: Limits.bodyBytesMax)),
            .registers(
                registers.map { RegisterSummary(collection: $0, accepted: ballot()) },
                isLast: random.chance(1, in: 2)),
            .lives([], next: nil), .lives([life(), life()].sorted(), next: [1, 2]),
            .forgotten(count: uint32(), bytes: uint64()),
            .status(status()), .refused(error()),
        ]
        return PeerBatchReply(
            peer: peer(), epoch: Epoch(uint32()),
            items: replies.map { PeerReplyItem(id: uint64(), reply: $0) })
    }

    mutating func repositoryRequests() -> [RepositoryRequest] {
        [
            .readTail(collection()),
            .create(
                CreateCollection(
                    name: name(), header: header(), creation: creation(), nonce: identifier())),
            .commit(
                CommitAttempt(
                    participant: participant(), payload: payload(),
                    body: bytes(countMax: Limits.bodyBytesMax),
                    checkpoint: random.chance(1, in: 2) ? checkpoint() : nil,
                    wallMilliseconds: uint64())),
            .commit(
                CommitAttempt(
                    participant: participant(), payload: payload(), body: bytes(countMax: 300),
                    writes: [blockWrite(isNew: true), blockWrite(isNew: false)],
                    headerAfter: header(), pendingPolicy: policy(), wallMilliseconds: uint64())),
            .transact(transaction()),
            .readBlock(
                BlockReadRequest(
                    key: blockKey(), revision: revision(), committed: writes(),
                    collection: collection())),
            .finalise(
                FinaliseEntry(
                    collection: collection(), incarnation: incarnation(),
                    revision: revision(), payload: payload(),
                    blocks: (0..<random.below(4)).map {
                        WrittenBlock(block: block(), resultHash: $0 == 0 ? .zero : digest())
                    })),
            .listPends(shard(), after: nil, countMax: 1),
            .listPends(shard(), after: pendKey(), countMax: 7),
            .scrub(shard(), after: nil, countMax: 1),
            .scrub(shard(), after: versionPosition(), countMax: 7),
            .drop(drop()),
            .getContent(block()), .getSegment(segmentKey()),
            .listCollections(after: cursor(), countMax: countMax()), .status,
            .audit(auditTarget()), .truncate(truncation()), .retain(retention()),
            .sweep(peer(), after: nil), .sweep(peer(), after: [7]),
        ]
    }

    mutating func transaction() -> TransactionAttempt {
        let payload = payload()
        func participant(_ role: ParticipantRole) -> Participant {
            Participant(
                collection: collection(), incarnation: incarnation(), target: revision(),
                role: role)
        }
        let writes = (0..<1 + random.below(3)).map { _ in
            CommitAttempt(
                participant: participant(.writes), payload: payload, body: bytes(countMax: 300),
                wallMilliseconds: uint64())
        }
        return TransactionAttempt(
            home: writes[random.below(writes.count)].participant.collection, writes: writes,
            reads: (0..<random.below(3)).map { _ in participant(.reads) },
            wallMilliseconds: uint64())
    }

    mutating func life() -> CollectionLife {
        CollectionLife(collection: collection(), incarnation: incarnation())
    }

    mutating func owner() -> ContentOwner { ContentOwner(life: life(), target: revision()) }

    mutating func truncation() -> TruncateCollection {
        TruncateCollection(
            collection: collection(), incarnation: incarnation(), through: revision())
    }

    mutating func retention() -> RetainHistory {
        RetainHistory(
            collection: collection(), incarnation: incarnation(),
            retention: random.chance(1, in: 2) ? .all : .last(1 + UInt64(random.below(1000))))
    }

    mutating func sweepReport() -> SweepReport {
        var report = SweepReport()
        report.removedCount = uint32()
        report.removedBytes = uint64()
        report.next = random.chance(1, in: 2) ? [1, 2, 3] : nil
        return report
    }

    mutating func repositoryReplies() -> [RepositoryReply] {
        [
            .tail(tailValue()), .committed(revision(), chainHash: digest()),
            .refused(.moved(landing: .absent, tailValue())), .refused(.gone(tailValue())),
            .refused(.pending(block(), pends())), .refused(.blocked(tailValue())),
            .refused(.fenced(tailValue())),
            .refusedAt(collection(), .blocked(tailValue())),
            .content(bytes(countMax: Limits.bodyBytesMax)), .collections([], next: nil),
            .collections((0..<random.below(3)).map { _ in tailValue() }, next: cursor()),
            .status(peerReports()), .replicas(replicaReports(), nil), .replicas([], []),
            .replicas([], bytes(countMax: Limits.tailBytesMax)), .failed(error()),
            .block(nil), .block(copy(isRemoved: false)), .finalised, .scrubbed(ScrubReport()),
            .pends(keptPends(), next: nil), .pends([], next: pendKey()),
            .scrubbed(scrubReport()), .swept(sweepReport()),
        ]
    }

    mutating func clientRequests() -> [ClientRequest] {
        [
            .hello(clusterName: name()),
            .openCollection(
                OpenCollection(
                    name: name(), kind: random.chance(1, in: 2) ? .diary : nil,
                    encoding: random.chance(1, in: 2) ? .json : nil)),
            .openCollection(
                OpenCollection(
                    name: name(), kind: .tree, encoding: .bytes, keyType: keyType(),
                    creation: creation(),
                    capacity: UInt32(
                        Limits.nodeCapacityMin
                            + random.below(
                                Limits.nodeCapacityMax - Limits.nodeCapacityMin + 1)))),
            .readDiary(
                DiaryReadRequest(
                    collection: collection(), incarnation: incarnation(), direction: .backward,
                    after: position(), asOf: revision(), bytesMax: 0, waitMilliseconds: 600_000)),
            .readDiary(
                DiaryReadRequest(collection: collection(), incarnation: incarnation())),
            .actionStatus(
                ActionStatusRequest(
                    collection: collection(), incarnation: incarnation(), action: action(),
                    firstRevision: revision())),
            .dropCollection(drop()),
            .listCollections(after: cursor(), countMax: countMax()), .clusterStatus,
            .inspectTail(name: name()), .audit(auditTarget()),
            .truncate(truncation()), .retain(retention()),
        ] + actionRequests() + transactRequests() + readRequests()
    }

    mutating func clientReplies() -> [ClientReply] {
        let infos = (0..<random.below(3)).map { _ in
            CollectionInfo(
                name: name(), incarnation: incarnation(), header: header(), revision: revision(),
                createdBy: action())
        }
        let entries = (0..<random.below(4)).map { number in
            DiaryEntry(
                position: position(), action: action(),
                bytes: bytes(countMax: Limits.valueBytesMax),
                transaction: number == 1 ? transactionID() : nil, wallMilliseconds: uint64())
        }
        return [
            .welcome(
                Welcome(
                    cluster: ClusterID(rawValue: identifier()), clusterName: name(),
                    proxies: ["tcp://127.0.0.1:7730", ""], version: "0.1.0")),
            .collection(
                CollectionInfo(
                    name: name(), incarnation: incarnation(), header: header(),
                    revision: revision(), createdBy: action())),
            .diaryPage(
                DiaryPage(entries: entries, asOf: revision(), isLast: random.chance(1, in: 2))),
            .actionStatus(nil, asOf: revision()), .dropped, .absent(generation: counter()),
            .history(
                HistoryState(
                    truncatedThrough: Revision(3), finalThrough: Revision(9), retention: .last(5))),
            .collections(infos, next: cursor()),
            .clusterStatus(peerReports()),
            .tail(tailValue(), replicas: replicaReports()), .replicas(replicaReports(), nil),
            .replicas(replicaReports(), bytes(countMax: 100)), .failed(error()),
        ] + landings() + transactedReplies() + readReplies()
    }

    /// One that a URL can carry.
    private mutating func clusterName() -> String {
        let names = ["a", "demo-1", "日本", String(repeating: "n", count: Limits.nameBytesMax)]
        return names[random.below(names.count)]
    }

    mutating func clusterMap() throws -> ClusterMap {
        let peers = (0..<3 + random.below(4)).map { _ in
            ClusterMap.Peer(
                id: PeerID(rawValue: random.identifier()), name: name(), address: name())
        }
        let shards = (0..<1 + random.below(9)).map { _ in
            let start = random.below(peers.count)
            let count = random.chance(1, in: 4) ? 1 : 3
            return (0..<count).map { peers[(start + $0) % peers.count].id }
        }
        return try ClusterMap(
            cluster: ClusterID(rawValue: identifier()), name: clusterName(), epoch: Epoch(uint32()),
            peers: peers, shards: shards,
            coordinators: [ClusterMap.Service(name: "c", address: "tcp://127.0.0.1:7720")],
            proxies: random.chance(1, in: 2)
                ? [] : [ClusterMap.Service(name: "", address: "tcp://127.0.0.1:7730")])
    }
}

/// One message of the protocol with its decoder, the type forgotten.
struct WireCodec: Sendable {
    /// The name of the message in `Protos/`.
    let message: String
    let kind: WireKind?
    /// Encodings of one message for each case.
    let samples: @Sendable (inout ModelSamples) throws -> [Bytes]
    /// Decodes and encodes again.
    let pass: @Sendable (Bytes) throws(DatabaseError) -> Bytes
    /// Whether decoding the encoding of generated values gives those values.
    let keeps: @Sendable (inout ModelSamples) throws -> Bool

    init<Value: Equatable & Sendable>(
        _ message: String, _ kind: WireKind?,
        encode: @escaping @Sendable (Value) -> Bytes,
        decode: @escaping @Sendable (Bytes) throws(DatabaseError) -> Value,
        make: @escaping @Sendable (inout ModelSamples) throws -> [Value]
    ) {
        self.message = message
        self.kind = kind
        samples = { try make(&$0).map(encode) }
        pass = { bytes throws(DatabaseError) in encode(try decode(bytes)) }
        keeps = { try make(&$0).allSatisfy { try decode(encode($0)) == $0 } }
    }

    static let all = [
        WireCodec(
            "PeerBatch", .peerBatch, encode: { Wire.encode($0) }, decode: Wire.decodePeerBatch
        ) { [[], $0.peerBatch()] },
        WireCodec(
            "PeerBatchReply", .peerBatchReply, encode: { Wire.encode($0) },
            decode: Wire.decodePeerBatchReply
        ) { [$0.peerBatchReply()] },
        WireCodec(
            "RepositoryRequest", .repositoryRequest, encode: { Wire.encode($0) },
            decode: Wire.decodeRepositoryRequest
        ) { $0.repositoryRequests() },
        WireCodec(
            "RepositoryReply", .repositoryReply, encode: { Wire.encode($0) },
            decode: Wire.decodeRepositoryReply
        ) { $0.repositoryReplies() },
        WireCodec(
            "ClientRequest", .clientRequest, encode: { Wire.encode($0) },
            decode: Wire.decodeClientRequest
        ) { $0.clientRequests() },
        WireCodec(
            "ClientReply", .clientReply, encode: { Wire.encode($0) },
            decode: Wire.decodeClientReply
        ) { $0.clientReplies() },
        WireCodec("Error", .error, encode: { Wire.encode($0) }, decode: Wire.decodeError) {
            [$0.error()]
        },
        WireCodec(
            "ClusterMap", nil, encode: { Wire.encode($0) }, decode: Wire.decodeClusterMap
        ) { [try $0.clusterMap()] },
    ]
}
