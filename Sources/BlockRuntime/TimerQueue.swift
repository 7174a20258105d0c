import HeapModule

/// Keys to be woken at instants, earliest first. A key may be in it several times: the owner that
/// takes one out checks whether it still wants to be woken.
@usableFromInline
package struct TimerQueue<Key: Sendable>: Sendable {
    @usableFromInline var heap = Heap<TimedKey<Key>>()
    @usableFromInline var inserted: UInt64 = 0

    @inlinable
    package init() {}

    /// The earliest instant, nil when empty.
    @inlinable package var next: Instant? { heap.min?.instant }

    /// - Complexity: O(log n).
    @inlinable
    package mutating func insert(_ key: Key, at instant: Instant) {
        inserted += 1
        heap.insert(TimedKey(instant: instant, order: inserted, key: key))
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
