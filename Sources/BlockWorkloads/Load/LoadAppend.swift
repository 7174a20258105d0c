import BlockModel
import BlockRuntime

/// An entry of the diary of a load test: the bytes of a ``LoadRecord``, so that a damaged one is
/// known without knowing what was sent.
package enum LoadAppend {
    package static func value(client: Int, sequence: Int, byteCount: Int) -> Bytes {
        LoadRecord(number: 0, client: client, sequence: sequence).value(byteCount: byteCount)
    }

    /// What a history calls the entry: `client:sequence`.
    package static func name(of value: Bytes) -> String {
        guard let record = LoadRecord(value: value) else { return "damaged" }
        return "\(record.client):\(record.sequence)"
    }

    /// Checks a diary as a set and as an order.
    /// - Parameter final: All entries, read after the last client was done.
    package static func check(
        _ history: History, collection: String, final: [History.Observation]
    ) -> CheckResult {
        var result = SetChecker.check(history, collection: collection, final: final)
        let order = DiaryChecker.check(history, collection: collection, final: final)
        result.checkedCount += order.checkedCount
        for violation in order.violations { result.violation(violation) }
        return result
    }
}
