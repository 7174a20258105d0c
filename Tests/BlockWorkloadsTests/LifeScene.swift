import BlockModel
import BlockRuntime
import BlockWorkloads

/// A random history of a tree or queue that is dropped and created again, whose past is read again
/// and whose actions are sent again, and the logs behind it.
struct LifeScene {
    struct Operation {
        var kind: StructureHistory.Kind
        var incarnation: Incarnation
        let invoked: Instant
        var completed: Instant?
        var completion = StructureHistory.Completion.unknown

        /// Whether it was answered by the life as it was then.
        var isOfNow: Bool {
            switch (kind, completion) {
            case (.act, .landed), (.read(_, asOf: nil), .answered): true
            default: false
            }
        }
    }

    private static let collection = CollectionID(name: "x")

    let kind: CollectionKind
    var operations: [Operation] = []
    /// The entries of each life.
    var logs: [(incarnation: Incarnation, entries: [[Action]])] = []
    /// What each life held at each revision.
    private var states: [[[Bytes]]] = []
    private var lastValue = 0
    private var lastAction: UInt64 = 0

    init(_ kind: CollectionKind, _ generator: inout SeededGenerator) {
        self.kind = kind
        beginLife()
        for times in TransactionTimes.drawn(10, &generator) {
            let drawn = draw(&generator)
            let isAcknowledged = generator.chance(9, in: 10)
            operations.append(
                Operation(
                    kind: drawn.kind, incarnation: drawn.life,
                    invoked: Instant(nanoseconds: times.begins),
                    completed: isAcknowledged ? Instant(nanoseconds: times.ends) : nil,
                    completion: isAcknowledged ? drawn.completion : .unknown))
        }
    }

    private typealias Drawn = (
        kind: StructureHistory.Kind, life: Incarnation, completion: StructureHistory.Completion
    )

    private var life: Incarnation { logs[logs.count - 1].incarnation }
    private var state: [Bytes] { states[states.count - 1].last ?? [] }
    private var revision: Revision { Revision(UInt64(logs[logs.count - 1].entries.count)) }

    private mutating func beginLife() {
        let generation = UInt64(logs.count + 1)
        logs.append(
            (Incarnation(generation: generation, nonce: Identifier128(UInt128(generation))), []))
        states.append([[]])
    }

    private mutating func draw(_ generator: inout SeededGenerator) -> Drawn {
        switch generator.below(12) {
        case 0:
            let dropped = life
            beginLife()
            return (.drop, dropped, .dropped)
        case 1, 2:
            if let again = drawAgain(&generator) { return again }
        case 3, 4:
            if let past = drawPast(&generator) { return past }
        case 5...7: return read(logs.count - 1, revision, asOf: nil)
        default: break
        }
        return act(&generator)
    }

    private mutating func act(_ generator: inout SeededGenerator) -> Drawn {
        lastValue += 1
        lastAction += 1
        let value = Bytes("v\(lastValue)".utf8)
        var held = state
        let content: ActionContent
        let outcome: ActionOutcome
        if kind == .tree {
            // Every key is set once: what is seen grows.
            content = .tree(TreeAction(operations: [.put(key: value, value: value)]))
            outcome = .tree(.applied(existed: [false]))
            held.append(value)
        } else if generator.chance(2, in: 5) {
            let count = min(2, held.count)
            content = .queue(.dequeue(countMax: 2))
            outcome = .queue(.dequeued(Array(held.prefix(count))))
            held.removeFirst(count)
        } else {
            let other = Bytes("w\(lastValue)".utf8)
            content = .queue(.enqueue([value, other]))
            outcome = .queue(.enqueued)
            held += [value, other]
        }
        let action = ActionID(rawValue: Identifier128(UInt128(lastAction)))
        logs[logs.count - 1].entries.append(
            [Action(id: action, bytes: content.bytes, outcome: outcome.bytes)])
        states[states.count - 1].append(held)
        let request = ActionRequest(
            collection: Self.collection, incarnation: life, action: action, firstRevision: .zero,
            content: content)
        let position = LogPosition(revision: revision, index: 0)
        return (
            .act(request), life, .landed(ActionLanding(position: position, outcome: outcome))
        )
    }

    private func drawAgain(_ generator: inout SeededGenerator) -> Drawn? {
        let earlier = operations[...].filter {
            if case .act = $0.kind, case .landed = $0.completion {
                $0.incarnation == life
            } else {
                false
            }
        }
        guard !earlier.isEmpty else { return nil }
        let operation = earlier[generator.below(earlier.count)]
        guard case .act(let request) = operation.kind else { return nil }
        return (.again(request), life, operation.completion)
    }

