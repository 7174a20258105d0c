import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Lists of pends")
struct PendListTests {
    private static let incarnation = Incarnation(generation: 1, nonce: .zero)

    private func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64
    ) {
        let deadline = world.now.advanced(by: .seconds(3))
        world.feed(.request(Coordinator.Token(rawValue: token), request, deadline: deadline), to: 0)
        world.deliverAll()
    }

    private func key(_ number: UInt64) -> BlockKey {
        BlockKey(
            block: BlockID(content: [UInt8(number)]), incarnation: Self.incarnation)
    }

    private func record(_ number: UInt64, bound: [UInt64]) -> PendRecord {
        let block = Block(
            header: Block.Header(
                id: key(number).block, type: BlockType("XX"), collection: CollectionID(name: "x")))
        return PendRecord(
            transform: BlockTransform(insert: block).canonicalBytes, baseRevision: .zero,
            basePayload: nil, baseHash: .zero, resultHash: block.digest,
            collection: CollectionID(name: "x"), bound: bound.map { Revision($0) })
    }

    /// Twenty pends, each on two of three replicas; the lowest target of some is given up on one.
    private func world(shardCount: Int) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: 1, coordinatorCount: 1, shardCount: shardCount)
        for number in 0..<20 as Range<UInt64> {
            for place in 0..<2 {
                let id = world.map.peers[(Int(number) + place) % 3].id
                let bound: [UInt64] = place == 0 ? [7] : [number + 1, 40]
                world.stores[id]?.apply(
                    .pend(
                        PendKey(key(number), payload: Sample.payload(number)),
                        record(number, bound: bound)))
            }
        }
        return world
    }

    @Test("The pages together name every pend once, at the lowest target that anybody has")
    func pages() throws {
        for (shardCount, countMax) in [(1, 1), (1, 3), (4, 2), (4, 64)] {
            var world = try world(shardCount: shardCount)
            var all: [KeptPend] = []
            var token: UInt64 = 0
            for shard in 0..<shardCount {
                var cursor: PendKey?
                repeat {
                    token += 1
                    let id = ShardID(rawValue: UInt32(shard))
                    ask(
                        &world, .listPends(id, after: cursor, countMax: UInt32(countMax)), token)
                    let page = try #require(world.pends[token])
                    all += page.pends
                    cursor = page.next
                } while cursor != nil && token < 200
            }
            #expect(all.count == 20)
            for number in 0..<20 as Range<UInt64> {
                let kept = try #require(all.first { $0.key.key == key(number) })
                #expect(kept.collection == CollectionID(name: "x"))
                #expect(kept.pend.payload == Sample.payload(number))
                #expect(kept.pend.target == Revision(min(7, number + 1)))
                #expect(kept.pend.resultHash == record(number, bound: []).resultHash)
            }
        }
    }

    @Test("Discarding target after target, whoever lists gets to the end of every pend")
    func discard() throws {
        var world = try world(shardCount: 1)
        var token: UInt64 = 1000
        var roundCount = 0
        while true {
            roundCount += 1
            try #require(roundCount < 10)
            token += 1
            ask(&world, .listPends(ShardID(rawValue: 0), after: nil, countMax: 64), token)
            let page = try #require(world.pends[token])
            if page.pends.isEmpty { break }
            for kept in page.pends {
                token += 1
                let upkeep = Upkeep.discard(kept.key, target: kept.pend.target)
                let deadline = world.now.advanced(by: .seconds(3))
                world.feed(
                    .upkeep(Coordinator.Token(rawValue: token), upkeep, deadline: deadline), to: 0)
                world.deliverAll()
                #expect(world.discarded.contains(token))
            }
        }
        #expect(world.stores.values.allSatisfy { $0.pends.isEmpty })
        #expect(roundCount == 4, "two targets of each pend on one replica, another on the other")
    }

    @Test("A pend is listed with its home, whatever can be read of its block")
    func home() throws {
        var scene = BlockScene()
        try scene.commit(1, through: 1)
        _ = try scene.ask(.pend(BlockScene.pend(2)))
        scene.store.removeVersion(of: BlockScene.key, at: Revision(1))
        let replica = BlockReplica(BlockScene.key, view: scene.store)
        #expect(try replica.listing(of: Sample.payload(2))?.collection == CollectionID(name: "x"))
        #expect(try replica.listing(of: Sample.payload(9)) == nil)
    }
}
