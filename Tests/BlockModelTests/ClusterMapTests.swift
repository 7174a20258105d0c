import BlockModel
import BlockRuntime
import ModelSamples
import Testing

@Suite("Cluster map")
struct ClusterMapTests {
    private func map(
        shardCount: Int, members: [PeerID]? = nil, peers: [PeerID]? = nil, name: String = "demo"
    ) throws -> ClusterMap {
        let ids = (1...3).map { PeerID(rawValue: Identifier128(UInt128($0))) }
        return try ClusterMap(
            cluster: ClusterID(rawValue: .zero), name: name,
            peers: (peers ?? ids).map { ClusterMap.Peer(id: $0, name: "p", address: "a") },
            shards: Array(repeating: members ?? ids, count: shardCount), coordinators: [],
            proxies: [])
    }

    @Test("the lowest id of a shard is in it, and the id below is in the shard before")
    func lowestID() throws {
        for shardCount in Array(1...66) + [100, 127, 128, 1000, 4095, Limits.shardCountMax] {
            let map = try map(shardCount: shardCount)
            for number in 0..<UInt32(shardCount) {
                let shard = ShardID(rawValue: number)
                let lowest = map.lowestID(of: shard)
                guard map.shard(of: lowest) == shard else {
                    Issue.record("\(lowest) is not in shard \(shard) of \(shardCount)")
                    continue
                }
                guard number > 0 else { continue }
                var encoder = CanonicalEncoder()
                encoder.append(lowest.digest.prefix64 - 1)
                let below = Digest(encoder.bytes + Bytes(repeating: 255, count: 24))
                let before = map.shard(of: CollectionID(try #require(below)))
                if before.rawValue != number - 1 { Issue.record("below \(number) is \(before)") }
            }
            #expect(map.lowestID(of: ShardID(rawValue: 0)) == CollectionID(.zero))
        }
    }

    @Test("random ids spread over all shards, and the order of ids is that of shards")
    func placement() throws {
        let map = try map(shardCount: 16)
        var samples = ModelSamples(seed: 1)
        let ids = (0..<1000).map { _ in samples.block() }.sorted()
        let shards = ids.map { map.shard(of: $0) }
        #expect(shards == shards.sorted())
        #expect(Set(shards).count == 16)
    }

    @Test("a map that cannot work is refused")
    func refusals() throws {
        let ids = (1...6).map { PeerID(rawValue: Identifier128(UInt128($0))) }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 0) }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: Limits.shardCountMax + 1) }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 1, name: "") }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 1, members: []) }
        #expect(throws: DatabaseError.self) {
            _ = try map(shardCount: 1, members: Array(ids.prefix(2)))
        }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 1, members: ids, peers: ids) }
        #expect(throws: DatabaseError.self) {
            _ = try map(shardCount: 1, members: [ids[0], ids[0], ids[1]])
        }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 1, members: [ids[5]]) }
        #expect(throws: DatabaseError.self) { _ = try map(shardCount: 1, peers: ids + [ids[0]]) }
        #expect(try map(shardCount: 1).quorum(of: ShardID(rawValue: 0)) == 2)
        #expect(try map(shardCount: 1, members: [ids[0]]).quorum(of: ShardID(rawValue: 0)) == 1)
    }
}