    private func drawPast(_ generator: inout SeededGenerator) -> Drawn? {
        let earlier = operations.filter {
            if case .read = $0.kind, case .answered = $0.completion { true } else { false }
        }
        guard !earlier.isEmpty else { return nil }
        let operation = earlier[generator.below(earlier.count)]
        guard case .answered(let reply) = operation.completion, let asOf = reply.viewRevision,
            let number = logs.firstIndex(where: { $0.incarnation == operation.incarnation })
        else { return nil }
        return read(number, asOf, asOf: asOf)
    }

    private func read(_ number: Int, _ revision: Revision, asOf: Revision?) -> Drawn {
        let held = states[number][Int(revision.rawValue)]
        let query: StructureQuery
        let reply: ClientReply
        if kind == .tree {
            query = .tree(.range(.all, .forward, bytesMax: 1 << 20, countMax: 100))
            let ascending = held.sorted { $0.lexicographicallyPrecedes($1) }
            let entries = ascending.map { TreeEntry(key: $0, value: $0) }
            reply = .treePage(TreePage(entries: entries, asOf: revision, isLast: true))
        } else {
            query = .queue(.peek(countMax: 100))
            reply = .queueValues(QueueValues(values: held, asOf: revision))
        }
        return (.read(query, asOf: asOf), logs[number].incarnation, .answered(reply))
    }

    // MARK: Checks

    private var history: StructureHistory {
        var history = StructureHistory()
        for operation in operations {
            let id = history.invoke(
                operation.kind, on: "x", operation.incarnation, by: 1, at: operation.invoked)
            if let completed = operation.completed {
                history.complete(id, operation.completion, at: completed)
            }
        }
        return history
    }

    var lives: [String] { LifeChecker.check(history, collection: "x").violations }
    var past: [String] { PastChecker.check(history, collection: "x").violations }

    var once: [String] {
        let logs = logs.map {
            StructureLog(incarnation: $0.incarnation, kind: kind, entries: $0.entries)
        }
        return OnceChecker.check(history, collection: "x", logs: logs).violations
    }

    var delivery: [String] {
        let remaining = Dictionary(
            uniqueKeysWithValues: zip(logs.map(\.incarnation), states.map { $0.last ?? [] }))
        return DeliveryChecker.check(history, collection: "x", remaining: remaining).violations
    }

    // MARK: Breaking

    /// One of the operations that are such.
    func any(
        _ generator: inout SeededGenerator, _ isSuch: (Operation) -> Bool
    ) -> Int? {
        let such = operations.indices.filter { isSuch(operations[$0]) }
        return such.isEmpty ? nil : such[generator.below(such.count)]
    }

    /// An answer of an earlier life when a later one had answered, or a value of another life.
    mutating func breakLife(_ generator: inout SeededGenerator) -> Bool {
        switch generator.below(4) {
        case 0:
            guard
                let late = any(
                    &generator,
                    { operation in
                        operation.isOfNow && operation.incarnation.generation > 1
                            && operations.contains {
                                $0.isOfNow && $0.incarnation == operation.incarnation
                                    && $0.completed ?? .distantFuture < operation.invoked
                            }
                    })
            else { return false }
            operations[late].incarnation = logs[0].incarnation
        case 1:
            // An answer after the drop.
            guard
                let late = any(
                    &generator,
                    { operation in
                        operation.isOfNow
                            && operations.contains {
                                guard case .dropped = $0.completion else { return false }
                                return $0.incarnation.generation + 1
                                    == operation.incarnation.generation
                                    && $0.completed ?? .distantFuture < operation.invoked
                            }
                    })
            else { return false }
            operations[late].incarnation =
                logs[Int(operations[late].incarnation.generation) - 2].incarnation
        case 2:
            guard
                let read = any(
                    &generator,
                    { if case .answered = $0.completion { true } else { false } })
            else { return false }
            let life = operations[read].incarnation
            let foreign = operations.lazy.compactMap { operation -> Bytes? in
                guard case .act(let request) = operation.kind, operation.incarnation != life,
                    case .tree(let action) = request.content,
                    case .put(let key, _)? = action.operations.first
                else { return nil }
                return key
            }.first
            let value = foreign ?? Bytes("nobody's".utf8)
            operations[read].completion = .answered(
                .treePage(
                    TreePage(
                        entries: [TreeEntry(key: value, value: value)], asOf: .zero, isLast: true))
            )
        default:
            guard let twin = any(&generator, { $0.isOfNow }) else { return false }
            let life = operations[twin].incarnation
            let others = operations.filter { $0.isOfNow && $0.incarnation == life }
            guard others.count > 1 else { return false }
            operations[twin].incarnation = Incarnation(
                generation: life.generation, nonce: Identifier128(99))
        }
        return true
    }

