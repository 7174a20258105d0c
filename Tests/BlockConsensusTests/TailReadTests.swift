import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Reads of a register, and what they cost those who change it.
@Suite struct TailReadTests {
    private static let name = "events"
    private static let collection = CollectionID(name: name)
    private static let creation = CreateCollection(
        name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
        creation: Sample.creation(1), nonce: Sample.identifier(5))

    private static func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64,
        of coordinator: Int = 0
    ) {
        world.feed(
            .request(
                Coordinator.Token(rawValue: token), request,
                deadline: world.now.advanced(by: .seconds(3))),
            to: coordinator)
    }

    private static func attempt(_ number: UInt64, at revision: UInt64) -> RepositoryRequest {
        .commit(
            CommitAttempt(
                participant: Participant(
                    collection: collection,
                    incarnation: Incarnation(generation: 1, nonce: Sample.identifier(5)),
                    target: Revision(revision)),
                payload: Sample.payload(number),
                body: Sample.body([number], size: 8).canonicalBytes, wallMilliseconds: 0))
    }

    /// Delivers what is under way to and from one coordinator, but no accept to `deaf`.
    private static func deliver(
        _ world: inout CoordinatorWorld, deafToAccepts deaf: PeerID? = nil
    ) {
        while let message = world.messages.popLast() {
            if message.peer == deaf, case .accept = message.request.operation { continue }
            world.deliver(message)
        }
        while let answer = world.answers.popLast() {
            world.feed(
                .reply(
                    id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                to: answer.coordinator)
        }
    }

    private static func ballots(_ world: CoordinatorWorld) -> [Ballot] {
        world.map.peers.map { world.stores[$0.id]?.registers[collection]?.accepted ?? .zero }
    }

    @Test("A replica that missed a value and promised a later ballot has it after an audit")
    func renews() throws {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 2)
        let late = world.map.peers[2].id
        Self.ask(&world, .create(Self.creation), 1)
        world.deliverAll()
        Self.ask(&world, Self.attempt(7, at: 1), 2)
        for _ in 0..<4 { Self.deliver(&world, deafToAccepts: late) }
        #expect(world.acknowledged[2] == Revision(1))
        // The other coordinator's change finds nothing to do, and leaves its promise behind.
        var held = try #require(world.stores[late]?.registers[Self.collection])
        held.promised = Ballot(
            epoch: held.accepted.epoch, counter: held.accepted.counter + 50,
            proposer: Sample.proposer(99))
        world.stores[late]?.apply(.register(Self.collection, held))
        world.deliverAll()
        let before = Self.ballots(world)
        #expect(before[2] < before[0])

        Self.ask(&world, .audit(.register(Self.collection)), 3, of: 1)
        world.deliverAll()
        let after = Self.ballots(world)
        #expect(Set(after).count == 1 && after[0] > before[0])
        #expect(
            Set(world.map.peers.map { world.stores[$0.id]?.registers[Self.collection] }).count
                == 1)
        // Where nothing is lacking nothing is said again.
        Self.ask(&world, .audit(.register(Self.collection)), 4, of: 1)
        world.deliverAll()
        #expect(Self.ballots(world) == after)
    }

    /// Brings the replicas of a register to three different values: the last one missed the first
    /// attempt, and of the second only the first one got the accept.
    /// - Returns: The other accepts, and the token of the attempt.
    private static func split(
        _ world: inout CoordinatorWorld
    ) throws -> (accepts: [CoordinatorWorld.Message], token: UInt64) {
        let late = world.map.peers[2].id
        ask(&world, .create(creation), 1)
        world.deliverAll()
        ask(&world, attempt(7, at: 1), 2)
        for _ in 0..<4 { deliver(&world, deafToAccepts: late) }
        #expect(world.acknowledged[2] == Revision(1))
        // Its ballot was promised with the accepts of the one before.
        ask(&world, attempt(8, at: 2), 3)
        let accepts = world.messages.sorted { $0.peer < $1.peer }
        world.messages = []
        try #require(accepts.count == 3)
        world.deliver(accepts[0])
        world.answers = []
        try #require(Set(ballots(world)).count == 3)
        return (Array(accepts.dropFirst()), 3)
    }

    @Test("A read that meets a change of another coordinator takes no ballot and answers after it")
    func readsRest() throws {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 2)
        let (accepts, token) = try Self.split(&world)
        Self.ask(&world, .readTail(Self.collection), 9, of: 1)
        // A quorum, and then the third one.
        for _ in 0..<2 { Self.deliver(&world) }
        #expect(world.messages.isEmpty, "the read asks for promises at once")
        for accept in accepts { world.deliver(accept) }
        world.deliverAll()
        #expect(world.acknowledged[token] == Revision(2))
        #expect(world.chosen[Revision(2)] == Sample.payload(8))
        let promised = world.map.peers.map {
            world.stores[$0.id]?.registers[Self.collection]?.promised.proposer
        }
        #expect(Set(promised) == [Sample.proposer(1)], "a ballot of the reader's coordinator")
    }

    @Test("A read asks a quorum, and the others when it does not agree, or is silent")
    func spares() throws {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 2)
        Self.ask(&world, .create(Self.creation), 1)
        world.deliverAll()
        Self.ask(&world, .readTail(Self.collection), 2, of: 1)
        #expect(world.messages.count == 2)
        world.deliverAll()
        #expect(world.replies[2] != nil, "two that agree tell")

        Self.ask(&world, .readTail(Self.collection), 3, of: 1)
        let lost = world.messages.removeLast()
        Self.deliver(&world)
        #expect(world.replies[3] == nil)
        world.now = world.now.advanced(by: ProtocolTiming().spare)
        world.feed(.tick, to: 1)
        #expect(world.messages.map(\.peer).contains(lost.peer) == false)
        world.deliverAll()
        #expect(world.replies[3] != nil, "the third one was not asked")

        // One that owes an answer is not asked first.
        for token in 4..<20 as Range<UInt64> {
            Self.ask(&world, .readTail(Self.collection), token, of: 1)
            #expect(world.messages.count == 2 && !world.messages.map(\.peer).contains(lost.peer))
            world.deliverAll()
        }
    }

    @Test("A read of a change that its coordinator left behind ends by writing back")
    func readsWriteBack() throws {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 2)
        _ = try Self.split(&world)
        world.coordinators[0] = world.newCoordinator()
        Self.ask(&world, .readTail(Self.collection), 9, of: 1)
        world.deliverAll()
        #expect(world.failed[9] == nil)
        #expect(Set(Self.ballots(world)).count == 1)
        let promised = try #require(
            world.stores[world.map.peers[0].id]?.registers[Self.collection]?.promised)
        #expect(promised.proposer == Sample.proposer(2))
    }

    #if SIMULATION_HOOKS
    /// Whether a read tells what one replica alone has accepted, of a coordinator that is gone.
    private static func tellsOfOne(_ seed: UInt64) throws -> Bool {
        var world = try CoordinatorWorld(seed: seed, coordinatorCount: 2)
        _ = try split(&world)
        world.coordinators[0] = world.newCoordinator()
        ask(&world, .readTail(collection), 9, of: 1)
        world.deliverAll()
        guard case .tail(let value)? = world.replies[9]?.reply else { return false }
        return value.live?.revision == Revision(2) && Set(ballots(world)).count == 3
    }

    // protocol: write-back-before-answer
    @Test("A read that tells what one replica holds, and leaves it at that, is found")
    func plantedReadWithoutWriteBack() throws {
        // Which replicas are asked is drawn.
        let seeds: ClosedRange<UInt64> = 1...20
        #expect(try !seeds.contains(where: TailReadTests.tellsOfOne))
        let found = try SimulationHooks.$plantedBug.withValue(.readWithoutWriteBack) {
            try seeds.contains(where: TailReadTests.tellsOfOne)
        }
        #expect(found)
    }
    #endif
}
