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
            wallMilliseconds: { 0 })
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

    @Test("When a coordinator's connection breaks, what waits for it goes to the other at once")
    func broken() throws {
        let world = try OnePeerWorld()
        let map = try ClusterMap(
            cluster: world.map.cluster, name: "test", peers: world.map.peers,
            shards: world.map.shards,
            coordinators: [1, 2].map {
                ClusterMap.Service(name: "coordinator-\($0)", address: "loopback://c-\($0)")
            }, proxies: [])
        var proxy = ClientProxy(
            map: map, release: "test", generator: SeededGenerator(seed: 1),
            wallMilliseconds: { 0 })
        var now = Instant.origin
        var sent: [(coordinator: Int, request: RepositoryRequest)] = []
        func feed(_ event: ClientProxy.Event) {
            for directive in proxy.receive(event, now: now) {
                guard case .send(let coordinator, _, let request, _) = directive else {
                    Issue.record("answered: \(directive)")
                    continue
                }
                sent.append((coordinator, request))
            }
        }
        feed(.request(1, .inspectTail(name: "events"), deadline: now.advanced(by: .seconds(5))))
        feed(.tick)
        let first = try #require(sent.first)
        #expect(sent.count == 1)
        feed(.broken(coordinator: 1 - first.coordinator))
        #expect(sent.count == 1, "another coordinator's connection is none of its")
        feed(.broken(coordinator: first.coordinator))
        now = try #require(proxy.nextWake)
        #expect(now.since(.origin) <= .milliseconds(5))
        feed(.tick)
        #expect(sent.count == 2)
        #expect(sent[1].coordinator == 1 - first.coordinator && sent[1].request == first.request)
    }
}
