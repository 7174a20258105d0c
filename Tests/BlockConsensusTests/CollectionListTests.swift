import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Lists of collections")
struct CollectionListTests {
    private static let names = (0..<9).map { "collection-\($0)" }.sorted()

    private func world(shardCount: Int) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: 1, coordinatorCount: 1, shardCount: shardCount)
        for (number, name) in Self.names.enumerated() {
            let creation = CreateCollection(
                name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
                creation: Sample.creation(UInt64(number)), nonce: Sample.identifier(5))
            ask(&world, .create(creation), token: UInt64(number), time: .seconds(3))
            world.deliverAll()
        }
        return world
    }

    private func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, token: UInt64,
        time: Duration
    ) {
        let token = Coordinator.Token(rawValue: token)
        world.feed(.request(token, request, deadline: world.now.advanced(by: time)), to: 0)
    }

    @Test("The pages together name every collection once", arguments: [1, 2, 5, 100] as [UInt32])
    func pages(countMax: UInt32) throws {
        for shardCount in [1, 4, 16] {
            var world = try world(shardCount: shardCount)
            var all: [String] = []
            var cursor: CollectionID?
            var token: UInt64 = 100
            repeat {
                token += 1
                ask(
                    &world, .listCollections(after: cursor, countMax: countMax), token: token,
                    time: .seconds(3))
                world.deliverAll()
                let page = try #require(world.listed[token])
                #expect(page.names.count <= Int(countMax))
                all += page.names
                cursor = page.next
            } while cursor != nil && token < 200
            #expect(all.sorted() == Self.names)
        }
    }

    @Test("Tails are read several at a time, within a bound: a list takes few ways there and back")
    func ways() throws {
        var world = try CoordinatorWorld(seed: 1, coordinatorCount: 1)
        let count = 4 * Limits.listTailReadsMax
        for number in 0..<count {
            let creation = CreateCollection(
                name: "collection-\(number)",
                header: CollectionHeader(kind: .diary, encoding: .bytes),
                creation: Sample.creation(UInt64(number)), nonce: Sample.identifier(5))
            ask(&world, .create(creation), token: UInt64(number), time: .seconds(3))
            world.deliverAll()
        }
        ask(&world, .listCollections(after: nil, countMax: 1000), token: 9999, time: .seconds(3))
        var ways = 0
        while world.listed[9999] == nil, ways < 100 {
            #expect(world.coordinators[0].roundCount <= Limits.listTailReadsMax + 1)
            // Everything that is under way arrives, and then every answer to it.
            let messages = world.messages
            world.messages = []
            for message in messages { world.deliver(message) }
            let answers = world.answers
            world.answers = []
            for answer in answers {
                world.feed(
                    .reply(
                        id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                    to: answer.coordinator)
            }
            ways += 1
        }
        #expect(world.listed[9999]?.names.count == count)
        // One for the registers, and one for each 32 tails; a few may need a second look.
        #expect(ways <= 3 * (1 + count / Limits.listTailReadsMax), "\(ways)")
    }

    @Test("A list whose time is half gone ends its page and says where to go on")
    func shortOfTime() throws {
        var world = try world(shardCount: 16)
        ask(&world, .listCollections(after: nil, countMax: 100), token: 1, time: .seconds(2))
        world.now = world.now.advanced(by: .milliseconds(1100))
        world.deliverAll()
        let page = try #require(world.listed[1])
        #expect(page.names.count < Self.names.count)
        #expect(page.next != nil)
    }
}
