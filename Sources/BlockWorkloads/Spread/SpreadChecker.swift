import BlockModel

/// Whether transactions over several trees are strictly serializable, all trees taken for one.
package enum SpreadChecker {
    package static func check(_ history: TransactionHistory) -> [CheckResult] {
        history.collections.map { name in
            TransactionChecker.check(
                history, collection: name, final: history.finalEntries(on: name))
        }
    }
}
