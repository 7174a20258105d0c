import BlockModel
import BlockRuntime

/// Checks the order of a diary: one order for all clients, which respects real time, without gap or
/// duplicate, of which every reader sees a prefix.
package enum DiaryChecker {
    /// - Parameter final: All entries, read after every operation had ended.
    package static func check(
        _ history: History, collection: String, final: [History.Observation]
    ) -> CheckResult {
        var result = CheckResult()
        let operations = history.operations(on: collection)
        checkFinal(final, operations, &result)
        checkReads(final, operations, &result)
        checkRealTime(operations, &result)
        return result
    }

    /// Positions ascend without a gap in the revisions; no value is there twice.
    private static func checkFinal(
        _ final: [History.Observation], _ operations: [History.Operation],
        _ result: inout CheckResult
    ) {
        var places: [String: LogPosition] = [:]
        for (left, right) in zip(final, final.dropFirst()) where left.position >= right.position {
            result.violation("entries at \(left.position) and \(right.position) are out of order")
        }
        let revisions = Set(final.map(\.position.revision)).sorted()
        for (left, right) in zip(revisions, revisions.dropFirst()) where left.next != right {
            result.violation("a gap between revisions \(left) and \(right)")
        }
        for entry in final {
            result.checkedCount += 1
            if let earlier = places.updateValue(entry.position, forKey: entry.value) {
                result.violation("\"\(entry.value)\" is at \(earlier) and at \(entry.position)")
            }
        }
        for operation in operations {
            guard case .appended(let position) = operation.completion else { continue }
            let (value, told): (String, String)
            switch operation.kind {
            case .append(let appended): (value, told) = (appended, "was acknowledged at")
            case .again(let repeated): (value, told) = (repeated, "was sent again, told to be at")
            case .read: continue
            }
            result.checkedCount += 1
            if places[value] != position {
                let place = places[value].map { "\($0)" } ?? "nowhere"
                result.violation("\"\(value)\" \(told) \(position), and is \(place)")
            }
        }
    }

    /// Each read is the final order up to its revision, and has all that was acknowledged before it
    /// was invoked: reads are linearizable.
    private static func checkReads(
        _ final: [History.Observation], _ operations: [History.Operation],
        _ result: inout CheckResult
    ) {
        let acknowledged = operations.compactMap { operation -> (LogPosition, Instant)? in
            guard case .appended(let position) = operation.completion,
                let completed = operation.completed
            else { return nil }
            return (position, completed)
        }
        var latestRead: [(completed: Instant, asOf: Revision)] = []
        for operation in operations {
            guard case .read(let entries, let asOf) = operation.completion else { continue }
            result.checkedCount += 1
            let expected = final.prefix { $0.position.revision <= asOf }
            if entries != Array(expected) {
                result.violation(
                    "a read as of \(asOf) saw \(entries.count) entries that are not the "
                        + "\(expected.count) of the final order")
            }
            for (position, completed) in acknowledged
            where completed < operation.invoked && position.revision > asOf {
                result.violation(
                    "a read as of \(asOf) began after the entry at \(position) was acknowledged")
            }
            for earlier in latestRead
            where earlier.completed < operation.invoked && earlier.asOf > asOf {
                result.violation(
                    "a read as of \(asOf) began after a read as of \(earlier.asOf) ended")
            }
            if let completed = operation.completed { latestRead.append((completed, asOf)) }
        }
    }

    /// An append that was acknowledged before another was invoked stands before it.
    private static func checkRealTime(
        _ operations: [History.Operation], _ result: inout CheckResult
    ) {
        let appends = operations.compactMap { operation -> (History.Operation, LogPosition)? in
            guard case .append = operation.kind,
                case .appended(let position) = operation.completion
            else { return nil }
            return (operation, position)
        }
        // Swept in the order of positions: no append may have ended before one that stands earlier
        // began.
        let ordered = appends.sorted { $0.1 < $1.1 }
        var latestBegin = Instant(nanoseconds: .min)
        for (operation, position) in ordered {
            result.checkedCount += 1
            if let completed = operation.completed, completed < latestBegin {
                result.violation(
                    "the entry at \(position) was acknowledged before an earlier entry was sent")
            }
            latestBegin = max(latestBegin, operation.invoked)
        }
    }
}
