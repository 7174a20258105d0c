/// Randomised exponential delays between attempts: identical losers must not collide again.
package struct Backoff: Sendable {
    private let base: Duration
    private let longest: Duration
    private var attempts = 0

    /// - Parameters:
    ///   - base: The first delay is drawn from (base / 2, base].
    ///   - longest: Where doubling stops.
    package init(base: Duration, longest: Duration) {
        invariant(base > .zero && base <= longest, "backoff from \(base) to \(longest)")
        self.base = base
        self.longest = longest
    }

    /// The delay before the next attempt, uniform in (d / 2, d] with d = min(base · 2ⁿ, longest).
    package mutating func next(using generator: inout SeededGenerator) -> Duration {
        let doubled = base * (1 << min(attempts, 20))
        attempts += 1
        let ceiling = min(doubled, longest).nanoseconds
        let half = max(1, ceiling / 2)
        return .nanoseconds(ceiling - Int64(generator.below(Int(half))))
    }

    /// Forgets earlier failures.
    package mutating func reset() { attempts = 0 }
}
