import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Damage on one replica, and what reads and scrubs make of it.
@Suite("Scrub and repair")
struct ScrubTests {
    private typealias Scene = BlockScene
    private let key = BlockScene.key

    /// Three replicas with the writes 1 to `count` as versions.
    private func world(through count: UInt64, seed: UInt64 = 1) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: seed, coordinatorCount: 1)
        var scene = Scene()
        try scene.commit(1, through: count)
        for peer in world.map.peers { world.stores[peer.id] = scene.store }
        world.knowScene(through: count)
        return world
    }

    private func ask(_ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64)
    {
        let deadline = world.now.advanced(by: .seconds(20))
        world.feed(.request(Coordinator.Token(rawValue: token), request, deadline: deadline), to: 0)
        world.deliverAll()
    }

    /// Walks the whole shard, `countMax` versions at a time; the pages' figures added up.
    private func scrub(_ world: inout CoordinatorWorld, countMax: UInt32 = 64) throws -> ScrubReport
    {
        var total = ScrubReport()
        var cursor: VersionPosition?
        var token: UInt64 = 1000
        repeat {
            token += 1
            ask(&world, .scrub(ShardID(rawValue: 0), after: cursor, countMax: countMax), token)
            let page = try #require(world.scrubs[token])
            #expect(page.versionCount <= countMax * 3)
            total.versionCount += page.versionCount
            total.repairedCount += page.repairedCount
            total.unrepairedCount += page.unrepairedCount
            total.conflictCount += page.conflictCount
            cursor = page.next
        } while cursor != nil && token < 1200
        return total
    }

    /// What a replica answers of each revision, by itself.
    private func images(_ world: CoordinatorWorld, _ peer: Int, through count: UInt64) -> [Bytes?] {
        guard let store = world.stores[world.map.peers[peer].id] else { return [] }
        return (1...count).map { revision in
            var replica = BlockReplica(key, view: store)
            guard case .block(let copy?)? = try? replica.answer(Scene.read(revision)),
                copy.write.revision == Revision(revision)
            else { return nil }
            return copy.bytes
        }
    }

    private func right(through count: UInt64) -> [Bytes?] {
        (1...count).map { Scene.block(after: $0).canonicalBytes }
    }

    /// Another content than the hash says, or none that can be read.
    private func damage(
        _ world: inout CoordinatorWorld, _ peer: Int, at revision: UInt64, loses: Bool = false
    ) throws {
        let id = world.map.peers[peer].id
        if loses {
            world.stores[id]?.removeVersion(of: key, at: Revision(revision))
            return
        }
        var version = try #require(world.stores[id]?.versions[key]?[Revision(revision)])
        version.content = .image(Scene.block(after: revision + 7).canonicalBytes)
        world.stores[id]?.apply(.version(key, version))
    }

    @Test("What one replica has damaged or lost is there again after a scrub, byte for byte")
    func repair() throws {
        for countMax: UInt32 in [1, 3, 64] {
            for loses in [true, false] {
                var world = try world(through: 40)
                for revision: UInt64 in [1, 2, 3, 17, 32, 40] {
                    try damage(&world, Int(revision % 3), at: revision, loses: loses)
                }
                for peer in 0..<3 {
                    let isDamaged = images(world, peer, through: 40).contains(nil)
                    #expect(isDamaged)
                }
                // What is made from versions that every replica has damaged in another place can be
                // made again only when those are there: that takes a second walk.
                let first = try scrub(&world, countMax: countMax)
                #expect(first.repairedCount >= 3 && first.conflictCount == 0)
                let second = try scrub(&world, countMax: countMax)
                #expect(second.unrepairedCount == 0 && second.conflictCount == 0)
                for peer in 0..<3 {
                    let isRight = images(world, peer, through: 40) == right(through: 40)
                    #expect(isRight)
                }
                let again = try scrub(&world, countMax: countMax)
                #expect(again.versionCount == 40 && again.repairedCount == 0)
            }
        }
    }

    @Test("Writes go on over versions that were repaired, and history stays as it was")
    func writesAfterRepair() throws {
        var world = try world(through: 6)
        try damage(&world, 1, at: 6)
        try damage(&world, 1, at: 5, loses: true)
        _ = try scrub(&world)
        let id = world.map.peers[1].id
        var scene = Scene()
        scene.store = try #require(world.stores[id])
        try scene.commit(7, through: 40)
        world.stores[id] = scene.store
        #expect(images(world, 1, through: 40) == right(through: 40))
    }

    // protocol: repair-by-hash
    @Test("A copy that everybody has damaged is never installed, and is reported")
    func lostEverywhere() throws {
        var world = try world(through: 3)
        for peer in 0..<3 { try damage(&world, peer, at: 3) }
        let before = world.stores.mapValues(\.versions)
        let report = try scrub(&world)
        #expect(report.repairedCount == 0 && report.unrepairedCount == 3)
        #expect(world.stores.mapValues(\.versions) == before)
    }

    @Test("Two different writes at one revision are reported and left as they are")
    func conflict() throws {
        var world = try world(through: 2)
        var other = Scene()
        try other.commit(1, through: 1)
        _ = try other.ask(.pend(Scene.pend(2, payload: 9)))
        _ = try other.ask(.finalise(key, Scene.write(2, payload: 9)))
        world.stores[world.map.peers[0].id] = other.store
        world.stores[world.map.peers[1].id]?.removeVersion(of: key, at: Revision(2))
        let before = world.stores.mapValues(\.versions)
        let report = try scrub(&world)
        #expect(report.conflictCount == 1 && report.repairedCount == 0)
        #expect(world.stores.mapValues(\.versions) == before)
    }

    @Test("A pend that was never finalised here ends with the version that takes its place")
    func pendBehind() throws {
        var world = try world(through: 1)
        for index in 0..<3 {
            let id = world.map.peers[index].id
            var scene = Scene()
            scene.store = try #require(world.stores[id])
            _ = try scene.ask(.pend(Scene.pend(2)))
            if index > 0 { _ = try scene.ask(.finalise(key, Scene.write(2))) }
            world.stores[id] = scene.store
        }
        let report = try scrub(&world)
        #expect(report.repairedCount == 1)
        #expect(world.stores.values.allSatisfy { $0.pends.isEmpty })
        #expect(images(world, 0, through: 2) == right(through: 2))
    }

    @Test("With one replica gone a scrub compares the others, with two it says so")
    func missingReplicas() throws {
        var world = try world(through: 3)
        try damage(&world, 1, at: 2, loses: true)
        world.peers[world.map.peers[0].id] = nil
        // The one that is lost, and the one above that was made from it.
        #expect(try scrub(&world).repairedCount == 2)
        #expect(images(world, 1, through: 3) == right(through: 3))
        world.peers[world.map.peers[1].id] = nil
        ask(&world, .scrub(ShardID(rawValue: 0), after: nil, countMax: 9), 77)
        #expect(world.scrubs[77] == nil)
        ask(&world, .scrub(ShardID(rawValue: 9), after: nil, countMax: 9), 78)
        #expect(world.scrubs[78] == nil)
    }

    @Test("A read that meets damage answers from another replica and repairs the damaged one")
    func readRepairs() throws {
        for seed: UInt64 in 0..<12 {
            for committed: [UInt64] in [[], [3]] {
                var world = try world(through: 3, seed: seed)
                for peer in 0..<2 where peer == 0 || !committed.isEmpty {
                    try damage(&world, peer, at: 3)
                }
                let request = BlockReadRequest(
                    key: key, revision: Revision(3), committed: committed.map { Scene.write($0) },
                    collection: CollectionID(name: "x"))
                ask(&world, .readBlock(request), 1)
                let copy = try #require(world.blocks[1] ?? nil)
                #expect(copy.bytes == Scene.block(after: 3).canonicalBytes)
                // Whoever was asked and had it damaged has it again; nobody hands out the damage.
                for peer in 0..<3 {
                    let image = images(world, peer, through: 3)[2]
                    #expect(image == nil || image == copy.bytes)
                }
                ask(&world, .readBlock(request), 2)
                #expect(world.blocks[2] == copy)
            }
        }
    }
}
