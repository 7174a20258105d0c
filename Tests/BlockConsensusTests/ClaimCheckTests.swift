import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// What clients say of the log, before it goes to a peer
/// (protocol: facts-from-the-coordinators-own-tail).
@Suite("What a coordinator is told of the log")
struct ClaimCheckTests {
    private typealias Scene = BlockScene
    private static let collection = CollectionID(name: "x")
    private let key = BlockScene.key

    /// A world with the pends of writes 1 to `count` of one block, and a log that lists them, of
    /// which its coordinator knows nothing yet.
    private func world(through count: UInt64, seed: UInt64 = 1) throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(
            seed: seed, coordinatorCount: 2, openEntryCountMax: Int(seed % 4) + 1)
        ask(
            &world,
            .create(
                CreateCollection(
                    name: "x", header: CollectionHeader(kind: .tree, encoding: .bytes),
                    creation: Sample.creation(1), nonce: .zero)), 1)
        for number in 1...count {
            ask(
                &world, .commit(attempt(number, on: number - 1, size: number == 2 ? 3000 : 1)),
                number)
            #expect(world.acknowledged[number] == Revision(number))
        }
        return world
    }

    private func attempt(
        _ number: UInt64, on base: UInt64, size: Int = 1, committed: [CommittedWrite]? = nil
    ) -> CommitAttempt {
        let pend = Scene.pend(number, base: base)
        let listed = base == 0 ? [] : (1...base).map { Scene.write($0) }
        let write = BlockWrite(
            block: key.block, record: pend.record, committed: committed ?? listed)
        let body = EntryBody(
            actions: [
                Action(id: pend.payload.action, bytes: Bytes(repeating: 1, count: size))
            ], blocks: [write.touched])
        return CommitAttempt(
            participant: Participant(
                collection: Self.collection, incarnation: key.incarnation,
                target: Revision(number)),
            payload: pend.payload, body: body.canonicalBytes, writes: [write],
            wallMilliseconds: 0)
    }

    private func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64,
        at coordinator: Int = 0
    ) {
        let deadline = world.now.advanced(by: .seconds(3))
        world.feed(
            .request(Coordinator.Token(rawValue: token), request, deadline: deadline),
            to: coordinator)
        world.deliverAll()
    }

    /// The same write as a part of an attempt over several collections.
    private func transaction(
        _ write: CommitAttempt, home: CollectionID? = nil
    ) -> RepositoryRequest {
        let other = CommitAttempt(
            participant: Participant(
                collection: CollectionID(name: "y"), incarnation: key.incarnation,
                target: Revision(1)),
            payload: write.payload, body: Sample.body([9]).canonicalBytes, wallMilliseconds: 0)
        return .transact(
            TransactionAttempt(
                home: home ?? write.participant.collection, writes: [write, other],
                wallMilliseconds: 0))
    }

    private func read(_ revision: UInt64, _ committed: [CommittedWrite]) -> RepositoryRequest {
        .readBlock(
            BlockReadRequest(
                key: key, revision: Revision(revision), committed: committed,
                collection: Self.collection))
    }

    private func finalise(_ revision: UInt64, payload: UInt64, hash: Digest) -> RepositoryRequest {
        .finalise(
            FinaliseEntry(
                collection: Self.collection, incarnation: key.incarnation,
                revision: Revision(revision), payload: Sample.payload(payload),
                blocks: [WrittenBlock(block: key.block, resultHash: hash)]))
    }

    // protocol: facts-from-the-coordinators-own-tail
    @Test("What the log lists is served, by who decided it and by who has to read it first")
    func listed() throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            var world = try world(through: 5, seed: seed)
            for coordinator in 0..<2 {
                let token = UInt64(100 + coordinator * 10)
                ask(
                    &world, read(5, (1...5).map { Scene.write($0) }), token, at: coordinator)
                #expect(world.blocks[token]??.write == Scene.write(5))
                ask(
                    &world, finalise(4, payload: 4, hash: Scene.hash(after: 4)), token + 1,
                    at: coordinator)
                #expect(world.finalised.contains(token + 1))
            }
            // Those of the first coordinator need no read: it decided them.
            let count = world.messages.count
            let deadline = world.now.advanced(by: .seconds(3))
            world.feed(
                .request(
                    Coordinator.Token(rawValue: 200), read(5, [Scene.write(5)]),
                    deadline: deadline), to: 0)
            let isRead = world.messages.dropFirst(count).allSatisfy {
                if case .readBlock = $0.request.operation { true } else { false }
            }
            #expect(isRead)
            world.deliverAll()
        }
    }

    // protocol: home-decides
    @Test("A write that was decided at another home is listed, before its own log says so")
    func decidedElsewhere() throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            var world = try world(through: 1, seed: seed)
            ask(
                &world,
                .create(
                    CreateCollection(
                        name: "y", header: CollectionHeader(kind: .diary, encoding: .bytes),
                        creation: Sample.creation(2), nonce: .zero)), 10)
            let deadline = world.now.advanced(by: .seconds(3))
            // The world compares what is at a revision of one log: now of another one.
            world.seen = [:]
            world.feed(
                .request(
                    Coordinator.Token(rawValue: 11),
                    transaction(attempt(2, on: 1), home: CollectionID(name: "y")),
                    deadline: deadline), to: 0)
            while world.replies[11] == nil, !world.messages.isEmpty || !world.answers.isEmpty {
                if !world.messages.isEmpty {
                    world.deliver(world.messages.removeFirst())
                } else {
                    let answer = world.answers.removeFirst()
                    world.feed(
                        .reply(
                            id: answer.id, peer: answer.peer, epoch: world.map.epoch,
                            answer.reply), to: 0)
                }
            }
            guard case .committed? = world.replies[11]?.reply else {
                Issue.record("the transaction ends with \(String(describing: world.replies[11]))")
                continue
            }
            // Its coordinator dies before it tells the others.
            world.messages = []
            world.answers = []
            world.coordinators[0] = world.newCoordinator()
            ask(&world, finalise(2, payload: 2, hash: Scene.hash(after: 2)), 12, at: 1)
            #expect(world.finalised.contains(12), "\(String(describing: world.replies[12]))")
            ask(&world, read(2, [Scene.write(1), Scene.write(2)]), 13, at: 0)
            #expect(world.blocks[13]??.write == Scene.write(2))
            ask(&world, .commit(attempt(3, on: 2)), 14, at: 1)
            #expect(world.acknowledged[14] == Revision(3))
        }
    }

    @Test("What it does not list is refused, and no peer makes a version of it")
    func notListed() throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            for coordinator in 0..<2 {
                var world = try world(through: 3, seed: seed)
                // The pend of an attempt that may still land, or never does.
                var record = Scene.pend(4).record
                record.bind(Revision(4))
                for peer in world.map.peers {
                    world.stores[peer.id]?.apply(
                        .pend(PendKey(key, payload: Sample.payload(4)), record))
                }
                let before = world.stores.mapValues { $0.versions[key]?.count ?? 0 }
                let claims = [
                    // Above the log, another payload, another content, another block.
                    read(4, [Scene.write(4)]), read(3, [Scene.write(3, payload: 9)]),
                    read(3, [Scene.write(3, hash: Scene.hash(after: 7))]),
                    finalise(4, payload: 4, hash: Scene.hash(after: 4)),
                    finalise(3, payload: 4, hash: Scene.hash(after: 4)),
                    finalise(2, payload: 2, hash: .zero),
                    .commit(
                        attempt(
                            5, on: 4,
                            committed: (1...4).map { Scene.write($0) })),
                    .readBlock(
                        BlockReadRequest(
                            key: key, revision: Revision(3), committed: [Scene.write(3)])),
                    transaction(
                        attempt(
                            5, on: 4,
                            committed: (1...4).map { Scene.write($0) })),
                ]
                for (number, claim) in claims.enumerated() {
                    let token = UInt64(300 + number)
                    ask(&world, claim, token, at: coordinator)
                    #expect(world.failed[token]?.code == .invalidArgument, "\(number)")
                }
                #expect(world.stores.mapValues { $0.versions[key]?.count ?? 0 } == before)
                #expect(world.coordinators.allSatisfy { $0.requestCount == 0 })
            }
        }
    }

    @Test("Believing it is found: a version of what was never decided comes to be")
    func believed() throws {
        try SimulationHooks.$plantedBug.withValue(.listsBelieved) {
            var world = try world(through: 3)
            var record = Scene.pend(4).record
            record.bind(Revision(4))
            for peer in world.map.peers {
                world.stores[peer.id]?.apply(
                    .pend(PendKey(key, payload: Sample.payload(4)), record))
            }
            for number in 1...4 as ClosedRange<UInt64> {
                let claim = finalise(number, payload: number, hash: Scene.hash(after: number))
                ask(&world, claim, 300 + number)
            }
            #expect(world.stores.values.contains { $0.versions[key]?[Revision(4)] != nil })
        }
    }

    @Test("A request whose time ran out on its way is not begun")
    func late() throws {
        var world = try world(through: 1)
        let drop = DropCollection(
            collection: Self.collection, incarnation: key.incarnation, action: Sample.action(7))
        world.feed(
            .request(Coordinator.Token(rawValue: 50), .drop(drop), deadline: world.now), to: 0)
        #expect(world.messages.isEmpty)
        #expect(world.failed[50]?.code == .deadlineExceeded)
        #expect(world.failed[50]?.outcome == .notApplied)
    }

    @Test("Of a life that is over nothing is believed")
    func otherLife() throws {
        var world = try world(through: 2)
        let drop = DropCollection(
            collection: Self.collection, incarnation: key.incarnation, action: Sample.action(7))
        ask(&world, .drop(drop), 50, at: 1)
        ask(&world, finalise(2, payload: 2, hash: Scene.hash(after: 2)), 51, at: 1)
        #expect(world.failed[51]?.code == .collectionNotFound)
    }
}
