import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWire
import Testing

/// A cluster of one storage peer, in the test's own process.
struct OnePeerWorld {
    let peer = PeerID(rawValue: Identifier128(7))
    let map: ClusterMap
    let collection = CollectionID(name: "events")

    init() throws {
        map = try ClusterMap(
            cluster: ClusterID(rawValue: Identifier128(9)), name: "test",
            peers: [
                ClusterMap.Peer(
                    id: PeerID(rawValue: Identifier128(7)), name: "peer-1",
                    address: "loopback://peer-1")
            ], shards: [[PeerID(rawValue: Identifier128(7))]],
            coordinators: [
                ClusterMap.Service(name: "coordinator-1", address: "loopback://coordinator-1")
            ], proxies: [ClusterMap.Service(name: "proxy-1", address: "loopback://proxy-1")])
    }

    func ballot(_ counter: UInt64) -> Ballot {
        Ballot(
            epoch: map.epoch, counter: counter,
            proposer: ProposerID(rawValue: Identifier128(3)))
    }

    func item(_ id: UInt64, _ operation: PeerRequest.Operation) -> PeerBatchItem {
        let request = PeerRequest(
            shard: map.shard(of: collection), epoch: map.epoch, operation: operation)
        return PeerBatchItem(id: id, request: request)
    }

    func cycle(_ repository: StorageRepository) -> StoragePeerCycle {
        StoragePeerCycle(identity: peer, map: map, repository: repository, journal: nil)
    }
}

@Suite("The cycle of a storage peer")
struct StoragePeerCycleTests {
    @Test("Everything that arrived is one synced batch, and later requests see earlier writes")
    func oneBatch() throws {
        let world = try OnePeerWorld()
        let engine = MemoryEngine()
        var cycle = world.cycle(try StorageRepository(engine: engine))
        let before = engine.counters
        let value: Bytes = [1, 2, 3]
        let batches = [
            (
                "a",
                [
                    world.item(1, .prepare(world.collection, world.ballot(1))),
                    world.item(
                        2,
                        .accept(
                            world.collection, world.ballot(1), value: value, wantsNext: false)),
                ]
            ),
            (
                "b",
                [
                    world.item(1, .prepare(world.collection, world.ballot(1))),
                    world.item(5, .query(world.collection, wantsValue: true)),
                ]
            ),
        ].map { (sender: $0.0, items: $0.1) }
        var answers: [String: [PeerReplyItem]] = [:]
        var syncsAtReply: [UInt64] = []
        let report = try cycle.run(batches) { sender, reply in
            #expect(reply.peer == world.peer)
            #expect(reply.epoch == world.map.epoch)
            answers[sender] = reply.items
            syncsAtReply.append(engine.counters.syncs - before.syncs)
        }
        #expect(report.requestCount == 4)
        #expect(report.wroteBatch)
        #expect(report.alarms.isEmpty)
        #expect(engine.counters.syncs - before.syncs == 1)
        #expect(engine.counters.writes - before.writes == 1)
        #expect(syncsAtReply == [1, 1], "no reply before the sync")
        #expect(
            answers["a"]?.map(\.reply) == [
                .promise(world.ballot(1), accepted: .zero, value: []),
                .accepted(world.ballot(1), promisesNext: false),
            ])
        #expect(
            answers["b"]?.map(\.reply) == [
                .rejected(promised: world.ballot(1)),
                .register(
                    accepted: world.ballot(1), valueHash: RegisterRecord.hash(of: value),
                    value: value),
            ])
        #expect(answers["b"]?.map(\.id) == [1, 5])
    }

    @Test("A cycle that only reads writes and syncs nothing")
    func readOnly() throws {
        let world = try OnePeerWorld()
        let engine = MemoryEngine()
        var cycle = world.cycle(try StorageRepository(engine: engine))
        let before = engine.counters
        var replyCount = 0
        let report = try cycle.run([
            (sender: 1, items: [world.item(1, .query(world.collection, wantsValue: false))])
        ]) { _, _ in replyCount += 1 }
        #expect(!report.wroteBatch)
        #expect(replyCount == 1)
        #expect(engine.counters.writes == before.writes)
        #expect(engine.counters.syncs == before.syncs)
    }

    @Test("A failed sync answers nobody", arguments: [true, false])
    func failedSync(isWrite: Bool) throws {
        let world = try OnePeerWorld()
        let engine = FailingEngine()
        var cycle = world.cycle(try StorageRepository(engine: engine))
        engine.fails = isWrite ? .writes : .syncs
        var replyCount = 0
        let batches = [
            (sender: 1, items: [world.item(1, .query(world.collection, wantsValue: false))]),
            (sender: 2, items: [world.item(1, .prepare(world.collection, world.ballot(1)))]),
        ]
        let error = #expect(throws: DatabaseError.self) {
            _ = try cycle.run(batches) { _, _ in replyCount += 1 }
        }
        #expect(error?.code == .ioFailed)
        #expect(replyCount == 0)
    }

    @Test("A peer that takes no part answers its status with the reason, and refuses the rest")
    func refusal() throws {
        let world = try OnePeerWorld()
        let reason = DatabaseError(.amnesia, "the store is gone")
        var cycle = StoragePeerCycle(identity: world.peer, map: world.map, refusal: reason)
        var replies: [PeerReply] = []
        let items = [
            world.item(1, .status), world.item(2, .prepare(world.collection, world.ballot(1))),
            world.item(3, .query(world.collection, wantsValue: true)),
        ]
        _ = try cycle.run([(sender: 0, items: items)]) { replies = $1.items.map(\.reply) }
        guard case .status(let status) = replies[0] else {
            Issue.record("\(replies[0])")
            return
        }
        #expect(status.refusal == reason)
        for reply in replies.dropFirst() {
            guard case .refused(let error) = reply else {
                Issue.record("\(reply)")
                continue
            }
            #expect(error.code == .notParticipating)
        }
    }
}

/// A memory engine whose disk fails.
private final class FailingEngine: KeyValueEngine {
    private let memory = MemoryEngine()
    enum Failing { case nothing, writes, syncs }
    var fails = Failing.nothing

    private static let failure = DatabaseError(.ioFailed, "the disk fails", outcome: .unknown)

    func get(_ key: Bytes) throws(DatabaseError) -> Bytes? { try memory.get(key) }

    func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        try memory.scan(from: lowest, below: end, countMax: countMax)
    }

    func write(_ batch: WriteBatch) throws {
        if fails == .writes { throw FailingEngine.failure }
        try memory.write(batch)
    }

    func sync() throws {
        if fails == .syncs { throw FailingEngine.failure }
        try memory.sync()
    }

    func close() { memory.close() }
    var counters: EngineCounters { memory.counters }
}
