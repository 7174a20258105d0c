import BlockModel
import BlockRuntime
import OptimysticClient
import Testing

@Suite("A session judges proxies by outcomes") struct ProxyOutcomeTests {
    private static let codes: [ErrorCode] = [
        .quorumUnavailable, .overloaded, .endpointUnreachable, .deadlineExceeded,
    ]

    /// Answers everything until `token` is resolved: greetings, and requests at `bad` with `error`.
    /// - Returns: The proxies that were asked.
    private func serve(
        _ world: inout SessionHarness, _ token: UInt64, bad: Int?, _ error: DatabaseError
    ) -> [Int] {
        var asked: [Int] = []
        while world.resolved[token] == nil {
            guard !world.sent.isEmpty else {
                world.advanceUntilSent()
                continue
            }
            let sent = world.sent.removeFirst()
            if case .hello = sent.request {
                world.feed(.reply(id: sent.id, .welcome(SessionHarness.welcome())))
                continue
            }
            asked.append(sent.proxy)
            let reply: ClientReply =
                sent.proxy == bad ? .failed(error) : .acted(SessionHarness.landing)
            world.feed(.reply(id: sent.id, reply))
        }
        return asked
    }

    @Test(
        "One that answers with failures only is left for the other one, which is stayed with",
        arguments: codes)
    func failing(code: ErrorCode) throws {
        var world = SessionHarness()
        let error = DatabaseError(code, "no")
        let first = world.start(SessionHarness.append(1))
        let asked = serve(&world, first, bad: nil, error)
        let bad = try #require(asked.first)
        let second = world.start(SessionHarness.append(2))
        #expect(serve(&world, second, bad: bad, error) == [bad, 1 - bad])
        for number in UInt64(3)..<6 {
            let next = world.start(SessionHarness.append(number))
            #expect(serve(&world, next, bad: bad, error) == [1 - bad], "the request \(number)")
        }
        // It is tried again, and preferred again once it serves.
        world.advance(Limits.suspicionTime)
        for number in UInt64(6)..<8 {
            let next = world.start(SessionHarness.append(number))
            #expect(serve(&world, next, bad: nil, error) == [bad])
        }
    }

    @Test("What a client asked too late says nothing against a proxy") func tooLate() throws {
        var world = SessionHarness()
        let error = DatabaseError(.deadlineExceeded, "no")
        let first = world.start(SessionHarness.append(1))
        let bad = try #require(serve(&world, first, bad: nil, error).first)
        let hasty = world.start(SessionHarness.append(2), timeout: .milliseconds(50))
        let sent = try world.take()
        #expect(sent.proxy == bad)
        world.advance(.milliseconds(39))
        world.feed(.reply(id: sent.id, .failed(error)))
        world.sent = []
        world.advance(.milliseconds(20))
        #expect(world.resolved[hasty] != nil)
        let next = world.start(SessionHarness.append(3))
        world.sent.removeAll { if case .hello = $0.request { true } else { false } }
        #expect(serve(&world, next, bad: nil, error).first == bad)
    }
}
