import BlockModel
import BlockRuntime
import CProtocol

// What peers and replicas say of themselves: part of the replies of all three families.

// MARK: - Building

extension WireArena {
    func message(_ status: PeerStatus) -> UnsafeMutablePointer<PeerStatusMessage> {
        make(optimystic__v1__peer_status__init) {
            $0.peer = identifier(status.peer.rawValue)
            $0.refusal = status.refusal.map { message($0) }
            $0.refused_shards = array(status.refusedShards, \.rawValue)
            $0.n_refused_shards = status.refusedShards.count
            $0.shard_count = status.shardCount
            $0.register_count = status.registerCount
            $0.content_count = status.contentCount
            $0.segment_count = status.segmentCount
            $0.write_sequence = status.writeSequence
            $0.live_bytes = status.liveBytes
            $0.dead_bytes = status.deadBytes
            $0.revisions = list(status.revisions) { revision in
                make(optimystic__v1__collection_revision__init) {
                    $0.name = text(revision.name)
                    $0.revision = revision.revision.rawValue
                }
            }
            $0.n_revisions = status.revisions.count
        }
    }

    func message(_ report: PeerReport) -> UnsafeMutablePointer<PeerReportMessage> {
        make(optimystic__v1__peer_report__init) {
            $0.peer = identifier(report.peer.rawValue)
            $0.name = text(report.name)
            $0.address = text(report.address)
            $0.status = report.status.map { message($0) }
            $0.lost_shard_count = report.lostShardCount
        }
    }

    func message(_ reports: [PeerReport]) -> UnsafeMutablePointer<PeerReportsMessage> {
        make(optimystic__v1__peer_reports__init) {
            $0.peers = list(reports) { message($0) }
            $0.n_peers = reports.count
        }
    }

    func message(_ report: ReplicaReport) -> UnsafeMutablePointer<ReplicaReportMessage> {
        make(optimystic__v1__replica_report__init) {
            $0.peer = identifier(report.peer.rawValue)
            switch report.state {
            case .holds(let hash, let accepted):
                $0.state_case = OPTIMYSTIC__V1__REPLICA_REPORT__STATE_HOLDS
                $0.holds = make(optimystic__v1__holding__init) {
                    $0.hash = digest(hash)
                    $0.accepted = accepted.map { message($0) }
                }
            case .holdsBlock(let holding):
                $0.state_case = OPTIMYSTIC__V1__REPLICA_REPORT__STATE_HOLDS_BLOCK
                $0.holds_block = message(holding)
            case .lacks:
                $0.state_case = OPTIMYSTIC__V1__REPLICA_REPORT__STATE_LACKS
                $0.lacks = nothing
            case .unreachable:
                $0.state_case = OPTIMYSTIC__V1__REPLICA_REPORT__STATE_UNREACHABLE
                $0.unreachable = nothing
            case .refuses(let error):
                $0.state_case = OPTIMYSTIC__V1__REPLICA_REPORT__STATE_REFUSES
                $0.refuses = message(error)
            }
        }
    }

    func message(
        _ reports: [ReplicaReport], copy: Bytes?
    ) -> UnsafeMutablePointer<ReplicasMessage> {
        make(optimystic__v1__replicas__init) {
            $0.reports = list(reports) { message($0) }
            $0.n_reports = reports.count
            if let copy {
                $0.copy_case = OPTIMYSTIC__V1__REPLICAS__COPY_VERIFIED
                $0.verified = bytes(copy)
            }
        }
    }
}

// MARK: - Reading

extension PeerStatus {
    init(
        wire message: UnsafeMutablePointer<PeerStatusMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let refusal =
            try message.refusal == nil
            ? nil : DatabaseError(wire: message.refusal, "status.refusal")
        let refusedShards = try array(
            message.refused_shards, message.n_refused_shards, "status.refused_shards",
            countMax: .shardCountMax
        ) { shard throws(DatabaseError) in
            try ShardID(wire: shard, "status.refused_shards")
        }
        self.init(
            peer: PeerID(rawValue: try message.peer.identifier("status.peer")),
            refusal: refusal,
            refusedShards: try ascending(refusedShards, "status.refused_shards"),
            shardCount: try bounded(
                message.shard_count, "status.shard_count", from: 0, through: .shardCountMax),
            registerCount: message.register_count, contentCount: message.content_count,
            segmentCount: message.segment_count, writeSequence: message.write_sequence,
            liveBytes: message.live_bytes, deadBytes: message.dead_bytes,
            revisions: try list(
                message.revisions, message.n_revisions, "status.revisions",
                countMax: .statusCollectionCountMax
            ) { item throws(DatabaseError) in
                try CollectionRevision(wire: item, "status.revisions")
            })
    }
}

