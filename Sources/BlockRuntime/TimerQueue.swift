import HeapModule

/// Keys to be woken at instants, earliest first. A key may be in it several times; whoever takes
/// one out checks whether it still wants to be woken.
package struct TimerQueue<Key: Sendable>: Sendable {
    @usableFromInline
    struct Timer: Comparable, Sendable {
        @usableFromInline let instant: Instant
        /// Equal instants come out in the order they went in: runs must replay.
        @usableFromInline let order: UInt64
        @usableFromInline let key: Key

        @inlinable
        init(instant: Instant, order: UInt64, key: Key) {
            self.instant = instant
            self.order = order
            self.key = key
        }

        @inlinable
        static func < (left: Timer, right: Timer) -> Bool {
            (left.instant, left.order) < (right.instant, right.order)
        }

        @inlinable
        static func == (left: Timer, right: Timer) -> Bool {
            (left.instant, left.order) == (right.instant, right.order)
        }
    }

    @usableFromInline var heap = Heap<Timer>()
    @usableFromInline var inserted: UInt64 = 0

    @inlinable
    package init() {}

    /// The earliest instant, nil when empty.
    @inlinable package var next: Instant? { heap.min?.instant }

    /// - Complexity: O(log n).
    @inlinable
    package mutating func insert(_ key: Key, at instant: Instant) {
        inserted += 1
        heap.insert(Timer(instant: instant, order: inserted, key: key))
    }

    /// Takes out the earliest key that is due at `now`.
    /// - Complexity: O(log n).
    @inlinable
    package mutating func popDue(at now: Instant) -> (key: Key, instant: Instant)? {
        guard let earliest = heap.min, earliest.instant <= now else { return nil }
        _ = heap.popMin()
        return (earliest.key, earliest.instant)
    }
}
