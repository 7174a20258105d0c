import BlockModel
import BlockRuntime

/// Checks that every action of a tree or queue happens once when it is acknowledged, and at most
/// once when it is not, however often and through whichever proxies it was sent; and that every
/// client that asks for it is told the same place and outcome.
package enum OnceChecker {
    private struct Fate {
        let life: Incarnation
        var landings: Set<ActionLanding> = []
        var isRefused = false
    }

    /// - Parameter logs: Of the lives whose logs are known.
    package static func check(
        _ history: StructureHistory, collection: String, logs: [StructureLog]
    ) -> CheckResult {
        var result = CheckResult()
        var fates: [ActionID: Fate] = [:]
        var actions: [ActionID] = []
        func tell(_ action: ActionID, _ life: Incarnation, _ landing: ActionLanding?) {
            if fates[action] == nil {
                fates[action] = Fate(life: life)
                actions.append(action)
            }
            if let landing { fates[action]?.landings.insert(landing) }
        }
        for operation in history.operations where operation.collection == collection {
            let life = operation.incarnation
            switch (operation.kind, operation.completion) {
            case (.act(let request), .landed(let landing)):
                tell(request.action, life, landing)
            case (.again(let request), .landed(let landing)):
                mark("once.sentAgain")
                tell(request.action, life, landing)
            case (.act(let request), .notApplied):
                tell(request.action, life, nil)
                fates[request.action]?.isRefused = true
            case (.again, .notApplied(let code)):
                if code.isNeverDeserved {
                    result.violation("an action sent again was refused as \(code)")
                }
            case (.act(let request), _): tell(request.action, life, nil)
            case (.status(let question), .status(let landing, _)):
                tell(question.action, life, landing)
            default: break
            }
        }
        var counts: [ActionID: Int] = [:]
        for action in logs.flatMap(\.entries).joined() { counts[action.id, default: 0] += 1 }
        let known = Set(logs.map(\.incarnation))
        for action in actions {
            guard let fate = fates[action] else { continue }
            result.checkedCount += 1
            check(fate, known.contains(fate.life) ? counts[action] ?? 0 : nil, &result)
        }
        return result
    }

    /// - Parameter count: How often the log has the action; nil when its log is not known.
    private static func check(_ fate: Fate, _ count: Int?, _ result: inout CheckResult) {
        let places = fate.landings.sorted { $0.position < $1.position }
        if let first = places.first, let last = places.last, places.count > 1 {
            result.violation(
                first.position == last.position
                    ? "an action at \(first.position) was told to have had two outcomes"
                    : "an action was told to be at \(first.position) and at \(last.position)")
        }
        if fate.isRefused, let first = places.first {
            result.violation("an action was refused, and told to be at \(first.position)")
        }
        guard let count else { return }
        if count > 1 { result.violation("an action happened \(count) times") }
        if count == 0, let first = places.first {
            result.violation("an action was acknowledged at \(first.position), and never happened")
        }
        if count > 0, fate.isRefused { result.violation("an action was refused, and happened") }
    }
}
