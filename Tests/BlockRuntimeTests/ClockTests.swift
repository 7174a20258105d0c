import BlockRuntime
import Glibc
import Testing

/// What the system says of the time is believed, and never the end of the process.
@Suite("The clock")
struct ClockTests {
    @Test(
        "Any time of the system is milliseconds since 1970, as near as they can be",
        arguments: [
            (Int.min, 0, UInt64(0)), (-1, 999_999_999, 0), (-86_400 * 365 * 60, 0, 0), (0, 0, 0),
            (0, 999_999_999, 999), (1_769_903_999, 7_000_000, 1_769_903_999_007),
            // 2262-04-11, where nanoseconds leave 63 bits, and the years after it.
            (9_223_372_036, 854_775_807, 9_223_372_036_854), (9_223_372_037, 0, 9_223_372_037_000),
            (253_402_300_800, 0, 253_402_300_800_000),
            (18_446_744_073_709_551, 999_999_999, .max), (Int.max, 999_999_999, .max),
        ])
    func wall(seconds: Int, nanoseconds: Int, milliseconds: UInt64) {
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        #expect(Environment.wallMilliseconds(of: time) == milliseconds)
    }

    @Test(
        "Any time of the monotonic clock is an instant between the first and the last",
        arguments: [
            (Int.min, 0, Int64(0)), (-1, 0, 0), (0, 5, 5), (3, 4, 3_000_000_004),
            (9_223_372_036, 854_775_807, .max), (9_223_372_036, 854_775_808, .max),
            (Int.max, 999_999_999, .max),
        ])
    func monotonic(seconds: Int, nanoseconds: Int, expected: Int64) {
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        #expect(Environment.instant(of: time) == Instant(nanoseconds: expected))
    }

    @Test("Arithmetic of times saturates at both ends")
    func saturation() {
        let first = Instant(nanoseconds: .min)
        let last = Instant.distantFuture
        #expect(last.since(first) == .nanoseconds(Int64.max))
        #expect(first.since(last) == .zero)
        #expect(last.advanced(by: .seconds(1)) == last)
        #expect(Instant.origin.advanced(by: .seconds(Int64.max)) == last)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(
            Duration(
                secondsComponent: -9_223_372_036, attosecondsComponent: -999_999_999_000_000_000
            ).nanoseconds == .min)
    }
}
