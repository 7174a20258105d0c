import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

private struct Reading: Codable, Sendable, Hashable {
    let sensor: String
    let value: Int
}

/// The SDK against the real services in this process.
@Suite("Database", .serialized) struct DatabaseTests {
    @Test("What was appended is read back in both directions, with its positions")
    func appendAndRead() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            #expect(database.cluster.proxies == ["loopback://proxy0", "loopback://proxy1"])
            let diary = try await database.diary("readings", of: Reading.self)
            var positions: [CollectionPosition] = []
            for value in 0..<100 {
                positions.append(try await diary.append(Reading(sensor: "a", value: value)))
            }
            let places = positions.map(\.place)
            #expect(places == places.sorted() && Set(positions).count == 100)
            var forward: [Diary<Reading>.Item] = []
            for try await entry in diary.entries() { forward.append(entry) }
            #expect(forward.map(\.value.value) == Array(0..<100))
            #expect(forward.map(\.position) == positions)
            var backward: [Int] = []
            for try await entry in diary.entries(direction: .backward) {
                backward.append(entry.value.value)
            }
            #expect(backward == Array((0..<100).reversed()))
            var middle: [Int] = []
            for try await entry in diary.entries(
                from: .after(positions[10]), asOf: positions[20].revision)
            {
                middle.append(entry.value.value)
            }
            #expect(middle.first == 11 && middle.last ?? 0 >= 20 && middle.count < 90)
        }
    }

    @Test(
        "Pages are pinned to one revision, however many there are",
        arguments: DatabaseHome.allCases)
    func pages(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let diary = try await database.diary(named: "blobs")
            // 20 values of 60 KB are five pages.
            for number in 0..<20 as Range<UInt8> {
                try await diary.append(Bytes(repeating: number, count: 60_000))
            }
            var seen: [UInt8] = []
            for try await entry in diary.entries() {
                #expect(entry.value == Bytes(repeating: UInt8(seen.count), count: 60_000))
                seen.append(entry.value[0])
                if seen.count == 3 { try await diary.append([255]) }
            }
            #expect(seen == Array(0..<20), "what came meanwhile is not in this view")
            await #expect(throws: DatabaseError.self) {
                try await diary.append(Bytes(repeating: 0, count: Limits.valueBytesMax + 1))
            }
        }
    }

    @Test("An action sent twice lands once, and its status is known")
    func exactlyOnce() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect(to: ["loopback://proxy0"])
            let other = try await cluster.connect(to: ["loopback://proxy1"])
            defer {
                database.close()
                other.close()
            }
            let diary = try await database.diary(named: "events")
            let same = try await other.openDiary(named: "events")
            let id = database.makeActionID()
            let first = diary.revision
            let before = try await diary.status(of: id, firstRevision: first)
            #expect(before == .notLanded(asOf: first))
            let position = try await diary.append([1], id: id, firstRevision: first)
            #expect(try await same.append([1], id: id, firstRevision: first) == position)
            #expect(try await same.status(of: id, firstRevision: first) == .landed(position))
            let reuse = await #expect(throws: DatabaseError.self) {
                try await diary.append([2], id: id, firstRevision: first)
            }
            #expect(reuse?.code == .actionIDReuse)
            var count = 0
            for try await _ in diary.entries() { count += 1 }
            #expect(count == 1)
        }
    }

    @Test("Appends go on while a proxy, a coordinator and a peer go, none lost, none doubled")
    func outages() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect(timeout: .seconds(20))
            defer { database.close() }
            let diary = try await database.diary(named: "events")
            let acknowledged = try await withThrowingTaskGroup(of: [Bytes].self) { group in
                for writer in 0..<4 as Range<UInt8> {
                    group.addTask {
                        var done: [Bytes] = []
                        for number in 0..<50 as Range<UInt8> {
                            try await diary.append([writer, number])
                            done.append([writer, number])
                        }
                        return done
                    }
                }
                group.addTask {
                    for name in ["proxy0", "coordinator0", "peer1"] {
                        try await Task.sleep(for: .milliseconds(50))
                        await cluster.stop(name)
                    }
                    return []
                }
                var all: [Bytes] = []
                for try await part in group { all += part }
                return all
            }
            var found: [Bytes] = []
            for try await entry in diary.entries() { found.append(entry.value) }
            #expect(found.count == 200 && Set(found) == Set(acknowledged))
            for writer in 0..<4 as Range<UInt8> {
                let own = found.filter { $0[0] == writer }
                #expect(own.map { $0[1] } == Array(0..<50), "the order of writer \(writer)")
            }
        }
    }

    @Test(
        "A follower gets what is there and what comes, in order",
        arguments: DatabaseHome.allCases)
    func follow(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let diary = try await database.diary(named: "events")
            try await diary.append([0])
            let followed = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask {
                    var seen: [UInt8] = []
                    for try await entry in diary.follow() {
                        seen.append(entry.value[0])
                        if seen.count == 10 { break }
                    }
                    return seen
                }
                for number in 1..<10 as Range<UInt8> { try await diary.append([number]) }
                return try await group.next() ?? []
            }
            #expect(followed == Array(0..<10))
        }
    }

    @Test("Cancelling a task drops its request only")
    func cancellation() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let diary = try await database.diary(named: "events")
            let follower = Task {
                for try await _ in diary.follow() {}
            }
            try await Task.sleep(for: .milliseconds(50))
            follower.cancel()
            await #expect(throws: CancellationError.self) { try await follower.value }
            let first = try await diary.append([1])
            #expect(first.revision == Revision(1) && first.index == 0)
        }
    }

    @Test("Names, kinds and clusters that do not fit are refused in words")
    func refusals() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect()
            defer { database.close() }
            let missing = await #expect(throws: DatabaseError.self) {
                _ = try await database.openDiary(named: "nothing")
            }
            #expect(missing?.code == .collectionNotFound)
            _ = try await database.diary(named: "raw")
            let mismatch = await #expect(throws: DatabaseError.self) {
                _ = try await database.diary("raw", of: Reading.self)
            }
            #expect(mismatch?.code == .collectionKindMismatch)
            let diary = try await database.diary("json", of: Reading.self)
            try await diary.append(Reading(sensor: "x", value: 1))
            let undecodable = await #expect(throws: DatabaseError.self) {
                for try await _ in try await database.openDiary("json", of: [Int].self).entries() {}
            }
            #expect(undecodable?.code == .valueUndecodable)
            let stranger = await #expect(throws: DatabaseError.self) {
                _ = try await cluster.connect(name: "other")
            }
            #expect(stranger?.code == .wrongCluster)
            let nobody = await #expect(throws: DatabaseError.self) {
                _ = try await cluster.connect(to: ["loopback://void"], timeout: .seconds(1))
            }
            #expect(nobody?.code == .endpointUnreachable)
            #expect(nobody?.message.contains("loopback://void") == true)
        }
    }

    @Test(
        "Collections are listed and dropped, and a diary of a dropped life says so",
        arguments: DatabaseHome.allCases)
    func collections(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let diary = try await database.diary(named: "a")
            _ = try await database.diary("b", of: Reading.self)
            #expect(try await database.collections().map(\.name).sorted() == ["a", "b"])
            try await database.drop("a")
            #expect(try await database.collections().map(\.name) == ["b"])
            _ = try await database.diary(named: "a")
            let gone = await #expect(throws: DatabaseError.self) { try await diary.append([1]) }
            #expect(gone?.code == .collectionNotFound)
            let reports = try await database.status()
            let peers = home == .cluster ? ["peer0", "peer1", "peer2"] : ["embedded"]
            #expect(reports.map(\.name) == peers)
            #expect(reports.allSatisfy { $0.status?.refusal == nil && $0.status != nil })
        }
    }

    @Test(
        "A drop ends the life it was given and no later one, and names are created by one of many",
        arguments: DatabaseHome.allCases)
    func lives(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let missing = await #expect(throws: DatabaseError.self) {
                try await database.drop("a")
            }
            #expect(missing?.code == .collectionNotFound && missing?.outcome == .notApplied)
            let first = try await database.diary(named: "a")
            try await database.drop(first.info)
            let late = await #expect(throws: DatabaseError.self) {
                try await database.drop(first.info)
            }
            // Somebody else's drop, as far as this one knows, and for certain.
            #expect(late?.code == .collectionNotFound && late?.outcome == .notApplied)
            let lives = try await withThrowingTaskGroup(of: Incarnation.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await database.diary(named: "a").info.incarnation }
                }
                return try await group.reduce(into: Set<Incarnation>()) { $0.insert($1) }
            }
            #expect(lives.count == 1 && lives.first?.generation == 2)
            // It stays unknown, however often it is asked for: until the time given is up.
            let later = await #expect(throws: DatabaseError.self) {
                try await database.drop(first.info, timeout: TestTime.untilSent)
            }
            #expect(later?.code == .commitResultUnknown)
            #expect(try await database.collections().map(\.incarnation) == Array(lives))
        }
    }

    @Test("A verification walks segments and bodies and asks every replica")
    func verification() async throws {
        try await LoopbackCluster.run { cluster in
            let database = try await cluster.connect(timeout: .seconds(20))
            defer { database.close() }
            let diary = try await database.diary(named: "events")
            for number in 0..<80 as Range<UInt8> {
                try await diary.append(Bytes(repeating: number, count: number < 40 ? 10 : 2000))
            }
            let sound = try await database.verify()
            let result = try #require(sound.collections.first)
            #expect(sound.isSound, "\(result.findings)")
            #expect(result.actionCount == 80)
            #expect(result.entryCount == Int(result.revision.rawValue))
            #expect(result.segmentCount == (result.entryCount - 1) / 32)
            #expect(result.bodyCount == 40)
            #expect(result.objectCount == 1 + result.segmentCount + result.bodyCount)
            // A write is acknowledged by a majority; the others have it a moment later, or not.
            #expect(
                result.fullyReplicatedCount + result.partlyReplicatedCount == result.objectCount)
            await cluster.stop("peer2")
            let reduced = try await database.verify(["events"])
            #expect(reduced.isSound)
            #expect(reduced.collections[0].fullyReplicatedCount == 0)
            #expect(reduced.collections[0].partlyReplicatedCount == result.objectCount)
        }
    }
}
