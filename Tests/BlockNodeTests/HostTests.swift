import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockTransport
import BlockTransportLoopback
import BlockWire
import Logging
import Testing

/// The three hosts on a loopback network, turned by the test one after the other on one thread.
private final class HostWorld {
    let world: OnePeerWorld
    let environment = Environment.live()
    let services: [any Service]
    let client: LoopbackTransport
    let repository: StorageRepository
    let network: LoopbackNetwork
    private var correlation: UInt64 = 0

    init() throws {
        let world = try OnePeerWorld()
        let network = LoopbackNetwork(environment: environment)
        self.network = network
        let map = world.map
        func port(_ address: String) throws -> ServicePort {
            ServicePort(
                transport: try LoopbackTransport(network: network, address: address),
                cluster: map.cluster,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let repository = try StorageRepository(engine: MemoryEngine())
        services = [
            StoragePeerHost(
                port: try port("loopback://peer-1"), cycle: world.cycle(repository)),
            try CoordinatorHost(
                port: port("loopback://coordinator-1"), map: map, environment: environment),
            try ClientProxyHost(
                port: port("loopback://proxy-1"), map: map, release: "test",
                environment: environment),
        ]
        client = try LoopbackTransport(network: network)
        self.world = world
        self.repository = repository
    }

    deinit {
        for service in services { service.port.transport.close() }
        client.close()
    }

    /// Turns every service once.
    func turn() throws {
        for service in services {
            let arrivals = try service.port.transport.receive(timeout: .zero)
            try service.turn(arrivals, now: environment.now())
            try service.afterTurn(now: environment.now())
            service.checkInvariants()
        }
    }

    /// Sends to a service and turns all until the answer is there.
    func ask(
        _ address: String, _ kind: UInt16, _ payload: Bytes, cluster: Identifier128? = nil,
        remainingMilliseconds: UInt32 = 0, from other: LoopbackTransport? = nil
    ) throws -> Envelope {
        let client = other ?? client
        correlation += 1
        let envelope = Envelope(
            kind: kind, correlation: correlation, remainingMilliseconds: remainingMilliseconds,
            cluster: cluster ?? world.map.cluster.rawValue, trace: 77, payload: payload)
        let link = try client.connect(to: address)
        #expect(client.send(envelope, to: link) == .queued)
        let end = environment.now().advanced(by: .seconds(10))
        while environment.now() < end {
            try turn()
            for arrival in try client.receive(timeout: .milliseconds(1)) {
                guard case .message(_, let reply) = arrival, reply.correlation == correlation
                else { continue }
                #expect(reply.trace == 77)
                return reply
            }
        }
        throw DatabaseError(.deadlineExceeded, "no answer")
    }

    func ask(_ request: ClientRequest) throws -> ClientReply {
        let reply = try ask(
            "loopback://proxy-1", WireKind.clientRequest.rawValue, Wire.encode(request))
        #expect(reply.kind == WireKind.clientReply.rawValue)
        return try Wire.decodeClientReply(reply.payload)
    }

    func error(_ reply: Envelope) throws -> DatabaseError {
        #expect(reply.kind == WireKind.error.rawValue)
        return try Wire.decodeError(reply.payload)
    }
}

@Suite("The hosts on a network")
struct HostTests {
    @Test("A diary is created, appended to and read through all three")
    func diary() throws {
        let hosts = try HostWorld()
        let open = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: Identifier128(1)), generation: 0))
        guard case .collection(let info) = try hosts.ask(.openCollection(open)) else {
            Issue.record("not opened")
            return
        }
        for number in UInt8(0)..<40 {
            let append = ActionRequest(
                collection: info.collection, incarnation: info.incarnation,
                action: ActionID(rawValue: Identifier128(UInt128(number) + 100)),
                firstRevision: info.revision, content: .append([number]))
            guard case .acted = try hosts.ask(.act(append)) else {
                Issue.record("not appended")
                return
            }
        }
        let read = DiaryReadRequest(collection: info.collection, incarnation: info.incarnation)
        guard case .diaryPage(let page) = try hosts.ask(.readDiary(read)) else {
            Issue.record("not read")
            return
        }
        #expect(page.entries.map(\.bytes) == (UInt8(0)..<40).map { [$0] })
        #expect(hosts.services.allSatisfy { $0.unansweredCount == 0 })
    }

    @Test("Every service refuses other clusters, other kinds and what does not decode")
    func refusals() throws {
        let hosts = try HostWorld()
        let served: [(String, WireKind, Bytes)] = [
            ("loopback://peer-1", .peerBatch, Wire.encode([PeerBatchItem]())),
            ("loopback://coordinator-1", .repositoryRequest, Wire.encode(RepositoryRequest.status)),
            ("loopback://proxy-1", .clientRequest, Wire.encode(ClientRequest.clusterStatus)),
        ]
        for (index, (address, kind, payload)) in served.enumerated() {
            for cluster in [Identifier128(8), .zero] {
                let reply = try hosts.ask(address, kind.rawValue, payload, cluster: cluster)
                #expect(try hosts.error(reply).code == .wrongCluster)
            }
            for other in WireKind.allCases.map(\.rawValue) + [0, 500] where other != kind.rawValue {
                let reply = try hosts.ask(address, other, payload)
                // Whoever asks for another role is told whom it reached.
                let isRequest = served.contains { $0.1.rawValue == other }
                let error = try hosts.error(reply)
                #expect(error.code == (isRequest ? .wrongService : .malformedMessage))
            }
            let garbage = try hosts.ask(address, kind.rawValue, [0xFF, 0xFF, 0xFF])
            #expect(try hosts.error(garbage).code == .malformedMessage)
            let troubles = hosts.services[index].port.troubles
            #expect(troubles[.wrongCluster] == 2)
            #expect(troubles[.malformed] == UInt64(WireKind.allCases.count + 2))
        }
        // A greeting may come without the cluster's id: its sender is about to learn it.
        let hello = Wire.encode(ClientRequest.hello(clusterName: "test"))
        let reply = try hosts.ask(
            "loopback://proxy-1", WireKind.clientRequest.rawValue, hello, cluster: .zero)
        guard case .welcome(let welcome) = try Wire.decodeClientReply(reply.payload) else {
            Issue.record("not welcome")
            return
        }
        #expect(welcome.cluster == hosts.world.map.cluster)
    }

    @Test("A request that could not be told from others, of correlation id 0, is refused")
    func correlation() throws {
        let hosts = try HostWorld()
        let served: [(String, WireKind, Bytes)] = [
            ("loopback://peer-1", .peerBatch, Wire.encode([PeerBatchItem]())),
            ("loopback://coordinator-1", .repositoryRequest, Wire.encode(RepositoryRequest.status)),
            ("loopback://proxy-1", .clientRequest, Wire.encode(ClientRequest.clusterStatus)),
        ]
        for (address, kind, payload) in served {
            let link = try hosts.client.connect(to: address)
            let envelope = Envelope(
                kind: kind.rawValue, correlation: 0, remainingMilliseconds: 0,
                cluster: hosts.world.map.cluster.rawValue, trace: 7, payload: payload)
            #expect(hosts.client.send(envelope, to: link) == .queued)
            try hosts.turn()
            let arrivals = try hosts.client.receive(timeout: .seconds(1))
            guard case .message(_, let reply) = arrivals.first else {
                Issue.record("no answer from \(address)")
                continue
            }
            let error = try hosts.error(reply)
            #expect(error.code == .malformedMessage && error.message.contains("correlation id 0"))
        }
    }

    @Test("A message of the wrong shape is answered, counted, and answered to answers never")
    func malformed() throws {
        let hosts = try HostWorld()
        for service in hosts.services {
            let address = try #require(service.port.transport.boundAddress)
            let link = try hosts.client.connect(to: address)
            #expect(hosts.client.send(frames: [[1, 2, 3]], to: link) == .queued)
            try hosts.turn()
            let arrivals = try hosts.client.receive(timeout: .seconds(1))
            guard case .message(_, let reply) = arrivals.first else {
                Issue.record("no answer from \(address)")
                continue
            }
            #expect(try hosts.error(reply).code == .malformedMessage)
            #expect(reply.correlation == 0)
            #expect(service.port.troubles == [.malformed: 1])
            let before = service.port.transport.statistics.messagesOut
            service.port.refuseMalformed(
                from: .link(0), DatabaseError(.malformedMessage, "an answer"))
            #expect(service.port.transport.statistics.messagesOut == before)
        }
    }

    @Test("A draining proxy refuses new requests, and lets go of those that wait for nothing")
    func drain() throws {
        let hosts = try HostWorld()
        let open = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: Identifier128(1)), generation: 0))
        guard case .collection(let info) = try hosts.ask(.openCollection(open)) else {
            Issue.record("not opened")
            return
        }
        let read = DiaryReadRequest(
            collection: info.collection, incarnation: info.incarnation,
            waitMilliseconds: 60_000)
        let waiting = Envelope(
            kind: WireKind.clientRequest.rawValue, correlation: 900,
            remainingMilliseconds: 60_000, cluster: hosts.world.map.cluster.rawValue, trace: 77,
            payload: Wire.encode(ClientRequest.readDiary(read)))
        let link = try hosts.client.connect(to: "loopback://proxy-1")
        #expect(hosts.client.send(waiting, to: link) == .queued)
        for _ in 0..<20 { try hosts.turn() }
        let proxy = hosts.services[2]
        #expect(proxy.unansweredCount == 1)
        proxy.beginDrain(now: hosts.environment.now())
        #expect(proxy.unansweredCount == 0)
        let arrivals = try hosts.client.receive(timeout: .seconds(1))
        guard case .message(_, let reply) = arrivals.first else {
            Issue.record("the waiting reader got no answer")
            return
        }
        #expect(reply.correlation == 900)
        #expect(try hosts.error(reply).code == .shuttingDown)
        let late = try hosts.ask(
            "loopback://proxy-1", WireKind.clientRequest.rawValue,
            Wire.encode(ClientRequest.hello(clusterName: "test")))
        #expect(try hosts.error(late).code == .shuttingDown)
    }

    @Test("A coordinator collects dead pends of its own accord")
    func pends() throws {
        let hosts = try HostWorld()
        let open = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: Identifier128(1)), generation: 0))
        guard case .collection(let info) = try hosts.ask(.openCollection(open)) else {
            Issue.record("not opened")
            return
        }
        guard
            case .dropped = try hosts.ask(
                .dropCollection(CrashWorld.drop("events", info.incarnation)))
        else {
            Issue.record("not dropped")
            return
        }
        let block = Block(
            header: Block.Header(
                id: BlockID(content: [1]), type: BlockType("XX"), collection: info.collection))
        let record = PendRecord(
            transform: BlockTransform(insert: block).canonicalBytes, baseRevision: .zero,
            basePayload: nil, baseHash: .zero, resultHash: block.digest,
            collection: CollectionID(name: "events"), bound: [Revision(1)])
        let payload = PayloadID(action: ActionID(rawValue: Identifier128(5)), execution: 0)
        let key = BlockKey(block: block.id, incarnation: info.incarnation)
        try hosts.repository.apply(.pend(PendKey(key, payload: payload), record))
        try hosts.repository.commitCycle()
        let end = hosts.environment.now().advanced(by: Limits.pendWalkInterval * 5)
        while hosts.repository.statistics.pendCount > 0, hosts.environment.now() < end {
            try hosts.turn()
        }
        #expect(hosts.repository.statistics.pendCount == 0)
    }

    @Test("A coordinator that is not to walk, or is stopping, begins nothing of its own accord")
    func rest() throws {
        let hosts = try HostWorld()
        let now = hosts.environment.now()
        func coordinator(_ intervals: BackgroundWork.Intervals?) throws -> CoordinatorHost {
            try CoordinatorHost(
                port: hosts.services[1].port, map: hosts.world.map,
                environment: hosts.environment, intervals: intervals)
        }
        let resting = try coordinator(nil)
        #expect(resting.nextWake == nil)
        let walking = try coordinator(BackgroundWork.Intervals())
        let due = try #require(walking.nextWake)
        walking.beginDrain(now: now)
        #expect(walking.nextWake == nil)
        for host in [resting, walking] {
            host.turn([], now: due.advanced(by: .seconds(1000)))
            host.checkInvariants()
            #expect(host.requestCount == 0 && host.roundCount == 0 && host.unansweredCount == 0)
        }
    }

    @Test("A coordinator that stops in the middle of a change says that nothing is known of it")
    func stopping() throws {
        let hosts = try HostWorld()
        let coordinator = hosts.services[1]
        let drop = DropCollection(
            collection: CollectionID(name: "events"),
            incarnation: Incarnation(generation: 1, nonce: .zero),
            action: ActionID(rawValue: Identifier128(3)))
        let link = try hosts.client.connect(to: "loopback://coordinator-1")
        let requests = [RepositoryRequest.drop(drop), .readTail(drop.collection)]
        for (number, request) in requests.enumerated() {
            let envelope = Envelope(
                kind: WireKind.repositoryRequest.rawValue, correlation: UInt64(number + 1),
                remainingMilliseconds: 60_000, cluster: hosts.world.map.cluster.rawValue,
                trace: 77, payload: Wire.encode(request))
            #expect(hosts.client.send(envelope, to: link) == .queued)
        }
        // The storage peer is silent.
        let arrivals = try coordinator.port.transport.receive(timeout: .seconds(1))
        try coordinator.turn(arrivals, now: hosts.environment.now())
        #expect(coordinator.unansweredCount == 2)
        coordinator.beginDrain(now: hosts.environment.now())
        #expect(coordinator.unansweredCount == 2)
        coordinator.endDrain()
        coordinator.checkInvariants()
        var codes: [UInt64: ErrorCode] = [:]
        for case .message(_, let reply) in try hosts.client.receive(timeout: .seconds(1)) {
            codes[reply.correlation] = try hosts.error(reply).code
        }
        #expect(codes == [1: .commitResultUnknown, 2: .shuttingDown])
    }

    @Test("A storage peer notes in its journal what it answered once the answer has left")
    func journal() throws {
        let world = try OnePeerWorld()
        let file = SimulatedDisk()
        let engine = FaultEngine(disk: file, generator: SeededGenerator(seed: 1))
        let journal = try AckJournal.create(on: engine.journalFile, owner: world.peer)
        let environment = Environment.live()
        let network = LoopbackNetwork(environment: environment)
        let transport = try LoopbackTransport(network: network, address: "loopback://peer-1")
        let client = try LoopbackTransport(network: network)
        defer {
            transport.close()
            client.close()
        }
        let host = StoragePeerHost(
            port: ServicePort(
                transport: transport, cluster: world.map.cluster,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            cycle: StoragePeerCycle(
                identity: world.peer, map: world.map,
                repository: try StorageRepository(engine: engine), journal: journal))
        let request = Envelope(
            kind: WireKind.peerBatch.rawValue, correlation: 4, remainingMilliseconds: 0,
            cluster: world.map.cluster.rawValue, trace: 0,
            payload: Wire.encode([
                world.item(1, .prepare(world.collection, world.ballot(1)))
            ]))
        let link = try client.connect(to: "loopback://peer-1")
        #expect(client.send(request, to: link) == .queued)
        try host.turn(transport.receive(timeout: .seconds(1)), now: environment.now())
        let arrivals = try client.receive(timeout: .seconds(1))
        #expect(arrivals.count == 1 && journal.written == 0)
        try host.afterTurn(now: environment.now())
        #expect(journal.written == 1 && host.nextWake == nil)
    }

    @Test("The loop drains and returns when it is asked to stop")
    func loop() throws {
        let hosts = try HostWorld()
        let loop = ServiceLoop(hosts.services[0], environment: hosts.environment)
        var askedCount = 0
        let waker = hosts.services[0].port.transport.waker
        try loop.run {
            askedCount += 1
            waker.wake()
            return askedCount > 3
        }
        #expect(askedCount == 4)
    }

    @Test("A deadline is what the envelope says, within the limits")
    func deadlines() {
        let cases: [(UInt32, Duration)] = [
            (0, Limits.requestTimeDefault), (1, .milliseconds(1)), (30_000, .seconds(30)),
            (.max, Limits.requestTimeMax),
        ]
        for (remaining, time) in cases {
            let envelope = Envelope(
                kind: 1, correlation: 1, remainingMilliseconds: remaining, cluster: .zero,
                trace: 0, payload: [])
            let deadline = ServicePort.deadline(of: envelope, arrival: Instant(nanoseconds: 5))
            #expect(deadline == Instant(nanoseconds: 5).advanced(by: time))
        }
    }

    /// An action of 64 KiB on a collection of which nobody knows whether it exists.
    private static func parked(_ number: Int) -> Bytes {
        Wire.encode(
            ClientRequest.act(
                ActionRequest(
                    collection: CollectionID(name: "park-\(number)"),
                    incarnation: Incarnation(generation: 1, nonce: .zero),
                    action: ActionID(rawValue: Identifier128(UInt128(number))),
                    firstRevision: .zero,
                    content: .append(Bytes(repeating: 1, count: 65_000)))))
    }

    @Test("One client parks so many bytes at a proxy, over however many names, and no more")
    func parking() throws {
        let hosts = try HostWorld()
        let proxy = hosts.services[2]
        let link = try hosts.client.connect(to: "loopback://proxy-1")
        let count = 2 * Limits.clientRequestBytesMax / 65_000
        var refusals: [DatabaseError] = []
        for number in 1...count {
            let envelope = Envelope(
                kind: WireKind.clientRequest.rawValue, correlation: UInt64(number),
                remainingMilliseconds: 600_000, cluster: hosts.world.map.cluster.rawValue,
                trace: 77, payload: Self.parked(number))
            #expect(hosts.client.send(envelope, to: link) == .queued)
            // The coordinator is silent.
            let arrivals = try proxy.port.transport.receive(timeout: .zero)
            try proxy.turn(arrivals, now: hosts.environment.now())
            for case .message(_, let reply) in try hosts.client.receive(timeout: .zero) {
                refusals.append(try hosts.error(reply))
            }
        }
        #expect(proxy.unansweredCount * 65_000 <= Limits.clientRequestBytesMax)
        #expect(proxy.unansweredCount > count / 3)
        #expect(proxy.unansweredCount + refusals.count == count)
        for error in refusals {
            #expect(error.code == .overloaded && error.retryAfter != nil)
            #expect(
                error.message.contains(
                    "clientRequestBytesMax = \(Limits.clientRequestBytesMax)"))
        }
        // Another one is still let in.
        let hello = Wire.encode(ClientRequest.hello(clusterName: "test"))
        let other = try LoopbackTransport(network: hosts.network)
        defer { other.close() }
        let reply = try hosts.ask(
            "loopback://proxy-1", WireKind.clientRequest.rawValue, hello, from: other)
        #expect(reply.kind == WireKind.clientReply.rawValue)
    }

    @Test("A client that does not read its answers is refused, before its requests cost anything")
    func slowReader() throws {
        let hosts = try HostWorld()
        let proxy = hosts.services[2].port
        let link = try hosts.client.connect(to: "loopback://proxy-1")
        let hello = Envelope(
            kind: WireKind.clientRequest.rawValue, correlation: 1, remainingMilliseconds: 0,
            cluster: hosts.world.map.cluster.rawValue, trace: 77,
            payload: Wire.encode(ClientRequest.hello(clusterName: "test")))
        #expect(hosts.client.send(hello, to: link) == .queued)
        let arrivals = try proxy.transport.receive(timeout: .seconds(1))
        let source = try #require(arrivals.first).endpoint
        let page = Bytes(repeating: 7, count: Limits.pageBytesMax)
        for number in 1...40 {
            proxy.answer(
                Caller(endpoint: source, correlation: UInt64(number), trace: 77), .clientReply,
                page, changesState: number == 40)
        }
        #expect(proxy.transport.backlogBytes(to: source) <= Limits.sendQueueBytesMax)
        #expect(hosts.client.send(hello, to: link) == .queued)
        try hosts.turn()
        var errors: [DatabaseError] = []
        var pageCount = 0
        for _ in 0..<10 {
            for case .message(_, let reply) in try hosts.client.receive(timeout: .milliseconds(5)) {
                if reply.payload.count == page.count {
                    pageCount += 1
                } else if reply.kind == WireKind.error.rawValue {
                    errors.append(try hosts.error(reply))
                }
            }
        }
        #expect(pageCount * page.count <= Limits.sendQueueBytesMax && pageCount > 10)
        #expect(errors.count == 40 - pageCount + 1, "everything is answered")
        let definite = errors.filter { $0.outcome == .notApplied }
        #expect(definite.allSatisfy { $0.code == .overloaded && $0.retryAfter != nil })
        #expect(definite.count == errors.count - 1, "of what may have changed nothing is known")
        #expect(errors.first?.message.contains("sendQueueBytesMax") == true)
        #expect(errors.last?.message.contains("unreadReplyBytesMax") == true)
        // It reads again, and is served again.
        #expect(
            try hosts.ask(
                "loopback://proxy-1", WireKind.clientRequest.rawValue, hello.payload
            ).kind == WireKind.clientReply.rawValue)
    }
}
