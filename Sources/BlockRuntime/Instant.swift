/// A moment on the monotonic clock of one process. Instants of two processes do not compare.
///
/// Time starts things (a retry, a fence, giving up); no safety rule ever reads it.
@usableFromInline
package struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since an arbitrary origin.
    @usableFromInline package let nanoseconds: Int64

    @inlinable
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let origin = Instant(nanoseconds: 0)
    /// Later than any other instant: "no deadline".
    package static let distantFuture = Instant(nanoseconds: .max)

    /// The instant `duration` later. Saturates at ``distantFuture``.
    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// The time from `other` to here, zero when `other` is later.
    package func since(_ other: Instant) -> Duration {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(other.nanoseconds)
        return .nanoseconds(overflow ? (nanoseconds < 0 ? 0 : .max) : max(0, difference))
    }

    @inlinable
    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// Whole nanoseconds, saturating at about 292 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    /// Whole milliseconds, rounded towards zero.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
