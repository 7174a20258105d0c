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
    private struct Scene {
        var proxy: ClientProxy
        var now = Instant.origin
        var sent: [(coordinator: Int, id: UInt64, request: RepositoryRequest)] = []
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
            for directive in proxy.receive(event, now: now) {
                switch directive {
                case .send(let coordinator, let id, let request, _):
                    sent.append((coordinator, id, request))
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
        #expect(try scene.advanceUntilSent() > .seconds(1))
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
}
