import BlockModel
import BlockRuntime

/// Checks that the past does not change: whichever client asks the same of the same revision,
/// whenever and through whichever proxy, it is told the same.
package enum PastChecker {
    private struct Question: Hashable {
        let incarnation: Incarnation
        let query: StructureQuery
        let asOf: Revision
    }

    /// ``CheckResult/checkedCount`` is of questions that were asked again.
    package static func check(
        _ history: StructureHistory, collection: String
    ) -> CheckResult {
        var result = CheckResult()
        var answers: [Question: ClientReply] = [:]
        for operation in history.operations where operation.collection == collection {
            guard case .read(let query, _) = operation.kind,
                case .answered(let reply) = operation.completion, let asOf = reply.viewRevision
            else { continue }
            let question = Question(
                incarnation: operation.incarnation, query: query, asOf: asOf)
            guard let earlier = answers.updateValue(reply, forKey: question) else { continue }
            result.checkedCount += 1
            mark("past.askedAgain")
            if !agree(earlier, reply) {
                result.violation(
                    "client \(operation.client) was told something else of revision \(asOf) than "
                        + "was told before")
            }
        }
        return result
    }

    /// Two pages may be cut at different places, but show the same as far as both go.
    private static func agree(_ left: ClientReply, _ right: ClientReply) -> Bool {
        switch (left, right) {
        case (.treeValues(let left), .treeValues(let right)):
            zip(left.values, right.values).allSatisfy { $0 == $1 }
        case (.treePage(let left), .treePage(let right)):
            zip(left.entries, right.entries).allSatisfy { $0 == $1 }
                && (!left.isLast || right.entries.count <= left.entries.count)
                && (!right.isLast || left.entries.count <= right.entries.count)
                && (left.entries.count != right.entries.count || left.isLast == right.isLast)
        case (.count(let left, _), .count(let right, _)): left == right
        case (.queueValues(let left), .queueValues(let right)):
            // Of what is there, one value at least is shown.
            zip(left.values, right.values).allSatisfy { $0 == $1 }
                && left.values.isEmpty == right.values.isEmpty
        default: false
        }
    }
}
