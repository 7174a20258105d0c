import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// A history of one diary, and what is in it at the end.
struct DiaryScene {
    private struct Operation {
        let kind: History.Kind
        let invoked: Instant
        var completed: Instant?
        var completion = History.Completion.unknown
    }

    private var operations: [Operation] = []
    var final: [History.Observation] = []
    private var clock: Int64 = 0

    static func position(_ revision: UInt64, _ index: UInt32) -> LogPosition {
        LogPosition(revision: Revision(revision), index: index)
    }

    private mutating func now() -> Instant {
        clock += 1
        return Instant(nanoseconds: clock)
    }

    // MARK: By hand

    mutating func begin(_ kind: History.Kind) -> Int {
        operations.append(Operation(kind: kind, invoked: now()))
        return operations.count - 1
    }

    mutating func end(_ id: Int, _ completion: History.Completion) {
        operations[id].completed = now()
        operations[id].completion = completion
    }

    mutating func put(_ value: String, at revision: UInt64, _ index: UInt32) {
        final.append(
            History.Observation(position: Self.position(revision, index), value: value))
    }

    /// An append that lands and is acknowledged.
    mutating func append(_ value: String, at revision: UInt64, _ index: UInt32) {
        let id = begin(.append(value))
        put(value, at: revision, index)
        end(id, .appended(Self.position(revision, index)))
    }

    /// A read of what there is up to a revision, unless it is said to see something else.
    mutating func read(asOf revision: UInt64, _ seen: [History.Observation]? = nil) {
        let id = begin(.read(backward: false))
        let right = final.filter { $0.position.revision <= Revision(revision) }
        end(id, .read(seen ?? right, asOf: Revision(revision)))
    }

    // MARK: Checks

    private var history: History {
        var history = History()
        for operation in operations {
            let id = history.invoke(operation.kind, on: "x", by: 1, at: operation.invoked)
            if let completed = operation.completed {
                history.complete(id, operation.completion, at: completed)
            }
        }
        return history
    }

    var order: CheckResult { DiaryChecker.check(history, collection: "x", final: final) }
    var set: CheckResult { SetChecker.check(history, collection: "x", final: final) }

    func expectValid(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(order.violations == [], sourceLocation: sourceLocation)
        #expect(set.violations == [], sourceLocation: sourceLocation)
    }

    /// - Parameters:
    ///   - order: A part of what the checker of the order says; nil when it has nothing to say.
    ///   - set: Likewise the checker of the set.
    func expect(
        order: String?, set: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (part, result) in [(order, self.order), (set, self.set)] {
            if let part {
                #expect(
                    result.violations.contains { $0.contains(part) }, "\(result.violations)",
                    sourceLocation: sourceLocation)
            } else {
                #expect(result.violations == [], sourceLocation: sourceLocation)
            }
        }
    }

    // MARK: By chance

    /// Appends and reads of four clients, each with an instant at which it happens.
    static func drawn(from generator: inout SeededGenerator) -> DiaryScene {
        var scene = DiaryScene()
        var drafts: [(happens: Int64, begins: Int64, ends: Int64)] = []
        for _ in 0..<4 {
            var time = Int64(0)
            for _ in 0..<(3 + generator.below(8)) {
                let begins = time + 1 + Int64(generator.below(40))
                let happens = begins + Int64(generator.below(30))
                let ends = happens + 1 + Int64(generator.below(30))
                drafts.append((happens, begins, ends))
                time = ends
            }
        }
        drafts.sort { ($0.happens, $0.begins) < ($1.happens, $1.begins) }
        var place = position(0, 0)
        for (number, draft) in drafts.enumerated() {
            var operation = Operation(
                kind: .append("v\(number)"), invoked: Instant(nanoseconds: draft.begins),
                completed: Instant(nanoseconds: draft.ends))
            // The first two land whatever happens, so that there is something to break.
            switch number < 2 ? 9 : generator.below(10) {
            case 0: operation.completion = .notApplied(.deadlineExceeded)
            case 1, 2:
                operation = Operation(
                    kind: .read(backward: false), invoked: operation.invoked,
                    completed: operation.completed,
                    completion: .read(scene.final, asOf: place.revision))
            case 3 where generator.chance(1, in: 2): operation.completed = nil
            default:
                // Some share an entry; those of one entry are not seen apart.
                place = LogPosition(revision: place.revision.next, index: 0)
                scene.final.append(History.Observation(position: place, value: "v\(number)"))
                if generator.chance(1, in: 10) {
                    operation.completed = nil
                } else {
                    operation.completion = .appended(place)
                }
            }
            scene.operations.append(operation)
        }
        return scene
    }

    /// Breaks one operation, or what became of it.
    /// - Returns: Whether the diary as a set is broken by it, too.
    mutating func breakOne(_ generator: inout SeededGenerator) -> Bool {
        let landed = operations.indices.filter {
            if case .appended = operations[$0].completion { true } else { false }
        }
        let victim = landed[generator.below(landed.count)]
        guard case .append(let value) = operations[victim].kind,
            case .appended(let position) = operations[victim].completion,
            let place = final.firstIndex(where: { $0.value == value })
        else { return false }
        switch generator.below(7) {
        case 0:
            final.remove(at: place)
            return true
        case 1:
            operations[victim].completion = .notApplied(.quorumUnavailable)
            return true
        case 2:
            final[place] = History.Observation(position: position, value: "nobody's")
            return true
        case 3:
            let next = LogPosition(
                revision: final[final.count - 1].position.revision.next, index: 0)
            final.append(History.Observation(position: next, value: value))
        case 4:
            operations[victim].completion = .appended(
                LogPosition(revision: position.revision.next, index: 0))
        case 5:
            let other = (place + 1) % final.count
            let moved = final[other].value
            final[other] = History.Observation(position: final[other].position, value: value)
            final[place] = History.Observation(position: position, value: moved)
        default:
            // Somebody reads, after everything, what was there before the last entry.
            let last = final[final.count - 1].position.revision
            let seen = Array(final.dropLast())
            operations.append(
                Operation(
                    kind: .read(backward: true), invoked: Instant(nanoseconds: 1_000_000),
                    completed: Instant(nanoseconds: 1_000_001),
                    completion: .read(seen, asOf: generator.chance(1, in: 2) ? last : .zero)))
        }
        return false
    }
}
