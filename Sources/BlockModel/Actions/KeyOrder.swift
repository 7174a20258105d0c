import BlockRuntime
import Glibc

/// The order of keys: as bytes, unsigned; the shorter first when one begins with the other.
@usableFromInline
package enum KeyOrder {
    /// Less than, equal to or greater than zero, as `left` is to `right`.
    @inlinable
    @inline(__always)
    package static func compare(_ left: Bytes, _ right: Bytes) -> Int {
        left.withUnsafeBytes { first in
            right.withUnsafeBytes { second in
                let count = min(first.count, second.count)
                guard count > 0, let start = first.baseAddress, let other = second.baseAddress
                else { return first.count - second.count }
                let order = memcmp(start, other, count)
                return order == 0 ? first.count - second.count : Int(order)
            }
        }
    }
}
