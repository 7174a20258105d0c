import BlockModel
import BlockRuntime

/// The state of one storage peer as dictionaries: the smallest thing the machine can run on.
struct MemoryPeerStore: PeerStoreView {
    private(set) var registers: [CollectionID: RegisterRecord] = [:]
    private(set) var contents: [BlockID: Bytes] = [:]
    private(set) var segments: [SegmentKey: Bytes] = [:]
    private(set) var pends: [PendKey: PendRecord] = [:]
    var versions: [BlockKey: [Revision: VersionRecord]] = [:]
    /// Registers that fail their checksum.
    var damaged: Set<CollectionID> = []
    /// Bytes of pends of other blocks.
    var otherPendBytes: UInt64 = 0

    mutating func apply(_ write: PeerWrite) {
        switch write {
        case .register(let collection, let record): registers[collection] = record
        case .content(let block, let bytes): contents[block] = bytes
        case .segment(let key, let bytes): segments[key] = bytes
        case .pend(let key, let record): pends[key] = record
        case .removePend(let key): pends[key] = nil
        case .version(let key, let record): versions[key, default: [:]][record.revision] = record
        }
    }

    /// Loses a version, as a damaged record is lost.
    mutating func removeVersion(of key: BlockKey, at revision: Revision) {
        versions[key]?[revision] = nil
    }

    func register(_ collection: CollectionID) throws(DatabaseError) -> RegisterRecord {
        if damaged.contains(collection) {
            throw DatabaseError(.corrupted, "register \(collection) fails its checksum")
        }
        return registers[collection] ?? .untouched
    }
    func content(_ block: BlockID) throws(DatabaseError) -> Bytes? { contents[block] }
    func segment(_ key: SegmentKey) throws(DatabaseError) -> Bytes? { segments[key] }

    func pend(_ key: PendKey) throws(DatabaseError) -> PendRecord? { pends[key] }
    func pends(
        of key: BlockKey
    ) throws(DatabaseError) -> [(payload: PayloadID, record: PendRecord)] {
        pends.filter { $0.key.key == key }.map { ($0.key.payload, $0.value) }
            .sorted { $0.0 < $1.0 }
    }
    func pendLoad(of key: BlockKey) throws(DatabaseError) -> PendLoad {
        let own = pends.filter { $0.key.key == key }
        return PendLoad(
            count: own.count, bytes: own.values.reduce(0) { $0 + $1.transform.count })
    }
    func version(
        of key: BlockKey, at revision: Revision
    ) throws(DatabaseError) -> VersionRecord? { versions[key]?[revision] }
    func newestVersion(
        of key: BlockKey, through revision: Revision
    ) throws(DatabaseError) -> VersionRecord? {
        versions[key]?.filter { $0.key <= revision }.max { $0.key < $1.key }?.value
    }

    func pendKeys(
        from lowest: BlockID, after: PendKey?, countMax: Int
    ) throws(DatabaseError) -> [PendKey] {
        let page = pends.keys.filter { key in
            key.key.block >= lowest && after.map { $0 < key } ?? true
        }
        return Array(page.sorted().prefix(countMax))
    }

    func versionPositions(
        from lowest: BlockID, after: VersionPosition?, countMax: Int
    ) throws(DatabaseError) -> [VersionPosition] {
        let all = versions.flatMap { key, history in
            history.keys.map { VersionPosition(key: key, revision: $0) }
        }
        let page = all.filter { place in
            place.key.block >= lowest && after.map { $0 < place } ?? true
        }
        return Array(page.sorted().prefix(countMax))
    }

    func registers(
        from lowest: CollectionID, countMax: Int
    ) throws(DatabaseError) -> [(CollectionID, RegisterRecord)] {
        let page = registers.keys.filter { $0 >= lowest }.sorted().prefix(countMax)
        for collection in page { _ = try register(collection) }
        return page.map {
            ($0, registers[$0]!)
        }
    }

    var statistics: PeerStoreStatistics {
        var statistics = PeerStoreStatistics()
        statistics.registerCount = UInt64(registers.count)
        statistics.pendBytes = otherPendBytes
        return statistics
    }
}

enum Sample {
    static func identifier(_ number: UInt64) -> Identifier128 { Identifier128(UInt128(number)) }
    static func peer(_ number: UInt64) -> PeerID { PeerID(rawValue: identifier(number)) }
    static func proposer(_ number: UInt64) -> ProposerID {
        ProposerID(rawValue: identifier(number))
    }
    static func ballot(_ counter: UInt64, _ proposer: UInt64 = 1) -> Ballot {
        Ballot(epoch: .first, counter: counter, proposer: self.proposer(proposer))
    }
    static func action(_ number: UInt64) -> ActionID { ActionID(rawValue: identifier(number)) }
    static func creation(_ number: UInt64, after generation: UInt64 = 0) -> Creation {
        Creation(action: action(number), generation: generation)
    }
    static func ended(
        _ generation: UInt64, createdBy: UInt64 = 1000, droppedBy: UInt64 = 2000
    ) -> EndedLife {
        EndedLife(
            incarnation: Incarnation(generation: generation, nonce: identifier(9)),
            createdBy: action(createdBy), droppedBy: action(droppedBy))
    }
    static func payload(_ number: UInt64, execution: UInt32 = 0) -> PayloadID {
        PayloadID(action: ActionID(rawValue: identifier(number)), execution: execution)
    }

    /// Three peers, one shard for each `shardCount`, every peer a member of all.
    static func map(shardCount: Int = 1, peerCount: Int = 3) throws -> ClusterMap {
        let peers = (1...UInt64(peerCount)).map {
            ClusterMap.Peer(id: peer($0), name: "peer-\($0)", address: "loopback://peer-\($0)")
        }
        return try ClusterMap(
            cluster: ClusterID(rawValue: identifier(77)), name: "sample", peers: peers,
            shards: Array(repeating: peers.map(\.id), count: shardCount), coordinators: [],
            proxies: [])
    }

    static func tail(name: String = "events") -> Tail {
        Tail(
            name: name, incarnation: Incarnation(generation: 1, nonce: identifier(9)),
            header: CollectionHeader(kind: .diary, encoding: .bytes), createdBy: action(1000))
    }

    static func body(_ ids: [UInt64], size: Int = 10) -> EntryBody {
        EntryBody(
            actions: ids.map {
                Action(
                    id: ActionID(rawValue: identifier($0)),
                    bytes: Bytes(repeating: UInt8(truncatingIfNeeded: $0), count: size))
            })
    }

    static func commit(
        _ batch: UInt64, at target: Revision, on tail: Tail, size: Int = 10,
        checkpoint: Revision? = nil
    ) -> CommitAttempt {
        CommitAttempt(
            participant: Participant(
                collection: tail.collection, incarnation: tail.incarnation, target: target),
            payload: payload(batch), body: body([batch], size: size).canonicalBytes,
            checkpoint: checkpoint, wallMilliseconds: 5)
    }
}
