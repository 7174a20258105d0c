import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockTransport
import BlockTransportLoopback
import BlockWire
import Logging
import Testing

#if SIMULATION_HOOKS

/// A coordinator beside one storage peer, whose answers the test changes on their way.
private final class CoordinatorAlone {
    let world: OnePeerWorld
    let environment = Environment.live()
    let coordinator: CoordinatorHost
    private let client: LoopbackTransport
    private let peer: LoopbackTransport
    private var cycle: StoragePeerCycle

    init() throws {
        world = try OnePeerWorld()
        let network = LoopbackNetwork(environment: environment)
        let transport = try LoopbackTransport(
            network: network, address: "loopback://coordinator-1")
        peer = try LoopbackTransport(network: network, address: "loopback://peer-1")
        client = try LoopbackTransport(network: network)
        cycle = world.cycle(try StorageRepository(engine: MemoryEngine()))
        coordinator = try CoordinatorHost(
            port: ServicePort(
                transport: transport, cluster: world.map.cluster,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            map: world.map, environment: environment, intervals: nil)
    }

    deinit {
        coordinator.port.transport.close()
        peer.close()
        client.close()
    }

    /// Asks for a tail, and has every answer of the peer pass through `change`.
    /// - Returns: How many turns of answers it took; nil when some did not do.
    func turnsToReadTail(
        _ change: (inout UInt64, inout PeerID) -> Void
    ) throws -> Int? {
        let request = envelope(
            .repositoryRequest, 1, Wire.encode(RepositoryRequest.readTail(world.collection)))
        let link = try client.connect(to: "loopback://coordinator-1")
        #expect(client.send(request, to: link) == .queued)
        try turn()
        #expect(coordinator.unansweredCount == 1)
        for count in 1...4 {
            for case .message(let endpoint, let asked) in try peer.receive(timeout: .zero) {
                let items = try Wire.decodePeerBatch(asked.payload)
                _ = try cycle.run([(sender: 0, items: items)]) { _, reply in
                    var correlation = asked.correlation
                    var identity = reply.peer
                    change(&correlation, &identity)
                    let told = PeerBatchReply(
                        peer: identity, epoch: reply.epoch, items: reply.items)
                    let answer = envelope(.peerBatchReply, correlation, Wire.encode(told))
                    #expect(peer.send(answer, to: endpoint) == .queued)
                }
            }
            try turn()
            if coordinator.unansweredCount == 0 { return count }
        }
        return nil
    }

    private func turn() throws {
        coordinator.turn(
            try coordinator.port.transport.receive(timeout: .milliseconds(10)),
            now: environment.now())
        coordinator.checkInvariants()
    }

    private func envelope(_ kind: WireKind, _ correlation: UInt64, _ payload: Bytes) -> Envelope {
        Envelope(
            kind: kind.rawValue, correlation: correlation, remainingMilliseconds: 60_000,
            cluster: world.map.cluster.rawValue, trace: 0, payload: payload)
    }
}

@Suite("Defects of the hosts are found")
struct HostDefectTests {
    @Test("An answer in the name of another storage does not count for the peer that was asked")
    func foreignVotes() throws {
        func turns(_ bug: PlantedBug? = nil) throws -> Int? {
            let alone = try CoordinatorAlone()
            return try SimulationHooks.$plantedBug.withValue(bug) {
                try alone.turnsToReadTail { _, peer in peer = PeerID(rawValue: Identifier128(8)) }
            }
        }
        #expect(try CoordinatorAlone().turnsToReadTail { _, _ in } != nil)
        #expect(try turns() == nil)
        #expect(try turns(.foreignVotesCount) != nil)
    }

    @Test("An answer to a batch that this process has not sent does not count")
    func predecessors() throws {
        func turns(_ bug: PlantedBug? = nil) throws -> Int? {
            let alone = try CoordinatorAlone()
            return try SimulationHooks.$plantedBug.withValue(bug) {
                try alone.turnsToReadTail { correlation, _ in correlation &+= 1 << 40 }
            }
        }
        #expect(try turns() == nil)
        #expect(try turns(.predecessorsAnswerTaken) != nil)
    }

    @Test("A service that stops lets nobody in, and one that does is found")
    func drain() throws {
        func unanswered(_ bug: PlantedBug? = nil) throws -> Int {
            let alone = try CoordinatorAlone()
            alone.coordinator.beginDrain(now: alone.environment.now())
            let request = Envelope(
                kind: WireKind.repositoryRequest.rawValue, correlation: 1,
                remainingMilliseconds: 60_000, cluster: alone.world.map.cluster.rawValue,
                trace: 0, payload: Wire.encode(RepositoryRequest.readTail(alone.world.collection)))
            let route = Endpoint.route(Route([1, 2, 3, 4, 5]))
            return SimulationHooks.$plantedBug.withValue(bug) {
                alone.coordinator.turn(
                    [.message(from: route, request)], now: alone.environment.now())
                return alone.coordinator.unansweredCount
            }
        }
        #expect(try unanswered() == 0)
        #expect(try unanswered(.drainTakesRequests) == 1)
    }

    @Test("What is cut off by the end of a drain is in doubt, and one that denies it is found")
    func drainEnd() throws {
        func outcome(_ bug: PlantedBug? = nil) throws -> DatabaseError.Outcome? {
            let network = LoopbackNetwork(environment: .live())
            let transport = try LoopbackTransport(
                network: network, address: "loopback://coordinator-1")
            let client = try LoopbackTransport(network: network)
            defer {
                transport.close()
                client.close()
            }
            let world = try OnePeerWorld()
            let coordinator = try CoordinatorHost(
                port: ServicePort(
                    transport: transport, cluster: world.map.cluster,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
                map: world.map, environment: .live(), intervals: nil)
            let drop = DropCollection(
                collection: world.collection,
                incarnation: Incarnation(generation: 1, nonce: .zero),
                action: ActionID(rawValue: Identifier128(3)))
            let request = Envelope(
                kind: WireKind.repositoryRequest.rawValue, correlation: 1,
                remainingMilliseconds: 60_000, cluster: world.map.cluster.rawValue, trace: 0,
                payload: Wire.encode(RepositoryRequest.drop(drop)))
            let link = try client.connect(to: "loopback://coordinator-1")
            #expect(client.send(request, to: link) == .queued)
            coordinator.turn(try transport.receive(timeout: .seconds(1)), now: .origin)
            coordinator.beginDrain(now: .origin)
            SimulationHooks.$plantedBug.withValue(bug) { coordinator.endDrain() }
            for case .message(_, let reply) in try client.receive(timeout: .seconds(1)) {
                return try Wire.decodeError(reply.payload).outcome
            }
            return nil
        }
        #expect(try outcome() == .unknown)
        #expect(try outcome(.drainToldAsFailure) == .notApplied)
    }
}

#endif
