import BlockRuntime
import Testing

@Suite("When something is tried again") struct RetryTimingTests {
    @Test(
        "Delays double up to the longest, each drawn from the upper half of what it may be",
        arguments: [RetryTiming.rivals, .bodies, .attempts, .services])
    func doubling(timing: RetryTiming) {
        for seed in UInt64(1)...20 {
            var generator = SeededGenerator(seed: seed)
            var backoff = Backoff(timing)
            var most = timing.first
            for _ in 0..<40 {
                let delay = backoff.next(using: &generator)
                #expect(delay > .nanoseconds(most.nanoseconds / 2 - 1) && delay <= most)
                most = min(most * 2, timing.longest)
            }
            backoff.reset()
            #expect(backoff.next(using: &generator) <= timing.first)
        }
    }

    @Test("Two who lost at the same time do not try again at the same time") func apart() {
        let delays = (UInt64(1)...100).map { seed in
            var generator = SeededGenerator(seed: seed)
            var backoff = Backoff(.rivals)
            return backoff.next(using: &generator)
        }
        #expect(Set(delays).count > 95)
    }
}
