import Glibc

extension Environment {
    /// The clock and the entropy of the operating system.
    package static func live() -> Environment {
        Environment(
            now: { instant(of: read(CLOCK_MONOTONIC)) },
            wallMilliseconds: { wallMilliseconds(of: read(CLOCK_REALTIME)) },
            entropy: {
                var system = SystemRandomNumberGenerator()
                return system.next()
            }
        )
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }

    /// Whatever the system says: a clock far off is no reason to end. It saturates.
    package static func instant(of time: timespec) -> Instant {
        let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return time.tv_sec < 0 ? .origin : .distantFuture }
        let (sum, carried) = seconds.addingReportingOverflow(Int64(time.tv_nsec))
        return carried ? .distantFuture : max(.origin, Instant(nanoseconds: sum))
    }

    /// 0 before 1970.
    package static func wallMilliseconds(of time: timespec) -> UInt64 {
        guard time.tv_sec >= 0 else { return 0 }
        let (milliseconds, overflow) = UInt64(time.tv_sec).multipliedReportingOverflow(by: 1000)
        guard !overflow else { return .max }
        let part = UInt64(clamping: time.tv_nsec / 1_000_000)
        let (sum, carried) = milliseconds.addingReportingOverflow(part)
        return carried ? .max : sum
    }
}
