import BlockModel
import BlockRuntime

/// Checks a tree or a queue against its chosen logs: the log is the truth, every outcome in it is
/// what its actions make of a plain map or list, and every client was told what the log says, in an
/// order that respects real time.
package enum StructureChecker {
    /// - Parameters:
    ///   - logs: Of the lives that the collection had; read after every operation had ended.
    ///   - knowsEveryLife: Whether these are all of them.
    package static func check(
        _ history: StructureHistory, collection: String, logs: [StructureLog],
        knowsEveryLife: Bool = true
    ) -> CheckResult {
        var result = CheckResult()
        let operations = history.operations.filter { $0.collection == collection }
        let known = Set(logs.map(\.incarnation))
        for log in logs {
            check(operations.filter { $0.incarnation == log.incarnation }, log, &result)
        }
        for operation in operations
        where knowsEveryLife && !known.contains(operation.incarnation) {
            switch operation.completion {
            case .landed, .answered, .status:
                result.violation("an answer about a life that \(collection) never had")
            case .dropped, .notApplied, .unknown: break
            }
        }
        checkDrops(operations, &result)
        return result
    }

    /// What the actions of a log make of an empty tree or queue.
    package static func finalModel(of log: StructureLog) -> StructureModel {
        var ignored = CheckResult()
        var landings: [ActionID: Landed] = [:]
        return replay(log, &landings, &ignored).last ?? StructureModel()
    }

    private struct Landed {
        let position: LogPosition
        let action: Action
    }

    private static func check(
        _ operations: [StructureHistory.Operation], _ log: StructureLog,
        _ result: inout CheckResult
    ) {
        var landings: [ActionID: Landed] = [:]
        let models = replay(log, &landings, &result)
        checkActions(operations, log, landings, &result)
        for operation in operations {
            switch (operation.kind, operation.completion) {
            case (.read(let query, let asOf), .answered(let reply)):
                result.checkedCount += 1
                guard let revision = reply.viewRevision, revision <= log.revision,
                    asOf == nil || asOf == revision
                else {
                    result.violation("a read as of no revision there is, or another than asked")
                    continue
                }
                let model = models[Int(revision.rawValue)]
                if let objection = model.objection(to: reply, of: query) {
                    result.violation("as of revision \(revision): \(objection)")
                }
            case (.status(let question), .status(let landing, let asOf)):
                result.checkedCount += 1
                checkStatus(landing, asOf, landings[question.action], &result)
            default: break
            }
        }
        checkRealTime(operations, &result)
    }

    /// The states after each entry, the empty one first.
    private static func replay(
        _ log: StructureLog, _ landings: inout [ActionID: Landed], _ result: inout CheckResult
    ) -> [StructureModel] {
        var model = StructureModel()
        var models = [model]
        var taken: Set<Bytes> = []
        for (number, actions) in log.entries.enumerated() {
            let revision = Revision(UInt64(number + 1))
            for (index, action) in actions.enumerated() {
                result.checkedCount += 1
                let position = LogPosition(revision: revision, index: UInt32(index))
                let landed = Landed(position: position, action: action)
                if let earlier = landings.updateValue(landed, forKey: action.id) {
                    result.violation("an action is at \(earlier.position) and at \(position)")
                }
                guard let content = try? ActionContent(action.bytes, kind: log.kind),
                    let outcome = try? ActionOutcome(action.outcome, kind: log.kind)
                else {
                    result.violation("the action at \(position) cannot be read")
                    continue
                }
                let right = model.apply(content)
                if outcome != right {
                    result.violation("the outcome at \(position) is \(outcome), must be \(right)")
                }
                if case .queue(.dequeued(let values)) = outcome {
                    for value in values where !taken.insert(value).inserted {
                        result.violation("a value was taken twice, at \(position) again")
                    }
                }
            }
            models.append(model)
        }
        return models
    }

    private static func checkActions(
        _ operations: [StructureHistory.Operation], _ log: StructureLog,
        _ landings: [ActionID: Landed], _ result: inout CheckResult
    ) {
        var sent: Set<ActionID> = []
        for operation in operations {
            guard case .act(let request) = operation.kind else { continue }
            sent.insert(request.action)
            result.checkedCount += 1
            let landed = landings[request.action]
            if let landed, landed.action.bytes != request.content.bytes {
                result.violation("the action at \(landed.position) is not what was sent")
            }
            switch operation.completion {
            case .landed(let landing):
                let place = landed.map { "\($0.position)" } ?? "nowhere"
                if landed?.position != landing.position {
                    result.violation(
                        "an action was acknowledged at \(landing.position), and is \(place)")
                } else if landed?.action.outcome != landing.outcome.bytes {
                    result.violation("the outcome at \(place) was told as \(landing.outcome)")
                }
            case .notApplied(let code):
                if code.isNeverDeserved { result.violation("an action was refused as \(code)") }
                if let landed {
                    result.violation("an action was refused (\(code)), and is \(landed.position)")
                }
            case .answered, .status, .dropped, .unknown: break
            }
        }
        for (_, landed) in landings.sorted(by: { $0.value.position < $1.value.position })
        where !sent.contains(landed.action.id) {
            result.violation("nobody sent the action at \(landed.position)")
        }
    }

    private static func checkStatus(
        _ landing: ActionLanding?, _ asOf: Revision, _ landed: Landed?,
        _ result: inout CheckResult
    ) {
        if let landing {
            if landing.position != landed?.position
                || landing.outcome.bytes != landed?.action.outcome
            {
                result.violation("an action is said to be at \(landing.position), and is not")
            }
        } else if let landed, landed.position.revision <= asOf {
            result.violation("an action is at \(landed.position), not seen as of \(asOf)")
        }
    }

    // MARK: Real time

    /// What was acknowledged or read before an operation began, a read sees and an action follows.
    private static func checkRealTime(
        _ operations: [StructureHistory.Operation], _ result: inout CheckResult
    ) {
        struct Ended {
            let completed: Instant
            let revision: Revision
        }
        let ended = operations.compactMap { operation -> Ended? in
            guard let completed = operation.completed, let revision = operation.shownRevision
            else { return nil }
            return Ended(completed: completed, revision: revision)
        }.sorted { $0.completed < $1.completed }
        var next = 0
        var highest = Revision.zero
        for operation in operations.sorted(by: { $0.invoked < $1.invoked }) {
            while next < ended.count, ended[next].completed < operation.invoked {
                highest = max(highest, ended[next].revision)
                next += 1
            }
            switch (operation.kind, operation.completion) {
            case (.act, .landed(let landing)):
                result.checkedCount += 1
                if landing.position.revision <= highest {
                    result.violation(
                        "an action sent after revision \(highest) was seen is at "
                            + "\(landing.position)")
                }
            case (.read(_, asOf: nil), .answered(let reply)):
                result.checkedCount += 1
                if let revision = reply.viewRevision, revision < highest {
                    result.violation("a read begun after revision \(highest) saw \(revision)")
                }
            case (.status, .status(_, let asOf)):
                if asOf < highest {
                    result.violation("a question asked after \(highest) was answered as of \(asOf)")
                }
            default: break
            }
        }
    }

    /// Once a drop is acknowledged, nothing happens any more in the lives that the client knew.
    private static func checkDrops(
        _ operations: [StructureHistory.Operation], _ result: inout CheckResult
    ) {
        let drops = operations.filter { if case .dropped = $0.completion { true } else { false } }
        for drop in drops {
            guard let completed = drop.completed else { continue }
            for operation in operations
            where operation.invoked > completed
                && operation.incarnation.generation <= drop.incarnation.generation
            {
                result.checkedCount += 1
                switch (operation.kind, operation.completion) {
                case (.act, .landed), (.read(_, asOf: nil), .answered), (.status, .status):
                    result.violation("a life of the collection answers after it was dropped")
                default: break
                }
            }
        }
    }
}

extension StructureHistory.Operation {
    /// The revision that the client has seen to be there when this had ended.
    fileprivate var shownRevision: Revision? {
        switch completion {
        case .landed(let landing): landing.position.revision
        case .answered(let reply): reply.viewRevision
        case .status(_, let asOf): asOf
        case .dropped, .notApplied, .unknown: nil
        }
    }
}
