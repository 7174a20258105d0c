import BlockRuntime

/// Who stores what in the current epoch of every shard: the explicit table of the cluster file.
package struct ClusterMap: Hashable, Sendable {
    /// A storage peer as the cluster file names it.
    package struct Peer: Hashable, Sendable {
        package let id: PeerID
        /// For people.
        package let name: String
        /// Where it listens, e.g. `tcp://127.0.0.1:7710`.
        package let address: String

        package init(id: PeerID, name: String, address: String) {
            self.id = id
            self.name = name
            self.address = address
        }
    }

    /// A coordinator or a proxy: stateless, so it has no identity but its address.
    package struct Service: Hashable, Sendable {
        package let name: String
        package let address: String

        package init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    package let cluster: ClusterID
    /// The name that URLs carry and that is checked when an application connects.
    package let name: String
    package let epoch: Epoch
    package let peers: [Peer]
    /// The members of each shard; the shard's number is the position.
    package let shards: [[PeerID]]
    package let coordinators: [Service]
    package let proxies: [Service]

    /// - Throws: `.configurationInvalid` when a member is unknown, a shard has no or too many
    ///   members, two members, or one member twice, or when a bound of ``Limits`` is broken.
    package init(
        cluster: ClusterID, name: String, epoch: Epoch = .first, peers: [Peer],
        shards: [[PeerID]], coordinators: [Service], proxies: [Service]
    ) throws(DatabaseError) {
        self.cluster = cluster
        self.name = name
        self.epoch = epoch
        self.peers = peers
        self.shards = shards
        self.coordinators = coordinators
        self.proxies = proxies
        if let problem { throw DatabaseError(.configurationInvalid, "cluster file: \(problem)") }
    }

    private var problem: String? {
        if let expected = NameText.problem(ofClusterName: name) {
            return "the cluster's name must be \(expected)"
        }
        if shards.isEmpty || shards.count > Limits.shardCountMax {
            return "\(shards.count) shards, of 1 to \(Limits.shardCountMax)"
        }
        if peers.count > Limits.peerCountMax { return "\(peers.count) peers" }
        let known = Set(peers.map(\.id))
        if known.count != peers.count { return "one storage UUID twice" }
        for (number, members) in shards.enumerated() {
            if Set(members).count != members.count { return "shard \(number) names a peer twice" }
            if !known.isSuperset(of: members) { return "shard \(number) names an unknown peer" }
            switch members.count {
            case 1, 3...Limits.replicaCountMax: break
            case 2: return "shard \(number) has 2 members: no more durable than 1, less available"
            default: return "shard \(number) has \(members.count) members"
            }
        }
        return nil
    }

    /// The shard of a block id: equal ranges of the id's first 64 bits.
    /// - Complexity: O(1).
    package func shard(of block: BlockID) -> ShardID {
        ShardID(of: block, shardCount: UInt32(shards.count))
    }

    /// The shard of a collection's tail register.
    package func shard(of collection: CollectionID) -> ShardID {
        shard(of: BlockID(collection.digest))
    }

    /// The lowest id that belongs to `shard`: the inverse of ``shard(of:)-(BlockID)``.
    /// - Precondition: the shard exists.
    package func lowestID(of shard: ShardID) -> CollectionID {
        let numerator = (high: UInt64(shard.rawValue), low: UInt64(0))
        let (quotient, remainder) = UInt64(shards.count).dividingFullWidth(numerator)
        var encoder = CanonicalEncoder()
        encoder.append(remainder == 0 ? quotient : quotient + 1)
        let bytes = encoder.bytes + Bytes(repeating: 0, count: Digest.byteCount - 8)
        return CollectionID(Digest(bytes) ?? .zero)
    }

    /// The members of a shard. - Precondition: the shard exists.
    package func members(of shard: ShardID) -> [PeerID] { shards[Int(shard.rawValue)] }

    /// Whether `peer` is a member of `shard`; false for a shard that does not exist.
    package func isMember(_ peer: PeerID, of shard: ShardID) -> Bool {
        shard.rawValue < shards.count && shards[Int(shard.rawValue)].contains(peer)
    }

    /// How many distinct members must agree: more than half.
    package func quorum(of shard: ShardID) -> Int { members(of: shard).count / 2 + 1 }

    package func peer(_ id: PeerID) -> Peer? { peers.first { $0.id == id } }
}
