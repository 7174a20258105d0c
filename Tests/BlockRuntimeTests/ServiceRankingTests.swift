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

@Suite("Services are judged by outcomes") struct ServiceJudgementTests {
    private static let subject: ServiceRanking.Subject = 7

    @Test("One that fails for one subject is passed over for that alone, until it serves it")
    func subjects() {
        var ranking = ServiceRanking(addresses: ["a", "b", "c"])
        let now = Instant.origin
        let first = ranking.order(for: [1], about: Self.subject, at: now)[0]
        ranking.failed(first, about: Self.subject, at: now)
        #expect(ranking.order(for: [1], about: Self.subject, at: now).last == first)
        #expect(ranking.order(for: [1], about: 8, at: now).first == first)
        #expect(ranking.order(for: [1], at: now).first == first)
        // That it speaks says nothing of the subject.
        ranking.clear(first)
        #expect(ranking.isSuspect(first, about: Self.subject, at: now))
        ranking.succeeded(first, about: 8)
        #expect(ranking.isSuspect(first, about: Self.subject, at: now))
        ranking.succeeded(first, about: Self.subject)
        #expect(ranking.order(for: [1], about: Self.subject, at: now).first == first)
        #expect(!ranking.isDoubted(first, about: Self.subject))
    }

    @Test("It is tried again after a while, and doubted until it serves") func again() {
        var ranking = ServiceRanking(addresses: ["a", "b"])
        let first = ranking.order(for: [], about: Self.subject, at: .origin)[0]
        ranking.failed(first, about: Self.subject, at: .origin)
        let later = Instant.origin.advanced(by: Limits.suspicionTime)
        #expect(ranking.order(for: [], about: Self.subject, at: later).first == first)
        #expect(ranking.isDoubted(first, about: Self.subject))
        ranking.failed(first, about: Self.subject, at: later)
        let still = later.advanced(by: Limits.suspicionTime)
        #expect(ranking.order(for: [], about: Self.subject, at: still).first == 1 - first)
    }

    @Test("A sound one is chosen again before one that failed is, and of equals the least tried")
    func choice() {
        var ranking = ServiceRanking(addresses: ["a", "b", "c"])
        let order = ranking.order(for: [3], about: Self.subject, at: .origin)
        #expect(
            ranking.choice(for: [3], about: Self.subject, tries: [:], at: .origin) == order)
        ranking.failed(order[0], about: Self.subject, at: .origin)
        var tries = [order[0]: 1]
        func next() -> Int {
            ranking.choice(for: [3], about: Self.subject, tries: tries, at: .origin)[0]
        }
        #expect(next() == order[1])
        tries[order[1]] = 1
        #expect(next() == order[2])
        tries[order[2]] = 1
        #expect(next() == order[1], "the first retry does not go back, and no other does")
        ranking.failed(order[1], about: Self.subject, at: .origin)
        ranking.failed(order[2], about: Self.subject, at: .origin)
        tries[order[1]] = 2
        #expect(next() == order[0], "where none serves all are tried")
    }

    @Test("What is remembered is bounded, however many things are asked about") func bounded() {
        var ranking = ServiceRanking(addresses: ["a", "b"])
        for number in 0..<(3 * UInt64(Limits.suspicionCountMax)) {
            ranking.failed(
                0, about: number, at: Instant.origin.advanced(by: .milliseconds(Int(number))))
            if ranking.suspicionCount > Limits.suspicionCountMax {
                Issue.record("\(ranking.suspicionCount) judgements")
                return
            }
        }
    }
}
