import BlockModel
import BlockRuntime

/// Compares the lives that a collection had with the requests to begin and to end them: each life
/// was begun by one creation, which had asked for just that life, and ended by a drop that named
/// it; what was told to have done nothing did nothing, and what was told to be done is.
package enum LivesChecker {
    /// - Parameter lives: All that there were, the oldest first.
    package static func check(
        _ history: LivesHistory, collection: String, lives: [ObservedLife]
    ) -> CheckResult {
        var result = CheckResult()
        let requests = history.requests.filter { $0.collection == collection }
        let creations = Dictionary(
            grouping: requests.filter(\.isCreation), by: \.action)
        let drops = requests.filter { !$0.isCreation }
        checkCreators(lives, creations, &result)
        for tries in creations.values { check(creation: tries, lives, &result) }
        checkEnds(lives, drops, &result)
        for tries in Dictionary(grouping: drops, by: \.action).values {
            check(drop: tries, lives, &result)
        }
        return result
    }

    private static func checkCreators(
        _ lives: [ObservedLife], _ creations: [ActionID: [LivesHistory.Request]],
        _ result: inout CheckResult
    ) {
        var begun: [ActionID: UInt64] = [:]
        for life in lives {
            result.checkedCount += 1
            let generation = life.incarnation.generation
            if lives.contains(where: { $0.incarnation.isRival(of: life.incarnation) }) {
                result.violation("there are two lives \(generation)")
            }
            if let other = begun.updateValue(generation, forKey: life.createdBy) {
                result.violation("lives \(other) and \(generation) were begun by one creation")
            }
            guard let tries = creations[life.createdBy] else {
                result.violation("nobody asked for life \(generation)")
                continue
            }
            if !tries.contains(where: { $0.kind == .create(after: generation - 1) }) {
                result.violation("life \(generation) was begun by a creation of another one")
            }
        }
    }

    private static func check(
        creation tries: [LivesHistory.Request], _ lives: [ObservedLife],
        _ result: inout CheckResult
    ) {
        let own = lives.first { $0.createdBy == tries[0].action }
        let isSaidNever = tries.contains { $0.answer == .never }
        let isNeverBegun = tries.allSatisfy { $0.answer == .notBegun }
        if let own, isSaidNever || isNeverBegun {
            result.violation(
                "a creation was told to have done nothing, and began life "
                    + "\(own.incarnation.generation)")
        }
        for item in tries {
            guard case .life(let incarnation, let creator) = item.answer else { continue }
            result.checkedCount += 1
            guard let life = lives.first(where: { $0.incarnation == incarnation }) else {
                result.violation("a creation was answered by life \(incarnation), which never was")
                continue
            }
            if life.createdBy != creator {
                result.violation(
                    "life \(incarnation.generation) was told to be begun by another creation")
            }
        }
    }

    /// A life ends by a drop that names it, and was sent before any client saw the end.
    private static func checkEnds(
        _ lives: [ObservedLife], _ drops: [LivesHistory.Request], _ result: inout CheckResult
    ) {
        for life in lives where life.isOver {
            result.checkedCount += 1
            let generation = life.incarnation.generation
            let naming = drops.filter { $0.kind == .drop(life.incarnation) }
            if naming.isEmpty {
                result.violation("life \(generation) ended, and nobody dropped it")
            }
            if let droppedBy = life.droppedBy,
                !naming.contains(where: { $0.action == droppedBy })
            {
                result.violation("life \(generation) was ended by a drop of another one")
            }
            let acknowledged = Set(naming.filter { $0.answer == .dropped }.map(\.action))
            if acknowledged.count > 1 {
                result.violation(
                    "\(acknowledged.count) drops were told to have ended life \(generation)")
            }
        }
    }

    private static func check(
        drop tries: [LivesHistory.Request], _ lives: [ObservedLife],
        _ result: inout CheckResult
    ) {
        guard case .drop(let incarnation) = tries[0].kind else { return }
        let generation = incarnation.generation
        let life = lives.first { $0.incarnation == incarnation }
        let isDone = tries.contains { $0.answer == .dropped }
        let isSaidNever = tries.contains { $0.answer == .never }
        if isDone, life.map({ !$0.isOver }) ?? true {
            result.violation("a drop of life \(generation) was acknowledged, and it is not over")
        }
        if isDone, isSaidNever {
            result.violation("a drop of life \(generation) was told to be done, and to do nothing")
        }
        let isNeverBegun = tries.allSatisfy { $0.answer == .notBegun }
        if isSaidNever || isNeverBegun, life?.droppedBy == tries[0].action {
            result.violation("a drop was told to have done nothing, and ended life \(generation)")
        }
    }
}

extension Incarnation {
    /// Whether both cannot be lives of one collection.
    fileprivate func isRival(of other: Incarnation) -> Bool {
        self != other && generation == other.generation
    }
}

extension LivesHistory.Request {
    fileprivate var isCreation: Bool {
        if case .create = kind { true } else { false }
    }
}
