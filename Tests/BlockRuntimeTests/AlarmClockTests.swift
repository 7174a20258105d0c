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
