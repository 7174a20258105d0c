import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// The defects of collections that were found in the system this one follows, each as a test.
///
/// D-15, D-16, D-32, D-172 and D-173 are in `LocalCollectionTests`, D-63 in
/// `CustomCollectionTests`, D-14 and D-170 in `BlockCommitTests`. These cannot occur here:
/// D-167, since there is one way to execute, and an attempt changes the snapshot only when it has
/// landed; D-169, since nobody can cancel or commit a pend: a chosen tail decides, and the rest is
/// discarded by what it shows; D-171, since a log is read from a chosen tail that holds its open
/// entries, not from a header that names a block.
@Suite("Defects of collections", .serialized) struct CollectionDefectTests {
    /// A map whose actions put one value each.
    struct Put: Codable, Sendable, Equatable {
        var key: String
        var value: String
    }

    static func map(
        _ resolve:
            @escaping @Sendable (Put, [Put]) -> CollectionBehavior<Put>.Resolution = { _, _ in
                .keep
            }
    ) -> CollectionBehavior<Put> {
        CollectionBehavior(
            apply: { put, scope in try scope.set(Bytes(put.key.utf8), Bytes(put.value.utf8)) },
            resolve: resolve)
    }

    static func contents(_ collection: CustomCollection<Put>) async throws -> [String: String] {
        try await collection.read { scope in
            var contents: [String: String] = [:]
            for entry in try scope.entries() {
                contents[String(decoding: entry.key, as: UTF8.self)] =
                    String(decoding: entry.value, as: UTF8.self)
            }
            return contents
        }
    }

    static func logged(_ collection: CustomCollection<Put>) async throws -> [Put] {
        var logged: [Put] = []
        for try await item in collection.log() { logged.append(item.action) }
        return logged
    }

