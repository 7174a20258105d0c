import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Random histories of trees and queues, good ones and ones with one operation broken.
@Suite("The checker of trees and queues, by chance")
struct StructureRandomTests {
    @Test(
        "Good histories are valid, and with one operation broken they are not",
        arguments: [CollectionKind.tree, .queue])
    func random(kind: CollectionKind) {
        var generator = SeededGenerator(seed: kind == .tree ? 13 : 14)
        var flaggedCount = 0
        for _ in 0..<1000 {
            let good = RandomStructure(kind, &generator)
            #expect(good.result.violations == [])
            var broken = good
            broken.breakOne(&generator)
            if !broken.result.violations.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990)
    }
}

/// A random history of one tree or queue and the log behind it, by a model of its own.
private struct RandomStructure {
    private struct Operation {
        var kind: StructureHistory.Kind
        let invoked: Instant
        var completed: Instant?
        var completion = StructureHistory.Completion.unknown
    }

    private let kind: CollectionKind
    private var operations: [Operation] = []
    private var entries: [[Action]] = []
    private var map: [UInt8: UInt8] = [:]
    private var list: [UInt8] = []
    private var lastValue: UInt8 = 0

    private static let collection = CollectionID(name: "x")
    private static let incarnation = Incarnation(generation: 1, nonce: .zero)

    /// Operations of four clients, each with an instant at which it happens.
    init(_ kind: CollectionKind, _ generator: inout SeededGenerator) {
        self.kind = kind
        var drafts: [(happens: Int64, begins: Int64, ends: Int64)] = []
        for _ in 0..<4 {
            var time = Int64(0)
            for _ in 0..<(3 + generator.below(6)) {
                let begins = time + 1 + Int64(generator.below(40))
                let happens = begins + Int64(generator.below(30))
                let ends = happens + 1 + Int64(generator.below(30))
                drafts.append((happens, begins, ends))
                time = ends
            }
        }
        drafts.sort { ($0.happens, $0.begins) < ($1.happens, $1.begins) }
        for (number, draft) in drafts.enumerated() {
            // The first two land whatever happens, so that there is something to break.
            let isRead = number >= 2 && generator.chance(1, in: 3)
            let isAcknowledged = number < 2 || generator.chance(9, in: 10)
            var operation =
                isRead ? read(&generator, draft) : act(UInt64(number + 1), &generator, draft)
            if !isRead, !isAcknowledged {
                operation.completed = nil
                operation.completion = .unknown
            }
            operations.append(operation)
        }
    }

    private var revision: Revision { Revision(UInt64(entries.count)) }

    private mutating func act(
        _ id: UInt64, _ generator: inout SeededGenerator,
        _ draft: (happens: Int64, begins: Int64, ends: Int64)
    ) -> Operation {
        lastValue += 1
        let key = UInt8(generator.below(5))
        let content: ActionContent
        let outcome: ActionOutcome
        switch (kind, generator.below(3)) {
        case (.tree, 0):
            content = .tree(TreeAction(operations: [.delete(key: [key])]))
            outcome = .tree(.applied(existed: [map.removeValue(forKey: key) != nil]))
        case (.tree, _):
            content = .tree(TreeAction(operations: [.put(key: [key], value: [lastValue])]))
            outcome = .tree(.applied(existed: [map.updateValue(lastValue, forKey: key) != nil]))
        case (_, 0):
            let count = min(2, list.count)
            content = .queue(.dequeue(countMax: 2))
            outcome = .queue(.dequeued(list.prefix(count).map { [$0] }))
            list.removeFirst(count)
        default:
            content = .queue(.enqueue([[lastValue]]))
            outcome = .queue(.enqueued)
            list.append(lastValue)
        }
        let action = ActionID(rawValue: Identifier128(UInt128(id)))
        entries.append([Action(id: action, bytes: content.bytes, outcome: outcome.bytes)])
        let landing = ActionLanding(
            position: LogPosition(revision: revision, index: 0), outcome: outcome)
        let request = ActionRequest(
            collection: Self.collection, incarnation: Self.incarnation, action: action,
            firstRevision: .zero, content: content)
        return Operation(
            kind: .act(request), invoked: Instant(nanoseconds: draft.begins),
            completed: Instant(nanoseconds: draft.ends), completion: .landed(landing))
    }

    private func read(
        _ generator: inout SeededGenerator,
        _ draft: (happens: Int64, begins: Int64, ends: Int64)
    ) -> Operation {
        let key = UInt8(generator.below(5))
        let query: StructureQuery
        let reply: ClientReply
        switch (kind, generator.below(2)) {
        case (.tree, 0):
            query = .tree(.values([[key]]))
            reply = .treeValues(TreeValues(values: [map[key].map { [$0] }], asOf: revision))
        case (.tree, _):
            query = .tree(.count(.all))
            reply = .count(UInt64(map.count), asOf: revision)
        case (_, 0):
            query = .queue(.peek(countMax: 50))
            reply = .queueValues(QueueValues(values: list.map { [$0] }, asOf: revision))
        default:
            query = .queue(.count)
            reply = .count(UInt64(list.count), asOf: revision)
        }
        return Operation(
            kind: .read(query, asOf: nil), invoked: Instant(nanoseconds: draft.begins),
            completed: Instant(nanoseconds: draft.ends), completion: .answered(reply))
    }

    var result: CheckResult {
        var history = StructureHistory()
        for operation in operations {
            let id = history.invoke(
                operation.kind, on: "x", Self.incarnation, by: 1, at: operation.invoked)
            if let completed = operation.completed {
                history.complete(id, operation.completion, at: completed)
            }
        }
        let log = StructureLog(incarnation: Self.incarnation, kind: kind, entries: entries)
        return StructureChecker.check(history, collection: "x", logs: [log])
    }

    /// Breaks one operation, or what became of it.
    mutating func breakOne(_ generator: inout SeededGenerator) {
        let landed = operations.indices.filter {
            if case .landed = operations[$0].completion { true } else { false }
        }
        let victim = landed[generator.below(landed.count)]
        guard case .landed(let landing) = operations[victim].completion,
            case .act(let request) = operations[victim].kind
        else { return }
        let place = Int(landing.position.revision.rawValue) - 1
        switch generator.below(7) {
        case 0: entries.remove(at: place)
        case 1: entries.append(entries[place])
        case 2: operations[victim].completion = .notApplied(.deadlineExceeded)
        case 3:
            let next = LogPosition(revision: landing.position.revision.next, index: 0)
            operations[victim].completion = .landed(
                ActionLanding(position: next, outcome: landing.outcome))
        case 4:
            // The log has another action under that id.
            let other: ActionContent =
                kind == .tree
                ? .tree(TreeAction(operations: [.put(key: [77], value: [77])]))
                : .queue(.enqueue([[77]]))
            entries[place] = [
                Action(id: request.action, bytes: other.bytes, outcome: landing.outcome.bytes)
            ]
        case 5:
            // Told otherwise than the log has it.
            let told: ActionOutcome =
                kind == .tree
                ? .tree(.conflict(check: 0)) : .queue(.dequeued([[99]]))
            operations[victim].completion = .landed(
                ActionLanding(position: landing.position, outcome: told))
        default:
            // Somebody reads, after everything, what was there before.
            let query: StructureQuery = kind == .tree ? .tree(.count(.all)) : .queue(.count)
            operations.append(
                Operation(
                    kind: .read(query, asOf: nil), invoked: Instant(nanoseconds: 1_000_000),
                    completed: Instant(nanoseconds: 1_000_001),
                    completion: .answered(.count(0, asOf: .zero))))
        }
    }
}
