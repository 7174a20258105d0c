import BlockModel
import BlockRuntime

/// W6, a long fork: two readers see two independent writes in opposite orders, one of them only the
/// first and the other only the second. Parallel snapshot isolation allows it (Sovran et al.,
/// "Transactional Storage for Geo-Replicated Systems", SOSP 2011; Jepsen's `long-fork`).
///
/// Each place is written once, by a transaction of its own; readers read all places of a group as
/// of one moment. So what any two of them saw must be such that one saw all that the other did.
enum LongFork: AnomalyWorkload {
    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent {
        let group = history.lastGroup
        guard draw.generator.chance(1, in: 3) else {
            let read = max(0, group - draw.generator.below(3))
            return AnomalyIntent(reads: draw.plan.places(read))
        }
        let free = draw.plan.places(group).filter { history.writer(of: $0) == nil }
        if free.count <= 1 { history.beginGroup() }
        guard !free.isEmpty else { return AnomalyIntent(reads: draw.plan.places(group)) }
        let place = free[draw.generator.below(free.count)]
        return AnomalyIntent(writes: [AnomalyHistory.Write(place, draw.value())])
    }

    static func check(_ history: AnomalyHistory) -> CheckResult {
        var result = CheckResult()
        let origins = AnomalyOrigins(history, &result)
        for (key, readings) in origins.readingsByKey.sorted(by: {
            KeyOrder.compare($0.key, $1.key) < 0
        }) {
            let ascending = readings.sorted { $0.seen.count < $1.seen.count }
            for (less, more) in zip(ascending, ascending.dropFirst())
            where !less.seen.isSubset(of: more.seen) {
                result.violation(
                    "a long fork at \(origins.text(key)): \(origins.name(less.number)) saw the "
                        + "writes in collections \(less.seen.sorted()), and "
                        + "\(origins.name(more.number)) those in \(more.seen.sorted())")
            }
        }
        return result
    }
}

extension AnomalyOrigins {
    /// What one transaction saw of the places of a group.
    struct Reading {
        let number: Int
        /// The collections in which it saw the group's write.
        let seen: Set<Int>
    }

    /// Of every key that is the name of a group in all collections.
    var readingsByKey: [Bytes: [Reading]] {
        var found: [Bytes: [Reading]] = [:]
        for (number, reads) in readings {
            for (key, reads) in Dictionary(grouping: reads, by: \.place.key) {
                let seen = reads.filter { $0.value != nil }.map(\.place.collection)
                found[key, default: []].append(Reading(number: number, seen: Set(seen)))
            }
        }
        return found
    }
}
