import HeapModule

/// Keys to be woken at instants, earliest first. A key may be in it several times; whoever takes
/// one out checks whether it still wants to be woken.
package struct TimerQueue<Key: Sendable>: Sendable {
    private struct Timer: Comparable, Sendable {
        let instant: Instant
        /// Equal instants come out in the order they went in: runs must replay.
        let order: UInt64
        let key: Key

        static func < (left: Timer, right: Timer) -> Bool {
            (left.instant, left.order) < (right.instant, right.order)
        }
        static func == (left: Timer, right: Timer) -> Bool {
            (left.instant, left.order) == (right.instant, right.order)
        }
    }

    private var heap = Heap<Timer>()
    private var inserted: UInt64 = 0

    package init() {}

    /// The earliest instant, nil when empty.
    package var next: Instant? { heap.min?.instant }

    /// - Complexity: O(log n).
    package mutating func insert(_ key: Key, at instant: Instant) {
        inserted += 1
        heap.insert(Timer(instant: instant, order: inserted, key: key))
    }

    /// Takes out the earliest key that is due at `now`.
    /// - Complexity: O(log n).
    package mutating func popDue(at now: Instant) -> (key: Key, instant: Instant)? {
        guard let earliest = heap.min, earliest.instant <= now else { return nil }
        _ = heap.popMin()
        return (earliest.key, earliest.instant)
    }
}
