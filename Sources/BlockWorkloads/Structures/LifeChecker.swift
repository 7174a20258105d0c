import BlockModel
import BlockRuntime

/// Checks the lives of a tree or queue that is dropped and created again, by what clients were told
/// alone: one life follows the other for all clients, and nothing of one is seen in another.
package enum LifeChecker {
    package static func check(
        _ history: StructureHistory, collection: String
    ) -> CheckResult {
        var result = CheckResult()
        let operations = history.operations.filter { $0.collection == collection }
        checkOrder(operations, &result)
        checkValues(operations, &result)
        return result
    }

    /// Once a life was seen, or seen to be over, no client is answered by an earlier one.
    private static func checkOrder(
        _ operations: [StructureHistory.Operation], _ result: inout CheckResult
    ) {
        struct Ended {
            let completed: Instant
            /// The lowest generation that there may be from then on.
            let lowest: UInt64
        }
        var lives: [UInt64: Incarnation] = [:]
        let ended = operations.compactMap { operation -> Ended? in
            guard let completed = operation.completed else { return nil }
            let generation = operation.incarnation.generation
            if case .dropped = operation.completion {
                return Ended(completed: completed, lowest: generation + 1)
            }
            return operation.isAnsweredByLife
                ? Ended(completed: completed, lowest: generation) : nil
        }.sorted { $0.completed < $1.completed }
        var next = 0
        var lowest: UInt64 = 0
        for operation in operations.sorted(by: { $0.invoked < $1.invoked })
        where operation.isAnsweredByLife {
            result.checkedCount += 1
            let life = operation.incarnation
            if life.generation > 1 { mark("life.later") }
            while next < ended.count, ended[next].completed < operation.invoked {
                lowest = max(lowest, ended[next].lowest)
                next += 1
            }
            if life.generation < lowest {
                result.violation(
                    "life \(life.generation) answers when only life \(lowest) or a later one can")
            }
            if let other = lives.updateValue(life, forKey: life.generation), other != life {
                result.violation("there are two lives \(life.generation): \(other) and \(life)")
            }
        }
    }

    /// What is seen of a life was sent to that life.
    private static func checkValues(
        _ operations: [StructureHistory.Operation], _ result: inout CheckResult
    ) {
        var senders: [Bytes: Set<Incarnation>] = [:]
        for operation in operations {
            guard case .act(let request) = operation.kind else { continue }
            for value in request.content.values {
                senders[value, default: []].insert(operation.incarnation)
            }
        }
        for operation in operations {
            for value in operation.seenValues {
                result.checkedCount += 1
                let lives = senders[value] ?? []
                if lives.contains(operation.incarnation) { continue }
                let life = operation.incarnation.generation
                let text = String(decoding: value.prefix(20), as: UTF8.self)
                if let other = lives.map(\.generation).min() {
                    result.violation("\"\(text)\" was seen in life \(life), sent to life \(other)")
                } else {
                    result.violation("\"\(text)\" was seen in life \(life), and nobody sent it")
                }
            }
        }
    }
}

extension StructureHistory.Operation {
    /// Whether the life that was asked had to be there to answer. The past may be told later.
    fileprivate var isAnsweredByLife: Bool {
        switch (kind, completion) {
        case (.act, .landed), (.read(_, asOf: nil), .answered), (.status, .status): true
        default: false
        }
    }

    /// The values that the client was shown.
    fileprivate var seenValues: [Bytes] {
        switch completion {
        case .answered(.treeValues(let answer)): return answer.values.compactMap { $0 }
        case .answered(.treePage(let page)): return page.entries.map(\.value)
        case .answered(.queueValues(let answer)): return answer.values
        case .landed(let landing), .status(let landing?, _):
            if case .queue(.dequeued(let values)) = landing.outcome { return values }
            return []
        default: return []
        }
    }
}

extension ActionContent {
    /// The values that it adds.
    var values: [Bytes] {
        switch self {
        case .append, .custom: []
        case .tree(let action):
            action.operations.compactMap {
                if case .put(_, let value) = $0 { value } else { nil }
            }
        case .queue(.enqueue(let values)): values
        case .queue(.dequeue): []
        }
    }
}
