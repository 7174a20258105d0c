import BlockRuntime

/// The monotonic clock of one process: it began at a moment of its own and runs too fast or too
/// slow. No machine may notice, but for when it gives up (protocol: no-clock-decides).
package struct NodeClock {
    private let started: Instant
    private let first: Int64
    /// Too fast, in a million; negative: too slow.
    private let drift: Int64

    /// A clock that shows the time of the world.
    package init() {
        started = .origin
        first = 0
        drift = 0
    }

    /// A clock of a process that starts at `now`: up to 11 days from the others, up to 10 % wrong.
    package init(startingAt now: Instant, using generator: inout SeededGenerator) {
        started = now
        first = Int64(generator.below(1_000_000)) * 1_000_000_000
        drift = Int64(generator.below(200_001)) - 100_000
    }

    /// What it shows at a moment of the world.
    package func reading(at now: Instant) -> Instant {
        let elapsed = now.nanoseconds - started.nanoseconds
        return Instant(nanoseconds: first + elapsed + elapsed / 1000 * drift / 1000)
    }

    /// When, in the world, it shows `reading` or more; a few microseconds late.
    package func moment(showing reading: Instant) -> Instant {
        guard reading != .distantFuture else { return .distantFuture }
        let wanted = max(0, reading.nanoseconds - first)
        if drift == 0 { return started.advanced(by: .nanoseconds(wanted)) }
        let elapsed = wanted / 1000 * 1_000_000 / (1_000_000 + drift) * 1000 + 3000
        return Instant(nanoseconds: started.nanoseconds + elapsed)
    }
}

/// The wall clock of one process: hours off, and set again while it runs. Nothing is decided by it.
final class WallClock: @unchecked Sendable {
    // SAFETY: one belongs to one simulated world, which runs on one thread.
    var milliseconds: UInt64 = WallClock.first
    /// Against the world's time.
    var offset: Int64 = 0

    static let first: UInt64 = 1_700_000_000_000

    func follow(_ now: Instant) {
        milliseconds = UInt64(Int64(WallClock.first) + now.nanoseconds / 1_000_000 + offset)
    }
}

/// When one process is to be woken: at most one wake of it counts.
package struct WakeTimer {
    /// The moment of the world at which the process is woken next; nil when it is not.
    package private(set) var due: Instant?

    package init() {}

    /// - Returns: When a wake is to be scheduled; nil when one as early is under way.
    package mutating func arm(
        _ wanted: Instant?, _ clock: NodeClock, now: Instant
    ) -> Instant? {
        guard let wanted else { return nil }
        let moment = max(now, clock.moment(showing: wanted))
        if let due, due <= moment { return nil }
        due = moment
        return moment
    }

    /// - Returns: Whether the wake that was due at `moment` is the one that counts.
    package mutating func fires(for moment: Instant) -> Bool {
        guard due == moment else { return false }
        due = nil
        return true
    }

    package mutating func reset() { due = nil }
}
