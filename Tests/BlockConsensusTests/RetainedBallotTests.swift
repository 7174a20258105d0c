import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Changes that need no prepare, since a quorum has promised their ballot beforehand.
@Suite("A retained ballot") struct RetainedBallotTests {
    private static let tail = Sample.tail()

    /// One coordinator, and a register that every peer has accepted.
    private static func scene() throws -> CoordinatorWorld {
        var world = try CoordinatorWorld(seed: 3, coordinatorCount: 1, openEntryCountMax: 32)
        let ballot = Sample.ballot(1, 0)
        let record = RegisterRecord(
            promised: ballot, accepted: ballot, value: TailValue.live(tail).registerBytes)
        for peer in world.map.peers {
            world.stores[peer.id]?.apply(.register(tail.collection, record))
        }
        return world
    }

    /// Asks for a change at the next revision, and tells what leaves for it at once.
    private static func commit(
        _ number: UInt64, at target: UInt64, _ world: inout CoordinatorWorld
    ) -> [PeerRequest.Operation] {
        let attempt = Sample.commit(number, at: Revision(target), on: tail)
        let deadline = world.now.advanced(by: .seconds(2))
        world.feed(
            .request(
                Coordinator.Token(rawValue: number), .commit(attempt), deadline: deadline), to: 0)
        return world.messages.map(\.request.operation)
    }

    /// The ballot of accepts that leave although nobody was asked for a promise.
    private static func ballotWithoutPrepare(_ operations: [PeerRequest.Operation]) -> Ballot? {
        let ballots = operations.map { operation -> Ballot? in
            if case .accept(_, let ballot, _, _) = operation { ballot } else { nil }
        }
        guard let first = ballots.first, ballots.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    // protocol: retained-ballot
    @Test("Change after change of one coordinator lands without a prepare")
    func goesOn() throws {
        var world = try Self.scene()
        var last: Ballot?
        for number in 1...5 as ClosedRange<UInt64> {
            let sent = Self.commit(number, at: number, &world)
            let ballot = Self.ballotWithoutPrepare(sent)
            #expect((ballot == nil) == (number == 1), "change \(number): \(sent.count) messages")
            if let last, let ballot { #expect(ballot == last.next) }
            last = ballot
            world.deliverAll()
            #expect(world.acknowledged[number] == Revision(number))
        }
    }

    /// How the first accept at a retained ballot may end without success.
    enum Ending: CaseIterable { case timeout, rival }

    // protocol: retained-ballot
    @Test(
        "It is spent when its accept leaves, whatever becomes of that", arguments: Ending.allCases)
    func spent(ending: Ending) throws {
        var world = try Self.scene()
        _ = Self.commit(1, at: 1, &world)
        world.deliverAll()
        let used = try #require(Self.ballotWithoutPrepare(Self.commit(2, at: 2, &world)))
        switch ending {
        case .timeout: world.messages = []
        case .rival:
            for peer in world.map.peers {
                let rival = PeerRequest(
                    shard: ShardID(rawValue: 0), epoch: world.map.epoch,
                    operation: .prepare(Self.tail.collection, Sample.ballot(1 << 20, 9)))
                world.messages.append(
                    CoordinatorWorld.Message(
                        coordinator: 0, peer: peer.id, id: .max, request: rival))
            }
        }
        world.messages.reverse()
        if ending == .timeout {
            world.now = world.now.advanced(by: .seconds(3))
            world.feed(.tick, to: 0)
            #expect(world.failed[2]?.outcome == .unknown)
        } else {
            world.deliverAll()
        }
        let next = Self.commit(3, at: ending == .timeout ? 2 : 3, &world)
        for operation in next {
            if case .accept(_, let ballot, _, _) = operation { #expect(ballot > used) }
        }
        #expect(ending == .rival || Self.ballotWithoutPrepare(next) == nil)
        world.deliverAll()
        #expect(world.acknowledged[3] != nil)
    }

    // protocol: retained-ballot
    @Test("What is only answered is answered by a prepare: the value may have a successor")
    func noAuthority() throws {
        var world = try Self.scene()
        _ = Self.commit(1, at: 1, &world)
        world.deliverAll()
        // Its target is taken, as far as this coordinator knows.
        let sent = Self.commit(2, at: 1, &world)
        #expect(sent.contains { if case .prepare = $0 { true } else { false } })
        #expect(Self.ballotWithoutPrepare(sent) == nil)
    }

    /// Has the first change accepted by peers of which so many have promised the next ballot.
    private static func accept(
        promisingNext count: Int, acceptCount: Int = 2
    ) throws -> CoordinatorWorld {
        var world = try scene()
        _ = commit(1, at: 1, &world)
        for message in world.messages { world.deliver(message) }
        world.messages = []
        for answer in world.answers {
            world.feed(
                .reply(id: answer.id, peer: answer.peer, epoch: world.map.epoch, answer.reply),
                to: 0)
        }
        world.answers = []
        for (number, message) in world.messages.prefix(acceptCount).enumerated() {
            guard case .accept(_, let ballot, _, _) = message.request.operation else { continue }
            world.feed(
                .reply(
                    id: message.id, peer: message.peer, epoch: world.map.epoch,
                    .accepted(ballot, promisesNext: number < count)), to: 0)
        }
        world.messages = []
        world.now = world.now.advanced(by: .seconds(3))
        world.feed(.tick, to: 0)
        return world
    }

    // protocol: retained-ballot
    @Test("A quorum has to have promised it, with its accept of the value")
    func quorum() throws {
        for (promising, accepting, isRetained) in [
            (2, 2, true), (1, 2, false), (0, 2, false), (1, 1, false),
        ] {
            var world = try Self.accept(promisingNext: promising, acceptCount: accepting)
            let target: UInt64 = accepting == 2 ? 2 : 1
            let ballot = Self.ballotWithoutPrepare(Self.commit(2, at: target, &world))
            #expect((ballot != nil) == isRetained, "\(promising) of \(accepting)")
        }
    }

    #if SIMULATION_HOOKS
    @Test("A ballot that fewer than a quorum have promised, or nobody has, is found")
    func plantedQuorum() throws {
        func isRetained(_ bug: PlantedBug, promising: Int, accepting: Int) throws -> Bool {
            try SimulationHooks.$plantedBug.withValue(bug) {
                var world = try Self.accept(promisingNext: promising, acceptCount: accepting)
                // The base of what was not chosen is its own value, at revision 1.
                return Self.ballotWithoutPrepare(Self.commit(2, at: 2, &world)) != nil
            }
        }
        #expect(try isRetained(.nextPromiseTakenForGranted, promising: 0, accepting: 2))
        #expect(try isRetained(.retainedBelowQuorum, promising: 1, accepting: 1))
    }

    @Test("A ballot that is used again, with another value, is found")
    func plantedUsedAgain() throws {
        try SimulationHooks.$plantedBug.withValue(.retainedBallotUsedAgain) {
            var world = try Self.scene()
            _ = Self.commit(1, at: 1, &world)
            world.deliverAll()
            let first = Self.ballotWithoutPrepare(Self.commit(2, at: 2, &world))
            world.messages = []
            world.now = world.now.advanced(by: .seconds(3))
            world.feed(.tick, to: 0)
            let second = Self.ballotWithoutPrepare(Self.commit(3, at: 2, &world))
            #expect(first != nil && first == second)
        }
    }
    #endif
}
