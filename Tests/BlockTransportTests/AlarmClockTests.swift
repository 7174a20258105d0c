import BlockRuntime
import Testing

@Suite("The alarm clock") struct AlarmClockTests {
    private static func instant(_ milliseconds: Int) -> Instant {
        Instant.origin.advanced(by: .milliseconds(milliseconds))
    }

    @Test("It wakes as a list of the instants that count does")
    func model() {
        var random = SeededGenerator(seed: 5)
        var clock = AlarmClock<Int>()
        var model: [Int: Instant] = [:]
        var now = 0
        for _ in 0..<20_000 {
            let (key, at) = (random.below(50), Self.instant(now + random.below(300)))
            switch random.below(8) {
            case 0, 1, 2:
                clock.set(key, at: at)
                model[key] = at
            case 3:
                clock.set(key, atLatest: at)
                model[key] = min(at, model[key] ?? at)
            case 4, 5:
                clock.cancel(key)
                model[key] = nil
            default:
                now += random.below(40)
                var woken: [Int: Instant] = [:]
                var last = Instant.origin
                while let (key, instant) = clock.popDue(at: Self.instant(now)) {
                    #expect(instant >= last)
                    last = instant
                    woken[key] = instant
                }
                #expect(woken == model.filter { $0.value <= Self.instant(now) })
                model = model.filter { $0.value > Self.instant(now) }
            }
            #expect(clock.next == model.values.min())
            #expect(clock.count == model.count)
            clock.checkInvariants()
        }
    }

    @Test("Whoever is answered long before a far deadline leaves nothing behind")
    func forgets() {
        var clock = AlarmClock<Int>()
        for key in 0..<100_000 {
            clock.set(key, at: Self.instant(600_000 + key))
            clock.cancel(key)
            #expect(clock.heldCount <= 65)
        }
        #expect(clock.next == nil)
        // So does one that is set anew again and again.
        for number in 0..<10_000 { clock.set(1, at: Self.instant(600_000 - number)) }
        #expect(clock.heldCount <= 66)
        #expect(clock.next == Self.instant(600_000 - 9999))
    }
}

@Suite("Bounds of what is held") struct BudgetTests {
    private static func budget() -> ByteBudget<Int> {
        ByteBudget(
            "things", ofEach: .init("eachMax", 100), ofAll: .init("allMax", 250))
    }

    @Test("Nobody holds more than its part, nor all together more than the whole")
    func bounds() throws {
        var budget = Self.budget()
        budget.add(90, for: 1)
        let own = try #require(budget.refusal(of: 11, for: 1))
        #expect(own.code == .overloaded && own.retryAfter != nil && own.outcome == .notApplied)
        #expect(own.message.contains("101") && own.message.contains("eachMax = 100"))
        #expect(budget.refusal(of: 10, for: 1) == nil)
        budget.add(90, for: 2)
        let all = try #require(budget.refusal(of: 80, for: 3))
        #expect(all.message.contains("260") && all.message.contains("allMax = 250"))
        budget.remove(90, for: 1)
        #expect(budget.refusal(of: 80, for: 3) == nil)
        #expect(budget.principalCount == 1, "who holds nothing is forgotten")
        budget.checkInvariants()
    }

    @Test("Who holds nothing may hold one thing, however large") func one() {
        #expect(Self.budget().refusal(of: 1000, for: 1) == nil)
    }

    @Test("A table of what was learned lately keeps the newest and never more than it may")
    func recent() {
        var table = RecentTable<Int, Int>(countMax: 100)
        for number in 0..<10_000 {
            table[number] = number
            #expect(table[number] == number)
            #expect(table.count <= 100)
            if number >= 50 { #expect(table[number - 49] == number - 49) }
        }
        table[9_999] = nil
        #expect(table[9_999] == nil)
    }
}
