import BlockRuntime
import HeapModule

/// What will happen in a world, earliest first; events of one instant in the order they were added.
///
/// The heap moves small records only: the events themselves lie in slots.
package struct EventQueue<Event> {
    private struct Entry: Comparable {
        let nanoseconds: Int64
        let order: UInt64
        let slot: Int

        static func < (left: Entry, right: Entry) -> Bool {
            left.nanoseconds == right.nanoseconds
                ? left.order < right.order : left.nanoseconds < right.nanoseconds
        }
        static func == (left: Entry, right: Entry) -> Bool { left.order == right.order }
    }

    private var heap = Heap<Entry>()
    private var slots: [Event?] = []
    private var freeSlots: [Int] = []
    private var addedCount: UInt64 = 0

    package init() {}

    /// When the earliest event happens; nil when there is none.
    package var next: Instant? { heap.min.map { Instant(nanoseconds: $0.nanoseconds) } }

    package mutating func add(_ event: Event, at instant: Instant) {
        addedCount += 1
        let slot = freeSlots.popLast() ?? slots.count
        if slot == slots.count { slots.append(event) } else { slots[slot] = event }
        heap.insert(Entry(nanoseconds: instant.nanoseconds, order: addedCount, slot: slot))
    }

    package mutating func popNext() -> Event? {
        guard let entry = heap.popMin() else { return nil }
        freeSlots.append(entry.slot)
        // Moved, not copied: messages are large.
        var event: Event?
        swap(&event, &slots[entry.slot])
        return event
    }
}
