import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("Client proxy") struct ClientProxyTests {
    @Test("A wish to be woken later does not take away one to be woken at once")
    func earliestWake() throws {
        let world = try OnePeerWorld()
        var proxy = ClientProxy(
            map: world.map, release: "test", generator: SeededGenerator(seed: 1),
            makeIdentifier: SeededIdentifiers(seed: 1).next, wallMilliseconds: { 0 })
        let now = Instant.origin
        let action = ActionRequest(
            collection: world.collection, incarnation: Incarnation(generation: 1, nonce: .zero),
            action: ActionID(rawValue: Identifier128(5)), firstRevision: .zero,
            content: .append([1]))
        // The second joins the first, and wants to be woken at its deadline only.
        for token in 1...UInt64(2) {
            let asked = proxy.receive(
                .request(token, .act(action), deadline: now.advanced(by: .seconds(5))), now: now)
            #expect(asked.isEmpty, "what arrives together is seen together")
        }
        #expect(proxy.nextWake == now)
        let woken = proxy.receive(.tick, now: now)
        let reads = woken.filter {
            if case .send(_, _, .readTail(world.collection), _) = $0 { true } else { false }
        }
        #expect(reads.count == 1)
    }

    @Test("A request whose time ran out on its way is not begun")
    func late() throws {
        var scene = try Scene()
        let life = Incarnation(generation: 1, nonce: .zero)
        let creation = OpenCollection(
            name: "late", kind: .diary, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: .zero), generation: 0))
        for (token, request) in [
            (1, .dropCollection(CrashWorld.drop("late", life))), (2, .openCollection(creation)),
        ] as [(UInt64, ClientRequest)] {
            scene.feed(.request(token, request, deadline: scene.now))
            #expect(scene.sent.isEmpty)
            guard case .failed? = scene.answered[token] else {
                Issue.record("\(String(describing: scene.answered[token]))")
                return
            }
        }
    }

    /// A proxy with two coordinators, and what it asks them.
    struct Scene {
        var proxy: ClientProxy
        var now = Instant.origin
        var sent: [(coordinator: Int, id: UInt64, request: RepositoryRequest)] = []
        /// When the last of them has to be answered.
        var lastDeadline = Instant.origin
        var answered: [UInt64: ClientReply] = [:]

        init() throws {
            let world = try OnePeerWorld()
            let map = try ClusterMap(
                cluster: world.map.cluster, name: "test", peers: world.map.peers,
                shards: world.map.shards,
                coordinators: [1, 2].map {
                    ClusterMap.Service(name: "coordinator-\($0)", address: "loopback://c-\($0)")
                }, proxies: [])
            proxy = ClientProxy(
                map: map, release: "test", generator: SeededGenerator(seed: 1),
                makeIdentifier: SeededIdentifiers(seed: 1).next, wallMilliseconds: { 0 })
        }

        mutating func feed(_ event: ClientProxy.Event) {
            defer { proxy.checkInvariants() }
            for directive in proxy.receive(event, now: now) {
                switch directive {
                case .send(let coordinator, let id, let request, let deadline):
                    sent.append((coordinator, id, request))
                    lastDeadline = deadline
                case .respond(let token, let reply): answered[token] = reply
                }
            }
        }

        mutating func ask(_ token: UInt64) {
            let deadline = now.advanced(by: .seconds(20))
            feed(.request(token, .inspectTail(name: "events"), deadline: deadline))
            feed(.tick)
        }

        /// Lets time pass until another message is sent. - Returns: How long that took.
        mutating func advanceUntilSent() throws -> Duration {
            let (count, before) = (sent.count, now)
            while sent.count == count {
                now = max(now, try #require(proxy.nextWake))
                feed(.tick)
            }
            return now.since(before)
        }
    }

    @Test("When a coordinator's connection breaks, what waits for it goes to the other at once")
    func broken() throws {
        var scene = try Scene()
        scene.ask(1)
        let first = try #require(scene.sent.first)
        #expect(scene.sent.count == 1)
        scene.feed(.broken(coordinator: 1 - first.coordinator))
        #expect(scene.sent.count == 1, "another coordinator's connection is none of its")
        scene.feed(.broken(coordinator: first.coordinator))
        #expect(try scene.advanceUntilSent() <= .milliseconds(5))
        #expect(scene.sent[1].coordinator == 1 - first.coordinator)
        #expect(scene.sent[1].request == first.request)
    }

    @Test("A coordinator that was silent last time is not waited for long, and still listened to")
    func doubted() throws {
        var scene = try Scene()
        scene.ask(1)
        let silent = scene.sent[0].coordinator
        let patience = try scene.advanceUntilSent()
        #expect(patience >= Limits.coordinatorTryTime && patience < .seconds(1))
        let refusal = RepositoryReply.failed(DatabaseError(.invalidArgument, "no"))
        scene.feed(.reply(id: scene.sent[1].id, refusal))
        #expect(scene.answered[1] != nil)

        scene.now = scene.now.advanced(by: Limits.suspicionTime + .seconds(1))
        scene.ask(2)
        #expect(scene.sent[2].coordinator == silent, "nobody knows that it is still silent")
        #expect(
            try scene.advanceUntilSent() <= Limits.doubtedTryTime + .milliseconds(5))
        #expect(scene.sent[3].coordinator == 1 - silent)
        scene.feed(.reply(id: scene.sent[2].id, .tail(.absent(generation: 0))))
        // Its late answer is an answer: the next question follows.
        let next = RepositoryRequest.audit(.register(CollectionID(name: "events")))
        #expect(scene.sent.count == 5 && scene.sent[4].request == next)
    }

    // MARK: The deepest reason

    /// What a coordinator says without a majority.
    private static let noQuorum = DatabaseError(
        .quorumUnavailable, "1 of the 3 storage peers of shard 5 took part, 2 must")

    /// Lets time pass until a request is answered, nobody answering the proxy.
    private func end(_ token: UInt64, in scene: inout Scene) throws -> DatabaseError {
        while scene.answered[token] == nil {
            scene.now = max(scene.now, try #require(scene.proxy.nextWake))
            scene.feed(.tick)
        }
        guard case .failed(let error)? = scene.answered[token] else {
            throw DatabaseError(.internalError, "it did not fail")
        }
        return error
    }

    @Test("Whoever waits for a read that others began is told why that one takes so long")
    func sharedReason() throws {
        var scene = try Scene()
        scene.ask(1)
        scene.feed(.reply(id: scene.sent[0].id, .failed(Self.noQuorum)))
        // The read goes on for the first; these wait for the next one, until their time runs out.
        let collection = CollectionID(name: "events")
        let incarnation = Incarnation(generation: 1, nonce: .zero)
        let requests: [ClientRequest] = [
            .inspectTail(name: "events"),
            .openCollection(
                OpenCollection(name: "events", kind: .diary, encoding: nil)),
            .readDiary(DiaryReadRequest(collection: collection, incarnation: incarnation)),
            .readTree(
                TreeReadRequest(
                    collection: collection, incarnation: incarnation, query: .values([]))),
            .readQueue(
                QueueReadRequest(
                    collection: collection, incarnation: incarnation, query: .count)),
            .readLog(
                LogReadRequest(collection: collection, incarnation: incarnation, after: .zero)),
            .act(
                ActionRequest(
                    collection: collection, incarnation: incarnation,
                    action: ActionID(rawValue: Identifier128(9)), firstRevision: .zero,
                    content: .queue(.dequeue(countMax: 1)))),
        ]
        for (number, request) in requests.enumerated() {
            let deadline = scene.now.advanced(by: .seconds(2))
            scene.feed(.request(UInt64(10 + number), request, deadline: deadline))
        }
        for number in requests.indices {
            let error = try end(UInt64(10 + number), in: &scene)
            #expect(error.code == .quorumUnavailable, "\(requests[number]): \(error)")
            #expect(error.message.contains("1 of the 3 storage peers of shard 5"))
            #expect(error.outcome == .notApplied)
        }
    }

    @Test("A coordinator that answers too late still says why, and silence does not hide it")
    func lateReason() throws {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(4))
        scene.feed(.request(1, .inspectTail(name: "events"), deadline: deadline))
        scene.feed(.tick)
        _ = try scene.advanceUntilSent()
        scene.feed(.reply(id: scene.sent[0].id, .failed(Self.noQuorum)))
        #expect(try end(1, in: &scene).code == .quorumUnavailable)
    }

    @Test(
        "A client with a third of a second still learns that no quorum took part",
        arguments: [300, 450])
    func shortTime(milliseconds: Int) throws {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .milliseconds(milliseconds))
        scene.feed(.request(1, .inspectTail(name: "events"), deadline: deadline))
        scene.feed(.tick)
        // A coordinator finds no quorum until its own deadline.
        var answeredCount = 0
        while scene.answered[1] == nil {
            let wake = try #require(scene.proxy.nextWake)
            if scene.sent.count > answeredCount, scene.lastDeadline <= wake {
                scene.now = max(scene.now, scene.lastDeadline)
                answeredCount = scene.sent.count
                scene.feed(.reply(id: scene.sent[answeredCount - 1].id, .failed(Self.noQuorum)))
            } else {
                scene.now = max(scene.now, wake)
                scene.feed(.tick)
            }
        }
        #expect(try end(1, in: &scene).code == .quorumUnavailable)
    }

    @Test("Where no coordinator answers, that is said, not that time ran out")
    func silence() throws {
        var scene = try Scene()
        let deadline = scene.now.advanced(by: .seconds(4))
        scene.feed(.request(1, .listCollections(after: nil, countMax: 1), deadline: deadline))
        let error = try end(1, in: &scene)
        #expect(error.code == .endpointUnreachable)
        #expect(error.message.hasPrefix("no coordinator answered: tried "), "\(error.message)")
    }
}
