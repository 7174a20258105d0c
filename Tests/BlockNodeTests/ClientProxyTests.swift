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
}
