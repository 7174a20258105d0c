/// A key and when it is to be woken. Equal instants come out in the order they went in: runs must
/// replay.
@usableFromInline
package struct TimedKey<Key: Sendable>: Comparable, Sendable {
    @usableFromInline let instant: Instant
    @usableFromInline let order: UInt64
    @usableFromInline let key: Key

    @inlinable
    init(instant: Instant, order: UInt64, key: Key) {
        self.instant = instant
        self.order = order
        self.key = key
    }

    @inlinable
    package static func < (left: TimedKey, right: TimedKey) -> Bool {
        (left.instant, left.order) < (right.instant, right.order)
    }

    @inlinable
    package static func == (left: TimedKey, right: TimedKey) -> Bool {
        (left.instant, left.order) == (right.instant, right.order)
    }
}
