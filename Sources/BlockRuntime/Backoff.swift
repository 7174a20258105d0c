/// Randomised exponential delays between attempts: identical losers must not collide again.
package struct Backoff: Sendable {
    private let timing: RetryTiming
    private var attempts = 0

    package init(_ timing: RetryTiming) { self.timing = timing }

    /// The delay before the next attempt, uniform in (d / 2, d] with d = min(first · 2ⁿ, longest).
    package mutating func next(using generator: inout SeededGenerator) -> Duration {
        let doubled = timing.first * (1 << min(attempts, 20))
        attempts += 1
        let ceiling = min(doubled, timing.longest).nanoseconds
        let half = max(1, ceiling / 2)
        return .nanoseconds(ceiling - Int64(generator.below(Int(half))))
    }

    /// Forgets earlier failures.
    package mutating func reset() { attempts = 0 }
}
