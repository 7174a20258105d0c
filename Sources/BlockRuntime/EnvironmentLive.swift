import Glibc

extension Environment {
    /// The clock and the entropy of the operating system.
    public static func live() -> Environment {
        Environment(
            now: { Instant(nanoseconds: read(CLOCK_MONOTONIC)) },
            wallMilliseconds: { UInt64(read(CLOCK_REALTIME) / 1_000_000) },
            entropy: {
                var system = SystemRandomNumberGenerator()
                return system.next()
            }
        )
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
