import BlockRuntime

/// The requests a loop waits for: matches replies by correlation id, forgets each at its deadline.
///
/// A reply finds its context exactly once; duplicates and late ones find nothing. The table reads
/// no clock: the loop passes the time in.
package struct RequestTable<Context> {
    private struct Pending {
        var context: Context
        let deadline: Instant
    }

    /// Heap order: by deadline, among equals by age.
    private struct Alarm: Comparable {
        let deadline: Instant
        let correlation: UInt64

        static func < (left: Alarm, right: Alarm) -> Bool {
            (left.deadline, left.correlation) < (right.deadline, right.correlation)
        }
    }

    private var pending: [UInt64: Pending] = [:]
    // Answered requests leave their alarms behind; they are dropped at the top at once, and
    // elsewhere when they outnumber the live ones.
    private var alarms: [Alarm] = []
    private var nextCorrelation: UInt64
    private let countMax: Int

    /// - Parameters:
    ///   - firstCorrelation: Drawn at random by each process, so that a reply meant for its
    ///     predecessor matches nothing. The highest bit is ignored: ids never wrap.
    ///   - countMax: Requests under way at most.
    package init(firstCorrelation: UInt64, countMax: Int = Limits.requestCountMax) {
        invariant(countMax > 0, "a table for \(countMax) requests")
        nextCorrelation = max(1, firstCorrelation & (.max >> 1))
        self.countMax = countMax
    }

    package var count: Int { pending.count }
    package var isEmpty: Bool { pending.isEmpty }

    /// When ``expire(at:)`` next has something to do; nil when nothing is under way.
    package var nextDeadline: Instant? { alarms.first?.deadline }

    /// Remembers a request.
    ///
    /// - Returns: Its correlation id: never zero, never given before by this table, and growing.
    /// - Throws: `.overloaded` when `countMax` requests are under way.
    /// - Complexity: O(log n).
    package mutating func insert(
        _ context: Context, deadline: Instant
    ) throws(DatabaseError) -> UInt64 {
        guard pending.count < countMax else {
            throw DatabaseError(
                .overloaded, "\(pending.count) requests are under way, the limit is \(countMax)")
        }
        let correlation = nextCorrelation
        nextCorrelation += 1
        pending[correlation] = Pending(context: context, deadline: deadline)
        push(Alarm(deadline: deadline, correlation: correlation))
        return correlation
    }

    /// The context of a request under way, to read or to change; nil for any other id. Assigning
    /// does nothing for an id that is not under way, and nil cannot be assigned.
    package subscript(correlation: UInt64) -> Context? {
        get { pending[correlation]?.context }
        set {
            guard let newValue, pending[correlation] != nil else { return }
            pending[correlation]?.context = newValue
        }
    }

    /// Ends a request.
    ///
    /// - Returns: Its context; nil when the id is unknown, answered already or expired.
    /// - Complexity: O(log n) amortised.
    package mutating func take(_ correlation: UInt64) -> Context? {
        guard let entry = pending.removeValue(forKey: correlation) else { return nil }
        discardStaleAlarms()
        return entry.context
    }

    /// Ends every request whose deadline is not after `now`.
    ///
    /// - Returns: The ended requests, earliest deadline first, among equals the oldest.
    /// - Complexity: O(k log n) for k returned.
    package mutating func expire(at now: Instant) -> [(correlation: UInt64, context: Context)] {
        var expired: [(correlation: UInt64, context: Context)] = []
        while let alarm = alarms.first, alarm.deadline <= now {
            pop()
            guard let entry = pending.removeValue(forKey: alarm.correlation) else { continue }
            expired.append((alarm.correlation, entry.context))
        }
        discardStaleAlarms()
        return expired
    }

    /// Ends every request, as when its connection or the process ends; oldest first.
    package mutating func removeAll() -> [(correlation: UInt64, context: Context)] {
        let ended = pending.sorted { $0.key < $1.key }.map { ($0.key, $0.value.context) }
        pending.removeAll()
        alarms.removeAll()
        return ended
    }

    /// Stops the process unless the heap is ordered, covers each request once and wastes no more
    /// than its bound.
    /// - Complexity: O(n).
    package func checkInvariants() {
        for index in alarms.indices.dropFirst() {
            invariant(alarms[(index - 1) / 2] < alarms[index], "alarm \(index) before its parent")
        }
        let live = alarms.filter { pending[$0.correlation]?.deadline == $0.deadline }
        invariant(live.count == pending.count, "\(live.count) alarms, \(pending.count) requests")
        invariant(
            alarms.count <= 2 * pending.count + Self.slack,
            "\(alarms.count) alarms for \(pending.count) requests")
        if let top = alarms.first { invariant(pending[top.correlation] != nil, "stale top alarm") }
    }
}

extension RequestTable {
    /// Stale alarms that are never worth a rebuild.
    private static var slack: Int { 64 }

    private mutating func discardStaleAlarms() {
        while let top = alarms.first, pending[top.correlation] == nil { pop() }
        guard alarms.count > 2 * pending.count + Self.slack else { return }
        alarms.removeAll { pending[$0.correlation] == nil }
        // A sorted array is a heap.
        alarms.sort()
    }

    private mutating func push(_ alarm: Alarm) {
        alarms.append(alarm)
        var index = alarms.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard alarms[index] < alarms[parent] else { return }
            alarms.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func pop() {
        alarms.swapAt(0, alarms.count - 1)
        alarms.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < alarms.count {
                if alarms[child] < alarms[least] { least = child }
            }
            guard least != index else { return }
            alarms.swapAt(index, least)
            index = least
        }
    }
}
