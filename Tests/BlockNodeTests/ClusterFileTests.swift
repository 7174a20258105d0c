import BlockModel
import BlockNode
import BlockRuntime
import Foundation
import Testing

@Suite("The cluster file")
struct ClusterFileTests {
    private static func plan(
        peers: Int, replicas: Int = 3, shards: Int = 16, seed: UInt64 = 1
    ) -> ClusterPlan {
        var generator = SeededGenerator(seed: seed)
        return ClusterPlan(
            cluster: ClusterID(rawValue: generator.identifier()), name: "demo",
            replicas: replicas, shardCount: shards,
            peers: (0..<peers).map { index in
                ClusterPlan.Peer(
                    id: PeerID(rawValue: generator.identifier()),
                    address: "tcp://127.0.0.1:\(7000 + index)")
            }, coordinators: ["tcp://127.0.0.1:6001", "tcp://127.0.0.1:6002"],
            proxies: ["tcp://127.0.0.1:6003"])
    }

    @Test(
        "A plan says the same after it was written and read",
        arguments: [(3, 3, 16), (1, 1, 1), (7, 5, 40), (20, 3, 256)])
    func roundTrip(peers: Int, replicas: Int, shards: Int) throws {
        let map = try Self.plan(peers: peers, replicas: replicas, shards: shards).map()
        let text = ClusterFile.text(of: map)
        #expect(try ClusterFile.map(of: Bytes(text.utf8), named: "test") == map)
        #expect(map.shards.allSatisfy { $0.count == replicas })
    }

    @Test("Every peer holds the same number of shards, give or take one")
    func balance() throws {
        for seed in 1...20 {
            for peers in [3, 4, 5, 8, 13] {
                let map = try Self.plan(peers: peers, shards: 37, seed: UInt64(seed)).map()
                let loads = map.peers.map { peer in map.shards.count { $0.contains(peer.id) } }
                let (least, most) = (try #require(loads.min()), try #require(loads.max()))
                #expect(most - least <= 1, "\(peers) peers: \(loads)")
            }
        }
    }

    @Test("The table hangs on the identities, not on the order in which they are given")
    func order() throws {
        var plan = Self.plan(peers: 7)
        let map = try plan.map()
        plan.peers.reverse()
        #expect(try plan.map().shards == map.shards)
    }

    @Test("One replica is allowed and said; two, none and too many are refused")
    func replicas() throws {
        #expect(Self.plan(peers: 3, replicas: 1).warning?.contains("development") == true)
        #expect(Self.plan(peers: 3).warning == nil)
        for (peers, replicas) in [(3, 2), (3, 0), (9, 6), (2, 3)] {
            let error = #expect(throws: DatabaseError.self) {
                try Self.plan(peers: peers, replicas: replicas).map()
            }
            #expect(error?.code == .configurationInvalid)
        }
        for shards in [0, Limits.shardCountMax + 1] {
            #expect(throws: DatabaseError.self) {
                try Self.plan(peers: 3, shards: shards).map()
            }
        }
    }

    @Test(
        "Each mistake in the file is refused with the key it is in",
        arguments: [
            ("\"format\": 1", "\"format\": 2", "format"),
            ("\"format\": 1,", "", "format"),
            ("\"name\": \"demo\"", "\"name\": 7", "name"),
            ("\"name\": \"demo\"", "\"name\": \"\"", "name"),
            ("\"name\": \"demo\"", "\"nmae\": \"demo\"", "nmae"),
            ("\"epoch\": 1", "\"epoch\": 0", "epoch"),
            ("\"epoch\": 1", "\"epoch\": 1.5", "epoch"),
            ("\"replicas\": 3", "\"replicas\": 5", "replicas"),
            ("\"shardCount\": 2", "\"shardCount\": 3", "shardCount"),
            ("\"cluster\": \"", "\"cluster\": \"x", "cluster"),
            ("[\"peer-", "[\"nobody-", "shards[0][0]"),
            ("127.0.0.1:7001", "127.0.0.1", "peers[1].address"),
            ("127.0.0.1:7001", "127.0.0.1:0", "peers[1].address"),
            ("127.0.0.1:7001", "*:7001", "peers[1].address"),
            ("127.0.0.1:7001", "127.0.0.1:7002", "used twice"),
            ("127.0.0.1:6003", "127.0.0.1:70000", "proxies[0].address"),
            ("\"peer-2\", \"storage\"", "\"peer-1\", \"storage\"", "peers[1].name"),
            ("\"name\": \"proxy-1\", ", "\"name\": \"proxy-1\", \"port\": 1, ", "proxies[0].port"),
            ("{\n", "{{\n", "not JSON"),
        ])
    func mistakes(part: String, replacement: String, words: String) throws {
        let text = ClusterFile.text(of: try Self.plan(peers: 3, shards: 2).map())
        let range = try #require(text.range(of: part), "the sample changes something")
        let wrong = text.replacingCharacters(in: range, with: replacement)
        let error = #expect(throws: DatabaseError.self) {
            try ClusterFile.map(of: Bytes(wrong.utf8), named: "cluster.json")
        }
        #expect(error?.code == .configurationInvalid)
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        #expect(error?.message.contains("cluster.json") == true)
    }
}
