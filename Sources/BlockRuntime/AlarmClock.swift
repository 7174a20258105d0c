import HeapModule

/// Keys to be woken, each at one instant at most. Unlike a ``TimerQueue`` it forgets at once who
/// does not want to be woken any more: what it holds is bounded by who waits, not by how far away
/// the deadlines of those are who were answered long ago.
///
/// Inlinable, as all containers here: machines ask them at every event.
@usableFromInline
package struct AlarmClock<Key: Hashable & Sendable>: Sendable {
    @usableFromInline typealias Alarm = TimedKey<Key>

    @usableFromInline var heap = Heap<Alarm>()
    /// The alarm of each key that counts; others of it in the heap are stale.
    @usableFromInline var current: [Key: Alarm] = [:]
    @usableFromInline var setCount: UInt64 = 0
    /// Stale alarms that are never worth a rebuild.
    @inlinable static var slack: Int { 64 }

    @inlinable
    package init() {}

    /// Keys that wait.
    package var count: Int { current.count }
    /// Alarms that are held, stale ones included.
    package var heldCount: Int { heap.count }

    /// The earliest instant; nil when no key waits.
    @inlinable package var next: Instant? { heap.min?.instant }

    @inlinable
    package func instant(of key: Key) -> Instant? { current[key]?.instant }

    /// Wakes `key` at `instant`, and at no other.
    /// - Complexity: O(log n) amortised.
    @inlinable
    package mutating func set(_ key: Key, at instant: Instant) {
        let earlier = current[key]
        if let earlier, earlier.instant == instant { return }
        setCount += 1
        let alarm = Alarm(instant: instant, order: setCount, key: key)
        current[key] = alarm
        heap.insert(alarm)
        if let earlier { wentStale(earlier) }
    }

    /// Wakes `key` at `instant`, unless it is woken earlier.
    @inlinable
    package mutating func set(_ key: Key, atLatest instant: Instant) {
        if let earlier = current[key]?.instant, earlier <= instant { return }
        set(key, at: instant)
    }

    /// `key` does not want to be woken any more.
    /// - Complexity: O(log n) amortised.
    @inlinable
    package mutating func cancel(_ key: Key) {
        guard let alarm = current.removeValue(forKey: key) else { return }
        wentStale(alarm)
    }

    /// Takes out the earliest key that is due at `now`.
    /// - Complexity: O(log n) amortised.
    @inlinable
    package mutating func popDue(at now: Instant) -> (key: Key, instant: Instant)? {
        guard let earliest = heap.min, earliest.instant <= now else { return nil }
        _ = heap.popMin()
        current[earliest.key] = nil
        discardStale()
        return (earliest.key, earliest.instant)
    }

    @inlinable
    func isStale(_ alarm: Alarm) -> Bool { current[alarm.key]?.order != alarm.order }

    /// An alarm counts no more. Only when it was the top is another one next.
    @inlinable
    mutating func wentStale(_ alarm: Alarm) {
        if heap.min?.order == alarm.order || heap.count > 2 * current.count + Self.slack {
            discardStale()
        }
    }

    /// The top is always one that counts, and of the others no more are kept than of those.
    @inlinable
    mutating func discardStale() {
        while let top = heap.min, isStale(top) { _ = heap.popMin() }
        guard heap.count > 2 * current.count + Self.slack else { return }
        heap = Heap(heap.unordered.filter { !isStale($0) })
    }

    /// Stops the process unless each key has its alarm and stale ones are few.
    /// - Complexity: O(n).
    package func checkInvariants() {
        invariant(
            heap.count <= 2 * current.count + Self.slack,
            "\(heap.count) alarms for \(current.count) keys")
        let live = heap.unordered.filter { !isStale($0) }
        invariant(live.count == current.count, "\(live.count) alarms, \(current.count) keys")
        if let top = heap.min { invariant(!isStale(top), "a stale alarm is next") }
    }
}
