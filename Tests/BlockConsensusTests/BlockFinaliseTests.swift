import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Making committed writes final")
struct BlockFinaliseTests {
    private static let key = BlockScene.key

    private func finalise(
        _ world: inout CoordinatorWorld, _ numbers: [UInt64], _ token: UInt64
    ) {
        for number in numbers {
            let entry = FinaliseEntry(
                collection: CollectionID(name: "x"), incarnation: Self.key.incarnation,
                revision: Revision(number), payload: Sample.payload(number),
                blocks: [
                    WrittenBlock(
                        block: Self.key.block, resultHash: BlockScene.hash(after: number))
                ])
            let deadline = world.now.advanced(by: .seconds(3))
            world.feed(
                .request(
                    Coordinator.Token(rawValue: token + number), .finalise(entry),
                    deadline: deadline), to: 0)
            world.deliverAll()
        }
    }

    /// A store with versions up to `version` and the pends of the writes in `pends`.
    private func store(version: UInt64, pends: [UInt64]) throws -> MemoryPeerStore {
        var scene = BlockScene()
        if version > 0 { try scene.commit(1, through: version) }
        for number in pends {
            let request = BlockScene.pend(number)
            var record = request.record
            record.bind(request.target)
            scene.store.apply(.pend(PendKey(Self.key, payload: request.payload), record))
        }
        return scene.store
    }

    /// A world of two peers that answer and a third that is gone.
    private func world(
        _ first: MemoryPeerStore, _ second: MemoryPeerStore
    ) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 1)
        let peers = world.map.peers.map(\.id)
        world.stores[peers[0]] = first
        world.stores[peers[1]] = second
        world.stores[peers[2]] = nil
        world.peers[peers[2]] = nil
        world.knowScene(through: 3)
        return world
    }

    @Test("A member that lacks the pend, or the write below it, gets the version from another one")
    func needy() throws {
        for lack in [
            try store(version: 0, pends: []), try store(version: 0, pends: [2]),
            try store(version: 1, pends: []),
        ] {
            var world = try world(try store(version: 1, pends: [2]), lack)
            let peer = world.map.peers[1].id
            finalise(&world, [2], 100)
            #expect(world.finalised == [102])
            let version = try #require(world.stores[peer]?.versions[Self.key]?[Revision(2)])
            #expect(version.write == BlockScene.write(2))
            #expect(world.stores[peer]?.pends.isEmpty == true)
            // From there on it makes the next ones itself.
            let request = BlockScene.pend(3)
            var record = request.record
            record.bind(request.target)
            for peer in world.map.peers.prefix(2) {
                world.stores[peer.id]?.apply(
                    .pend(PendKey(Self.key, payload: request.payload), record))
            }
            finalise(&world, [3], 100)
            #expect(world.finalised == [102, 103])
        }
    }

    @Test("What no member can make is not called final")
    func nobody() throws {
        var world = try world(
            try store(version: 0, pends: [2]), try store(version: 0, pends: []))
        finalise(&world, [2], 100)
        #expect(world.finalised.isEmpty)
        #expect(world.failed[102]?.code == .quorumUnavailable)
    }

    /// Whether write 2 is called final while one member alone can make a version of it.
    private func isFinalOnOne() throws -> Bool {
        var world = try world(
            try store(version: 1, pends: [2]), try store(version: 0, pends: []))
        world.stores[world.map.peers[1].id] = nil
        finalise(&world, [2], 100)
        let copyCount = world.stores.values.count { $0.versions[Self.key]?[Revision(2)] != nil }
        #expect(copyCount == 1)
        return world.finalised == [102]
    }

    // protocol: checkpoint-counts-a-quorum
    @Test("A version on fewer than a quorum is not called final")
    func belowQuorum() throws {
        let isFinal = try isFinalOnOne()
        #expect(!isFinal)
    }

    #if SIMULATION_HOOKS
    @Test("Calling it final on fewer is found")
    func plantedBelowQuorum() throws {
        let isFinal = try SimulationHooks.$plantedBug.withValue(.checkpointBelowQuorum) {
            try isFinalOnOne()
        }
        #expect(isFinal)
    }
    #endif

    @Test("A request counts once, however many rounds it takes, until it is answered")
    func count() throws {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 1)
        let blocks = (0..<50).map {
            WrittenBlock(block: BlockID(content: [UInt8($0)]), resultHash: .zero)
        }
        let entry = FinaliseEntry(
            collection: CollectionID(name: "x"), incarnation: Self.key.incarnation,
            revision: Revision(1), payload: Sample.payload(1), blocks: blocks)
        world.know([(entry.payload, blocks)], of: "x", Self.key.incarnation)
        for token in 1...3 as ClosedRange<UInt64> {
            world.feed(
                .request(
                    Coordinator.Token(rawValue: token), .finalise(entry),
                    deadline: world.now.advanced(by: .seconds(1))), to: 0)
        }
        #expect(world.coordinators[0].requestCount == 3)
        #expect(world.coordinators[0].roundCount == 150)
        world.deliverAll()
        #expect(world.failed.count == 3)
        #expect(world.coordinators[0].requestCount == 0)
        #expect(world.coordinators[0].roundCount == 0)
    }
}
