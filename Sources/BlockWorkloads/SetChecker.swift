import BlockModel
import BlockRuntime

/// Checks a collection as a set: nothing acknowledged or read is lost, nothing refused is found,
/// nothing is there that no client sent.
package enum SetChecker {
    /// - Parameter final: All entries, read after every operation had ended.
    package static func check(
        _ history: History, collection: String, final: [History.Observation]
    ) -> CheckResult {
        var result = CheckResult()
        let present = Set(final.map(\.value))
        var sent: Set<String> = []
        for operation in history.operations(on: collection) {
            if case .again(let value) = operation.kind,
                case .notApplied(let code) = operation.completion, code.isNeverDeserved
            {
                result.violation("\"\(value)\" was sent again and refused as \(code)")
            }
            guard case .append(let value) = operation.kind else { continue }
            sent.insert(value)
            result.checkedCount += 1
            switch operation.completion {
            case .appended where !present.contains(value):
                result.violation("\"\(value)\" was acknowledged and is lost")
            case .notApplied(let code) where code.isNeverDeserved:
                result.violation("\"\(value)\" was refused as \(code)")
            case .notApplied(let code) where present.contains(value):
                result.violation("\"\(value)\" was refused (\(code)) and is there")
            case .appended, .notApplied, .unknown, .read: break
            }
        }
        for value in seen(history, collection).subtracting(present).sorted() {
            result.violation("\"\(value)\" was read and is lost")
        }
        for value in present.subtracting(sent).sorted() {
            result.violation("\"\(value)\" is there and nobody sent it")
        }
        return result
    }

    /// What any reader saw.
    private static func seen(_ history: History, _ collection: String) -> Set<String> {
        var seen: Set<String> = []
        for operation in history.operations(on: collection) {
            guard case .read(let entries, _) = operation.completion else { continue }
            seen.formUnion(entries.map(\.value))
        }
        return seen
    }
}

extension ErrorCode {
    /// Whether nothing that a client of the workloads does, and no fault, earns it.
    var isNeverDeserved: Bool {
        [.invalidArgument, .malformedMessage, .actionIDReuse, .internalError, .corrupted]
            .contains(self)
    }
}
