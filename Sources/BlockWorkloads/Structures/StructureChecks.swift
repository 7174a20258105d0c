import BlockModel
import BlockRuntime

/// All checks of a tree or queue: simulation and chaos make the same.
package enum StructureChecks {
    /// - Parameters:
    ///   - logs: Of the lives whose logs are known, the last one last.
    ///   - knowsEveryLife: Whether there was no life but these.
    /// - Returns: One result a checker; those that say the most of what is wrong come first.
    package static func run(
        _ history: History, collection: String, logs: [StructureLog], knowsEveryLife: Bool
    ) -> [CheckResult] {
        let structures = history.structures
        let models = logs.map { ($0.incarnation, StructureChecker.finalModel(of: $0)) }
        let final =
            history.transactions.finalEntries(on: collection) ?? models.last?.1.entries
        var results = [
            TransactionChecker.check(history.transactions, collection: collection, final: final),
            StructureChecker.check(
                structures, collection: collection, logs: logs, knowsEveryLife: knowsEveryLife),
            OnceChecker.check(structures, collection: collection, logs: logs),
            LifeChecker.check(structures, collection: collection),
            PastChecker.check(structures, collection: collection),
            RegisterChecker.check(structures, collection: collection),
        ]
        if logs.contains(where: { $0.kind == .queue }) {
            let remaining = Dictionary(
                models.map { ($0, $1.values) }, uniquingKeysWith: { first, _ in first })
            results.append(
                DeliveryChecker.check(structures, collection: collection, remaining: remaining))
        }
        return results
    }
}
