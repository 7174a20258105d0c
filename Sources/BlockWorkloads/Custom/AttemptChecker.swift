import BlockModel
import BlockRuntime

/// Checks attempts that clients sent as they are, each perhaps several times and through several
/// proxies: an attempt lands at its target or nowhere, once, and no two answers contradict each
/// other or the log.
package enum AttemptChecker {
    private struct Key: Hashable {
        let payload: PayloadID
        let target: Revision
    }

    /// - Parameter logs: Of the lives whose logs are known.
    package static func check(
        _ history: AttemptHistory, collection: String, logs: [CustomLog]
    ) -> CheckResult {
        var result = CheckResult()
        let tries = history.tries.filter { $0.collection == collection }
        for log in logs {
            var revisions: [PayloadID: [Revision]] = [:]
            for (number, entry) in log.entries.enumerated() {
                revisions[entry.payload, default: []].append(Revision(UInt64(number + 1)))
            }
            let ofLife = tries.filter { $0.participant.incarnation == log.incarnation }
            let attempts = Dictionary(
                grouping: ofLife, by: { Key(payload: $0.payload, target: $0.participant.target) })
            for (key, tries) in attempts {
                result.checkedCount += 1
                check(key, tries, landed: revisions[key.payload] ?? [], &result)
            }
        }
        return result
    }

    private static func check(
        _ key: Key, _ tries: [AttemptHistory.Try], landed: [Revision],
        _ result: inout CheckResult
    ) {
        let name = "the attempt of client \(tries[0].client) at \(key.target)"
        if tries.count > 1 { mark("attempts.sentAgain") }
        if landed.count > 1 { result.violation("\(name) landed \(landed.count) times") }
        let isThere = landed.contains(key.target)
        for item in tries {
            switch item.answer {
            case .committed(let revision):
                if revision != key.target {
                    result.violation("\(name) was told to have landed at \(revision)")
                } else if !isThere {
                    result.violation("\(name) was told to have landed, and did not")
                }
            case .never:
                if isThere { result.violation("\(name) was told to be dead, and landed") }
            case .none, .notBegun, .askTheLog: break
            }
        }
        // Each try for itself says that it did nothing: then nothing did.
        if isThere, tries.allSatisfy({ $0.answer == .notBegun }) {
            result.violation("no try of \(name) was begun, and it landed")
        }
    }
}