    @Test(
        "D-8: different keys of one leaf, synced by two, are both there",
        arguments: DatabaseHome.allCases)
    func sameLeaf(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let a = try await database.createOrOpen("map", Self.map())
            let b = try await database.open("map", Self.map())
            try await a.act(Put(key: "a", value: "1"))
            try await b.act(Put(key: "b", value: "2"))
            try await b.sync()
            try await a.sync()
            try await b.update()
            let both = ["a": "1", "b": "2"]
            #expect(try await Self.contents(a) == both)
            #expect(try await Self.contents(b) == both)
        }
    }

    @Test(
        "D-9: of a replaced action only the replacement is logged and applied",
        arguments: DatabaseHome.allCases)
    func replacement(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let renaming = Self.map { put, others in
                others.contains { $0.key == put.key }
                    ? .replace(Put(key: put.key + "'", value: put.value)) : .keep
            }
            let a = try await database.createOrOpen("map", renaming)
            let b = try await database.open("map", renaming)
            try await a.act(Put(key: "k", value: "of a"))
            try await b.act(Put(key: "k", value: "of b"))
            try await b.sync()
            let report = try await a.sync()
            #expect(report.replaced.map(\.0) == [Put(key: "k", value: "of a")])
            #expect(report.replaced.map(\.by) == [Put(key: "k'", value: "of a")])
            #expect(try await Self.contents(a) == ["k": "of b", "k'": "of a"])
            let expected = [Put(key: "k", value: "of b"), Put(key: "k'", value: "of a")]
            #expect(try await Self.logged(a) == expected)
        }
    }

    @Test(
        "An action that the behaviour drops is neither logged nor applied",
        arguments: DatabaseHome.allCases)
    func dropped(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let yielding = Self.map { put, others in
                others.contains { $0.key == put.key } ? .drop : .keep
            }
            let a = try await database.createOrOpen("map", yielding)
            let b = try await database.open("map", yielding)
            try await a.act(Put(key: "k", value: "of a"))
            try await a.act(Put(key: "other", value: "of a"))
            try await b.act(Put(key: "k", value: "of b"))
            try await b.sync()
            let report = try await a.sync()
            #expect(report.dropped == [Put(key: "k", value: "of a")])
            #expect(try await Self.contents(a) == ["k": "of b", "other": "of a"])
        }
    }

    @Test("D-10: a sync that cannot succeed ends in time, and keeps what is pending")
    func boundedSync() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let map = try await database.createOrOpen("map", Self.map())
            try await map.act(Put(key: "k", value: "v"))
            await cluster.stop("coordinator0")
            await cluster.stop("coordinator1")
            await #expect(throws: DatabaseError.self) {
                try await map.sync(timeout: .milliseconds(400))
            }
            #expect(await map.pending == [Put(key: "k", value: "v")])
            for service in cluster.map.coordinators { cluster.startCoordinator(service) }
            try await map.sync(timeout: TestTime.generous)
            #expect(try await Self.logged(map) == [Put(key: "k", value: "v")])
        }
    }

    @Test(
        "D-11: an action that comes while a sync is under way is in exactly one entry",
        arguments: DatabaseHome.allCases)
    func actDuringSync(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let map = try await database.createOrOpen("map", Self.map())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await map.act(
                            Put(key: "\(number)", value: "v"), timeout: TestTime.generous)
                    }
                    group.addTask { try await map.sync(timeout: TestTime.generous) }
                }
                try await group.waitForAll()
            }
            try await map.sync()
            let logged = try await Self.logged(map)
            #expect(logged.count == 100)
            #expect(Set(logged.map(\.key)).count == 100)
        }
    }

    @Test(
        "D-12: reading the log backwards, twice, shows the same and changes nothing",
        arguments: DatabaseHome.allCases)
    func backwards(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let map = try await database.createOrOpen("map", Self.map())
            for number in 0..<150 {
                try await map.act(Put(key: "\(number)", value: "v"))
                if number % 2 == 0 { try await map.sync() }
            }
            try await map.sync()
            let forward = try await Self.logged(map)
            #expect(forward.map(\.key) == (0..<150).map { "\($0)" })
            for _ in 0..<2 {
                var backward: [Put] = []
                for try await item in map.log(direction: .backward) { backward.append(item.action) }
                #expect(backward == forward.reversed())
            }
            #expect(try await Self.logged(map) == forward)
        }
    }

    @Test(
        "D-13: of two that create one collection both go on with the same one",
        arguments: DatabaseHome.allCases)
    func creationRace(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let collections = try await withThrowingTaskGroup(of: CustomCollection<Put>.self) {
                group in
                for _ in 0..<8 {
                    group.addTask { try await database.createOrOpen("map", Self.map()) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (number, collection) in collections.enumerated() {
                try await collection.act(Put(key: "\(number)", value: "v"))
            }
            for collection in collections { try await collection.sync() }
            #expect(Set(collections.map(\.info.incarnation)).count == 1)
            let last = try #require(collections.last)
            #expect(try await Self.contents(last).count == 8)
        }
    }

    @Test("D-17, D-18: opening to read creates nothing, and absent is not unreachable")
    func absence() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            func code(of body: () async throws -> Void) async -> ErrorCode? {
                do {
                    try await body()
                    return nil
                } catch {
                    return (error as? DatabaseError)?.code
                }
            }
            let open = { _ = try await database.open("map", Self.map(), timeout: .seconds(1)) }
            #expect(await code(of: open) == .collectionNotFound)
            #expect(
                await code {
                    _ = try await database.openTree(
                        "map", key: Int.self, value: Int.self, timeout: .seconds(1))
                } == .collectionNotFound)
            #expect(try await database.collections().isEmpty)
            await cluster.stop("peer0")
            await cluster.stop("peer1")
            let unreachable = await code(of: open)
            #expect(unreachable != nil && unreachable != .collectionNotFound)
        }
    }

    @Test(
        "D-55: a scan goes on at its revision, whatever lands meanwhile",
        arguments: DatabaseHome.allCases)
    func pinnedScan(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("tree", key: Int.self, value: Bytes.self)
            let value = Bytes(repeating: 7, count: 2000)
            for start in stride(from: 0, to: 1000, by: 100) {
                try await tree.replace((start..<start + 100).map { .set($0, value) })
            }
            var seen: [Int] = []
            for try await (key, found) in tree.entries() {
                #expect(found == value)
                if seen.count % 100 == 0 {
                    try await tree.replace([.remove(999 - seen.count), .set(key, [1])])
                }
                seen.append(key)
            }
            #expect(seen == Array(0..<1000))
        }
    }

    @Test(
        "D-166: what a reader has to know of recent entries does not grow with the log",
        arguments: DatabaseHome.allCases)
    func checkpoints(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("tree", key: Int.self, value: Int.self)
            let map = try await database.createOrOpen("map", Self.map())
            for number in 0..<400 {
                try await tree.set(number % 10, to: number)
                try await map.act(Put(key: "\(number % 10)", value: "v"))
                try await map.sync()
            }
            for name in ["tree", "map"] {
                let tail = try #require(try await database.inspectTail(name).value.live)
                #expect(tail.revision == Revision(400))
                #expect(tail.revision.rawValue - tail.checkpoint.revision.rawValue <= 100)
            }
        }
    }
}
