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
        "A plan and a file refuse a cluster's name that no URL can carry, and take any other",
        arguments: [
            ("a/b", false), ("a?b", false), ("a#b", false), ("a%20b", false), ("a b", false),
            ("", false), ("a\"b", false), ("a\\b", false), ("a\u{7}", false), ("a\u{85}b", false),
            ("a/\u{301}", false), (String(repeating: "n", count: 257), false),
            ("demo", true), ("Straße-1.test_x~", true), (String(repeating: "n", count: 256), true),
        ])
    func clusterNames(name: String, isRight: Bool) throws {
        var plan = Self.plan(peers: 3, shards: 2)
        let text = ClusterFile.text(of: try plan.map())
        plan.name = name
        #expect(((try? plan.map()) != nil) == isRight)
        // In JSON these stand for something else.
        guard !name.contains("\""), !name.contains("\\"), !name.contains("\u{7}") else { return }
        let written = text.replacingOccurrences(of: "\"demo\"", with: "\"\(name)\"")
        let read = try? ClusterFile.map(of: Bytes(written.utf8), named: "test")
        #expect((read != nil) == isRight)
    }

    @Test("host:port is an address wherever one is written, an IPv6 host in brackets")
    func plainAddresses() throws {
        var plan = Self.plan(peers: 3)
        plan.proxies = ["127.0.0.1:9412", "[::1]:9413", "tcp://db-1.example:9414"]
        let map = try plan.map()
        #expect(
            map.proxies.map(\.address) == [
                "tcp://127.0.0.1:9412", "tcp://[::1]:9413", "tcp://db-1.example:9414",
            ])
        let text = ClusterFile.text(of: map).replacingOccurrences(of: "tcp://", with: "")
        #expect(try ClusterFile.map(of: Bytes(text.utf8), named: "test") == map)
        for wrong in ["127.0.0.1:0", "127.0.0.1:65536", "*:1", "127.0.0.1", "::1:5", "udp://a:1"] {
            plan.proxies = [wrong]
            let error = #expect(throws: DatabaseError.self) { try plan.map() }
            #expect(error?.message.contains("\"\(wrong)\" must be") == true)
        }
    }

    @Test("Names that only look alike are two peers")
    func lookAlikes() throws {
        let text = ClusterFile.text(of: try Self.plan(peers: 3, shards: 2).map())
            .replacingOccurrences(of: "peer-1", with: "caf\u{E9}")
            .replacingOccurrences(of: "peer-2", with: "cafe\u{301}")
        let map = try ClusterFile.map(of: Bytes(text.utf8), named: "test")
        #expect(Set(map.shards[0]).count == 3)
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
            // The same address in its other form.
            ("tcp://127.0.0.1:7001", "127.0.0.1:7002", "used twice"),
            ("127.0.0.1:7001", "127.0.0.1:65536", "peers[1].address"),
            ("127.0.0.1:7001", "127.0.0.1:+7001", "peers[1].address"),
            ("127.0.0.1:7001", "::1:7001", "peers[1].address"),
            ("\"name\": \"demo\"", "\"name\": \"a/b\"", "a URL can carry"),
            ("\"name\": \"demo\"", "\"name\": \"a?b\"", "a URL can carry"),
            ("\"name\": \"demo\"", "\"name\": \"a b\"", "a URL can carry"),
            ("\"name\": \"demo\"", "\"name\": \"demo\", \"name\": \"other\"", "\"name\" twice"),
            ("\"name\": \"demo\"", "\"name\": \"demo\", \"na\\u006de\": \"x\"", "\"name\" twice"),
            ("\"name\": \"peer-1\",", "\"name\": \"p\", \"name\": \"peer-1\",", "\"name\" twice"),
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