    /// Another answer to a question that was asked before.
    mutating func breakPast(_ generator: inout SeededGenerator) -> Bool {
        guard
            let again = any(
                &generator,
                {
                    guard case .read(_, .some) = $0.kind, case .answered = $0.completion else {
                        return false
                    }
                    return true
                }), case .answered(let reply) = operations[again].completion,
            let asOf = reply.viewRevision
        else { return false }
        var values: [Bytes]
        switch reply {
        case .treePage(let page): values = page.entries.map(\.value)
        case .queueValues(let answer): values = answer.values
        default: return false
        }
        switch generator.below(3) {
        case 0: values.insert(Bytes("0".utf8), at: 0)
        case 1 where values.count > 1: values.removeFirst()
        case 2 where values.count > 1: values.swapAt(0, values.count - 1)
        default: return false
        }
        let changed: ClientReply =
            kind == .tree
            ? .treePage(
                TreePage(
                    entries: values.map { TreeEntry(key: $0, value: $0) }, asOf: asOf,
                    isLast: true))
            : .queueValues(QueueValues(values: values, asOf: asOf))
        operations[again].completion = .answered(changed)
        return true
    }

    /// An action at two places, at none although acknowledged, or refused and there.
    mutating func breakOnce(_ generator: inout SeededGenerator) -> Bool {
        guard
            let victim = any(
                &generator,
                { if case .landed = $0.completion { true } else { false } }),
            case .landed(let landing) = operations[victim].completion,
            let log = logs.firstIndex(where: {
                $0.incarnation == operations[victim].incarnation
            })
        else { return false }
        let place = Int(landing.position.revision.rawValue) - 1
        switch generator.below(4) {
        case 0: logs[log].entries.append(logs[log].entries[place])
        case 1: logs[log].entries[place] = []
        case 2:
            guard case .act = operations[victim].kind else { return false }
            operations[victim].completion = .notApplied(.deadlineExceeded)
        default:
            guard case .again = operations[victim].kind else { return false }
            let next = LogPosition(revision: landing.position.revision.next, index: 0)
            operations[victim].completion = .landed(
                ActionLanding(position: next, outcome: landing.outcome))
        }
        return true
    }

    /// A value delivered twice, never, or out of turn.
    mutating func breakDelivery(_ generator: inout SeededGenerator) -> Bool {
        guard
            let victim = any(
                &generator,
                {
                    guard case .act = $0.kind, case .landed(let landing) = $0.completion,
                        case .queue(.dequeued(let values)) = landing.outcome
                    else { return false }
                    return !values.isEmpty
                }),
            case .landed(let landing) = operations[victim].completion,
            case .act(let request) = operations[victim].kind,
            case .queue(.dequeued(var values)) = landing.outcome
        else { return false }
        switch generator.below(4) {
        case 0:
            // Lost, and there is nobody who may have taken it; others are told no more of it.
            guard
                !operations.contains(where: {
                    if case .act(let request) = $0.kind, case .unknown = $0.completion,
                        case .queue(.dequeue) = request.content
                    {
                        true
                    } else {
                        false
                    }
                }), isAcknowledged(values[0])
            else { return false }
            values.removeFirst()
        case 1: values.append(values[0])
        case 2: values.append(Bytes("nobody's".utf8))
        default:
            guard let other = states[Int(request.incarnation.generation) - 1].last?.last else {
                return false
            }
            values.append(other)
        }
        let told = ActionLanding(
            position: landing.position, outcome: .queue(.dequeued(values)))
        for number in operations.indices {
            switch operations[number].kind {
            case .act(let other), .again(let other):
                if other.action == request.action { operations[number].completion = .landed(told) }
            default: break
            }
        }
        return true
    }

    private func isAcknowledged(_ value: Bytes) -> Bool {
        operations.contains {
            guard case .act(let request) = $0.kind, case .landed = $0.completion,
                case .queue(.enqueue(let values)) = request.content
            else { return false }
            return values.contains(value)
        }
    }
}
