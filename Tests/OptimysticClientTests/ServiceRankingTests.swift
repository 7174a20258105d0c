import BlockRuntime
import Testing

@Suite("The ranking of services")
struct ServiceRankingTests {
    @Test("One that is silent again and again is passed over for longer, until it answers")
    func suspicion() {
        var ranking = ServiceRanking(addresses: ["a", "b", "c"])
        var now = Instant.origin
        var times: [Duration] = []
        for _ in 0..<6 {
            ranking.suspect(1, at: now)
            // A request that was under way at the same time finds the same silence.
            ranking.suspect(1, at: now)
            let begun = now
            #expect(ranking.order(for: [], at: now).last == 1)
            while ranking.isSuspect(1, at: now) { now = now.advanced(by: .seconds(1)) }
            times.append(now.since(begun))
        }
        #expect(times == [5, 10, 20, 40, 40, 40].map { .seconds($0) })
        ranking.suspect(1, at: now)
        ranking.clear(1)
        #expect(!ranking.isSuspect(1, at: now))
        ranking.suspect(1, at: now)
        #expect(!ranking.isSuspect(1, at: now.advanced(by: .seconds(6))))
    }
}
