import BlockModel
import BlockRuntime
import BlockWire

/// The file that describes a cluster, which every service is given: a ``ClusterMap`` as JSON.
///
/// ```
/// {
///   "format": 1,
///   "cluster": "<UUID>", "name": "demo", "epoch": 1, "replicas": 3, "shardCount": 2,
///   "peers": [ { "name": "peer-1", "storage": "<UUID>", "address": "tcp://10.0.0.1:7710" }, … ],
///   "shards": [ ["peer-1", "peer-2", "peer-3"], ["peer-1", "peer-2", "peer-3"] ],
///   "coordinators": [ { "name": "coordinator-1", "address": "tcp://127.0.0.1:7720" }, … ],
///   "proxies": [ { "name": "proxy-1", "address": "tcp://127.0.0.1:7730" }, … ]
/// }
/// ```
///
/// `shards` names the members of each shard, in the order of the shards' numbers. `replicas` and
/// `shardCount` say the same once more, so that a table that was cut or edited by half is noticed.
package enum ClusterFile {
    /// The only format this release reads and writes.
    package static let format = 1

    // MARK: Reading

    /// - Throws: `.configurationInvalid` naming the file and the key, also when there is no file.
    package static func read(at path: SystemPath) throws(DatabaseError) -> ClusterMap {
        let said = "cannot read the cluster file \(path); `optimystic cluster plan` writes one"
        let read: Bytes?
        do {
            read = try path.contents(countMax: Limits.clusterFileBytesMax)
        } catch {
            throw DatabaseError(.configurationInvalid, said, cause: error)
        }
        guard let read else {
            throw DatabaseError(.configurationInvalid, "\(said): there is none")
        }
        return try map(of: read, named: "\(path)")
    }

    /// - Parameter name: What the messages call the text, usually its path.
    /// - Throws: `.configurationInvalid`.
    package static func map(
        of bytes: Bytes, named name: String
    ) throws(DatabaseError) -> ClusterMap {
        guard bytes.count <= Limits.clusterFileBytesMax else {
            throw DatabaseError(
                .configurationInvalid,
                "\(name) has \(bytes.count) bytes, clusterFileBytesMax = "
                    + "\(Limits.clusterFileBytesMax)")
        }
        let document = try JSONPlace(document: name, bytes)
        try checkFormat(document)
        let members = try document.members([
            "format", "cluster", "name", "epoch", "replicas", "shardCount", "peers", "shards",
            "coordinators", "proxies",
        ])
        func place(_ key: String) throws(DatabaseError) -> JSONPlace {
            try document.member(key, of: members)
        }
        let peers = try peers(place("peers"))
        let shards = try shards(place("shards"), peers: peers)
        let shardCount = try place("shardCount")
        guard try shardCount.integer(in: 1...Limits.shardCountMax) == shards.count else {
            throw shardCount.wrong("the number of shards in the table, \(shards.count)")
        }
        let replicas = try place("replicas")
        let replicaCount = try replicas.integer(in: 1...Limits.replicaCountMax)
        if let odd = shards.firstIndex(where: { $0.count != replicaCount }) {
            throw replicas.wrong("the number of members of shard \(odd), \(shards[odd].count)")
        }
        let coordinators = try services(place("coordinators"))
        let proxies = try services(place("proxies"))
        try checkAddresses(
            peers.map(\.address) + coordinators.map(\.address) + proxies.map(\.address), document)
        let epoch = try place("epoch").integer(in: 1...Int(UInt32.max))
        return try ClusterMap(
            cluster: ClusterID(rawValue: place("cluster").identifier()),
            name: clusterName(place("name")),
            epoch: Epoch(UInt32(epoch)), peers: peers, shards: shards, coordinators: coordinators,
            proxies: proxies)
    }

    /// First of all: a file of another format may have other keys.
    private static func checkFormat(_ document: JSONPlace) throws(DatabaseError) {
        guard case .object(let members) = document.value else { throw document.wrong("an object") }
        let place = try document.member("format", of: members)
        let format = try place.integer(in: 1...Int(Int32.max))
        guard format == ClusterFile.format else {
            throw place.wrong("\(ClusterFile.format), the format this release knows, not \(format)")
        }
    }

    private static func clusterName(_ place: JSONPlace) throws(DatabaseError) -> String {
        let text = try place.text()
        if let expected = NameText.problem(ofClusterName: text) { throw place.wrong(expected) }
        return text
    }

    private static func peers(_ list: JSONPlace) throws(DatabaseError) -> [ClusterMap.Peer] {
        var peers: [ClusterMap.Peer] = []
        var names: Set<ExactText> = []
        for place in try list.elements(countMax: Limits.peerCountMax) {
            let members = try place.members(["name", "storage", "address"])
            let name = try place.member("name", of: members)
            guard names.insert(ExactText(try name.name())).inserted else {
                throw name.wrong("another name than that of a peer above")
            }
            peers.append(
                ClusterMap.Peer(
                    id: PeerID(rawValue: try place.member("storage", of: members).identifier()),
                    name: try name.name(), address: try address(place, members)))
        }
        return peers
    }

    private static func shards(
        _ table: JSONPlace, peers: [ClusterMap.Peer]
    ) throws(DatabaseError) -> [[PeerID]] {
        var ids: [ExactText: PeerID] = [:]
        for peer in peers { ids[ExactText(peer.name)] = peer.id }
        var shards: [[PeerID]] = []
        for row in try table.elements(countMax: Limits.shardCountMax) {
            var members: [PeerID] = []
            for place in try row.elements(countMax: Limits.replicaCountMax) {
                guard let peer = ids[ExactText(try place.name())] else {
                    throw place.wrong("the name of a peer")
                }
                members.append(peer)
            }
            shards.append(members)
        }
        return shards
    }

    private static func services(_ list: JSONPlace) throws(DatabaseError) -> [ClusterMap.Service] {
        var services: [ClusterMap.Service] = []
        for place in try list.elements(countMax: Limits.serviceCountMax) {
            let members = try place.members(["name", "address"])
            services.append(
                ClusterMap.Service(
                    name: try place.member("name", of: members).name(),
                    address: try address(place, members)))
        }
        guard !services.isEmpty else { throw list.wrong("a list of at least one") }
        return services
    }

    private static func address(
        _ place: JSONPlace, _ members: [ExactText: JSONText]
    ) throws(DatabaseError) -> String {
        let address = try place.member("address", of: members)
        guard let canonical = ServiceAddress.canonical(try address.text()) else {
            throw address.wrong(ServiceAddress.expected)
        }
        return canonical
    }

    private static func checkAddresses(
        _ addresses: [String], _ document: JSONPlace
    ) throws(DatabaseError) {
        var seen: Set<ExactText> = []
        for address in addresses where !seen.insert(ExactText(address)).inserted {
            throw DatabaseError(
                .configurationInvalid, "\(document.document): the address \(address) is used twice")
        }
    }

    // MARK: Writing

    /// The file, with one line for each member of a list.
    package static func text(of map: ClusterMap) -> String {
        invariant(!map.shards.isEmpty, "a cluster without shards")
        invariant(
            map.shards.allSatisfy { $0.count == map.shards[0].count },
            "shards with different numbers of members")
        var names: [PeerID: String] = [:]
        for peer in map.peers { names[peer.id] = peer.name }
        invariant(
            map.shards.joined().allSatisfy { names[$0] != nil }, "a member that is no peer")
        let peers = map.peers.map {
            "{ \"name\": \"\($0.name)\", \"storage\": \"\($0.id)\", "
                + "\"address\": \"\($0.address)\" }"
        }
        let shards = map.shards.map { members in
            "[" + members.map { "\"\(names[$0] ?? "\($0)")\"" }.joined(separator: ", ") + "]"
        }
        func services(_ services: [ClusterMap.Service]) -> [String] {
            services.map { "{ \"name\": \"\($0.name)\", \"address\": \"\($0.address)\" }" }
        }
        func list(_ key: String, _ rows: [String]) -> String {
            "  \"\(key)\": [\n    " + rows.joined(separator: ",\n    ") + "\n  ]"
        }
        let parts = [
            "  \"format\": \(format)",
            "  \"cluster\": \"\(map.cluster)\"",
            "  \"name\": \"\(map.name)\"",
            "  \"epoch\": \(map.epoch.rawValue)",
            "  \"replicas\": \(map.shards[0].count)",
            "  \"shardCount\": \(map.shards.count)",
            list("peers", peers),
            list("shards", shards),
            list("coordinators", services(map.coordinators)),
            list("proxies", services(map.proxies)),
        ]
        return "{\n" + parts.joined(separator: ",\n") + "\n}\n"
    }
}
