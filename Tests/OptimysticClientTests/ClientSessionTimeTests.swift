import BlockModel
import BlockRuntime
import OptimysticClient
import Testing

/// What a session makes of the time that its caller gives.
@Suite("Time of a client session") struct ClientSessionTimeTests {
    @Test("Every try ends before the deadline, with room for its answer")
    func deadlines() throws {
        for milliseconds in [10, 100, 1000, 5000, 60_000] {
            var world = SessionHarness()
            let deadline = world.now.advanced(by: .milliseconds(milliseconds))
            let token = world.start(SessionHarness.append(1), timeout: .milliseconds(milliseconds))
            while world.resolved[token] == nil {
                for sent in world.sent {
                    guard case .hello = sent.request else {
                        #expect(sent.deadline < deadline)
                        continue
                    }
                    world.feed(.reply(id: sent.id, .welcome(SessionHarness.welcome())))
                }
                world.sent = world.sent.filter { _ in false }
                world.advanceUntilSent()
            }
            #expect(world.now <= deadline)
        }
    }

    @Test("A waiting read asks the proxy to answer within its try")
    func waitingRead() throws {
        var world = SessionHarness()
        let read = DiaryReadRequest(
            collection: SessionHarness.diary, incarnation: SessionHarness.life,
            waitMilliseconds: 60_000)
        _ = world.start(.readDiary(read), timeout: .seconds(10))
        try world.welcome()
        let sent = try world.take()
        guard case .readDiary(let asked) = sent.request else {
            Issue.record("\(sent.request)")
            return
        }
        let time = sent.deadline.since(world.now).milliseconds
        #expect(Int64(asked.waitMilliseconds) <= time / 2 && asked.waitMilliseconds > 1000)
    }
}