extension ShardID {
    init(wire number: UInt32, _ field: StaticString) throws(DatabaseError) {
        self.init(rawValue: try bounded(number, field, from: 0, through: .shardNumberMax))
    }
}

extension CollectionRevision {
    init(
        wire message: UnsafeMutablePointer<CollectionRevisionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            name: try message.name.name("revision.name"),
            revision: try Revision(wire: message.revision, "revision.revision"))
    }
}

extension PeerReport {
    init(
        wire message: UnsafeMutablePointer<PeerReportMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            peer: PeerID(rawValue: try message.peer.identifier("report.peer")),
            name: try message.name.text("report.name", bytesMax: .labelBytesMax),
            address: try message.address.text("report.address", bytesMax: .labelBytesMax),
            status: try message.status == nil
                ? nil : PeerStatus(wire: message.status, "report.status"),
            lostShardCount: try bounded(
                message.lost_shard_count, "report.lost_shard_count", from: 0,
                through: .shardCountMax))
    }
}

/// The reports of all storage peers.
func peerReports(
    _ message: UnsafeMutablePointer<PeerReportsMessage>?, _ field: StaticString
) throws(DatabaseError) -> [PeerReport] {
    let message = try required(message, field)
    return try list(message.peers, message.n_peers, field, countMax: .peerCountMax) {
        item throws(DatabaseError) in try PeerReport(wire: item, field)
    }
}

extension ReplicaReport {
    init(
        wire message: UnsafeMutablePointer<ReplicaReportMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        let peer = PeerID(rawValue: try message.peer.identifier("replica.peer"))
        switch message.state_case {
        case OPTIMYSTIC__V1__REPLICA_REPORT__STATE_HOLDS:
            let holding = try required(message.holds, "replica.holds")
            let accepted =
                try holding.accepted == nil
                ? nil : Ballot(wire: holding.accepted, "replica.holds.accepted")
            let hash = try holding.hash.digest("replica.holds.hash")
            self.init(peer: peer, state: .holds(hash, accepted: accepted))
        case OPTIMYSTIC__V1__REPLICA_REPORT__STATE_HOLDS_BLOCK:
            let holding = try BlockHolding(wire: message.holds_block, "replica.holds_block")
            self.init(peer: peer, state: .holdsBlock(holding))
        case OPTIMYSTIC__V1__REPLICA_REPORT__STATE_LACKS:
            self.init(peer: peer, state: .lacks)
        case OPTIMYSTIC__V1__REPLICA_REPORT__STATE_UNREACHABLE:
            self.init(peer: peer, state: .unreachable)
        case OPTIMYSTIC__V1__REPLICA_REPORT__STATE_REFUSES:
            let error = try DatabaseError(wire: message.refuses, "replica.refuses")
            self.init(peer: peer, state: .refuses(error))
        default: throw unset("replica.state")
        }
    }
}

/// The reports of the replicas of one object: a shard has few members.
func replicaReports(
    _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<ReplicaReportMessage>?>?, _ count: Int
) throws(DatabaseError) -> [ReplicaReport] {
    try list(pointers, count, "replicas", countMax: .replicaCountMax) {
        item throws(DatabaseError) in try ReplicaReport(wire: item, "replicas")
    }
}

/// The reports and the verified copy of an audit.
func auditedReplicas(
    _ message: UnsafeMutablePointer<ReplicasMessage>?
) throws(DatabaseError) -> (reports: [ReplicaReport], copy: Bytes?) {
    let message = try required(message, "replicas")
    let copy =
        try message.copy_case == OPTIMYSTIC__V1__REPLICAS__COPY_VERIFIED
        ? message.verified.bytes("replicas.verified", bytesMax: .bodyBytesMax) : nil
    return (try replicaReports(message.reports, message.n_reports), copy)
}
