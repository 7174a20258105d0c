import BlockModel
import BlockRuntime
import CProtocol

extension Wire {
    /// A cluster file as a message.
    package static func encode(_ map: ClusterMap) -> Bytes {
        pack(bytesExpected: map.shards.count * 256) { $0.message(map) }
    }

    /// - Throws: `.malformedMessage`; `.configurationInvalid` when the parts do not fit together,
    ///   see ``ClusterMap``.
    package static func decodeClusterMap(_ frame: Bytes) throws(DatabaseError) -> ClusterMap {
        try unpack(frame, as: "cluster_map", optimystic__v1__cluster_map__unpack) {
            message throws(DatabaseError) in try ClusterMap(wire: message)
        }
    }
}

// MARK: - Building

extension WireArena {
    func message(_ map: ClusterMap) -> UnsafeMutablePointer<ClusterMapMessage> {
        make(optimystic__v1__cluster_map__init) {
            $0.cluster = identifier(map.cluster.rawValue)
            $0.name = text(map.name)
            $0.epoch = map.epoch.rawValue
            $0.peers = list(map.peers) { peer in
                make(optimystic__v1__peer_member__init) {
                    $0.peer = identifier(peer.id.rawValue)
                    $0.name = text(peer.name)
                    $0.address = text(peer.address)
                }
            }
            $0.n_peers = map.peers.count
            $0.shards = list(map.shards) { members in
                make(optimystic__v1__shard_members__init) {
                    $0.members = array(members) { identifier($0.rawValue) }
                    $0.n_members = members.count
                }
            }
            $0.n_shards = map.shards.count
            $0.coordinators = list(map.coordinators) { message($0) }
            $0.n_coordinators = map.coordinators.count
            $0.proxies = list(map.proxies) { message($0) }
            $0.n_proxies = map.proxies.count
        }
    }

    private func message(
        _ service: ClusterMap.Service
    ) -> UnsafeMutablePointer<ServiceAddressMessage> {
        make(optimystic__v1__service_address__init) {
            $0.name = text(service.name)
            $0.address = text(service.address)
        }
    }
}

// MARK: - Reading

extension ClusterMap {
    init(wire message: ClusterMapMessage) throws(DatabaseError) {
        let shards = try list(
            message.shards, message.n_shards, "cluster_map.shards", countMax: .shardCountMax
        ) { item throws(DatabaseError) in
            let shard = try required(item, "cluster_map.shards")
            return try array(
                shard.members, shard.n_members, "shard.members", countMax: .replicaCountMax
            ) { member throws(DatabaseError) in
                PeerID(rawValue: try member.identifier("shard.members"))
            }
        }
        try self.init(
            cluster: ClusterID(rawValue: try message.cluster.identifier("cluster_map.cluster")),
            name: try message.name.name("cluster_map.name"),
            epoch: Epoch(message.epoch),
            peers: try list(
                message.peers, message.n_peers, "cluster_map.peers", countMax: .peerCountMax
            ) { item throws(DatabaseError) in try Peer(wire: item) },
            shards: shards,
            coordinators: try ClusterMap.services(
                message.coordinators, message.n_coordinators, "cluster_map.coordinators"),
            proxies: try ClusterMap.services(
                message.proxies, message.n_proxies, "cluster_map.proxies"))
    }

    private static func services(
        _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<ServiceAddressMessage>?>?,
        _ count: Int, _ field: StaticString
    ) throws(DatabaseError) -> [Service] {
        try list(pointers, count, field, countMax: .serviceCountMax) {
            item throws(DatabaseError) in
            let service = try required(item, field)
            return Service(
                name: try service.name.text("service.name", bytesMax: .labelBytesMax),
                address: try service.address.text(
                    "service.address", bytesMax: .labelBytesMax))
        }
    }
}

extension ClusterMap.Peer {
    init(wire message: UnsafeMutablePointer<PeerMemberMessage>?) throws(DatabaseError) {
        let message = try required(message, "cluster_map.peers")
        self.init(
            id: PeerID(rawValue: try message.peer.identifier("peer.peer")),
            name: try message.name.text("peer.name", bytesMax: .labelBytesMax),
            address: try message.address.text("peer.address", bytesMax: .labelBytesMax))
    }
}
