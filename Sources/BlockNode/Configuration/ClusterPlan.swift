import BlockModel
import BlockRuntime

/// Makes the first cluster file from the identities of the storage peers.
package struct ClusterPlan {
    /// A storage peer to be given shards.
    package struct Peer: Hashable, Sendable {
        package let id: PeerID
        package let address: String

        package init(id: PeerID, address: String) {
            self.id = id
            self.address = address
        }
    }

    package var cluster: ClusterID
    package var name: String
    /// Members of each shard: 1 for development, 3 or more otherwise.
    package var replicas: Int
    package var shardCount: Int
    package var peers: [Peer]
    package var coordinators: [String]
    package var proxies: [String]

    package init(
        cluster: ClusterID, name: String, replicas: Int, shardCount: Int, peers: [Peer],
        coordinators: [String], proxies: [String]
    ) {
        self.cluster = cluster
        self.name = name
        self.replicas = replicas
        self.shardCount = shardCount
        self.peers = peers
        self.coordinators = coordinators
        self.proxies = proxies
    }

    /// What the person who plans should know; nil when there is nothing to say.
    package var warning: String? {
        replicas == 1
            ? "one replica: whatever one storage peer loses is lost; for development only" : nil
    }

    /// The plan as a cluster file would say it.
    /// - Throws: `.configurationInvalid` saying what does not fit.
    /// - Complexity: O(shards · peers · log peers).
    package func map() throws(DatabaseError) -> ClusterMap {
        try check()
        var members: [ClusterMap.Peer] = []
        for (index, peer) in peers.enumerated() {
            members.append(
                ClusterMap.Peer(
                    id: peer.id, name: "peer-\(index + 1)",
                    address: try ClusterPlan.address(peer.address)))
        }
        let map = try ClusterMap(
            cluster: cluster, name: name, peers: members, shards: shards(),
            coordinators: ClusterPlan.services("coordinator", coordinators),
            proxies: ClusterPlan.services("proxy", proxies))
        // What this writes must be readable: every rule of the file holds for a plan as well.
        let read = try ClusterFile.map(
            of: Bytes(ClusterFile.text(of: map).utf8), named: "the plan")
        invariant(read == map, "the plan reads as another one")
        return read
    }

    private func check() throws(DatabaseError) {
        guard replicas != 2 else {
            throw DatabaseError(
                .configurationInvalid,
                "2 replicas stop when either is gone and survive no more than 1: plan 3, or 1 for "
                    + "development")
        }
        guard (1...Limits.replicaCountMax).contains(replicas) else {
            throw DatabaseError(
                .configurationInvalid, "\(replicas) replicas, of 1 to \(Limits.replicaCountMax)")
        }
        guard (1...Limits.shardCountMax).contains(shardCount) else {
            throw DatabaseError(
                .configurationInvalid, "\(shardCount) shards, of 1 to \(Limits.shardCountMax)")
        }
        guard peers.count >= replicas else {
            throw DatabaseError(
                .configurationInvalid,
                "\(replicas) replicas need as many storage peers, there are \(peers.count)")
        }
        if let expected = NameText.problem(ofClusterName: name) {
            throw DatabaseError(
                .configurationInvalid, "the cluster's name must be \(expected)")
        }
    }

    private static func address(_ text: String) throws(DatabaseError) -> String {
        guard let canonical = ServiceAddress.canonical(text) else {
            throw DatabaseError(
                .configurationInvalid, "\"\(text)\" must be \(ServiceAddress.expected)")
        }
        return canonical
    }

    private static func services(
        _ role: String, _ addresses: [String]
    ) throws(DatabaseError) -> [ClusterMap.Service] {
        var services: [ClusterMap.Service] = []
        for (index, text) in addresses.enumerated() {
            services.append(
                ClusterMap.Service(name: "\(role)-\(index + 1)", address: try address(text)))
        }
        return services
    }

    /// The members of each shard.
    ///
    /// The load comes first, so that all peers hold the same number of shards, give or take one.
    /// Among equals the rendezvous weight of shard and peer decides: the table hangs on the
    /// identities alone, not on the order in which they are given.
    private func shards() -> [[PeerID]] {
        var loads: [PeerID: Int] = [:]
        return (0..<shardCount).map { shard in
            let ranked = peers.map { peer in
                (id: peer.id, load: loads[peer.id, default: 0], weight: weight(shard, peer.id))
            }.sorted { ($0.load, $1.weight, $0.id) < ($1.load, $0.weight, $1.id) }
            let members = ranked.prefix(replicas).sorted { $1.weight < $0.weight }.map(\.id)
            for member in members { loads[member, default: 0] += 1 }
            return members
        }
    }

    private func weight(_ shard: Int, _ peer: PeerID) -> Digest {
        var encoder = CanonicalEncoder()
        encoder.append(UInt32(shard))
        encoder.append(peer.rawValue)
        return Digest(domain: "optimystic/shard-rendezvous/1", encoder.bytes)
    }
}
