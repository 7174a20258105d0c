import BlockModel
import BlockRuntime

/// What all clients did with one key, and what they were told: the history of a register that holds
/// a value or nothing.
package struct RegisterHistory: Sendable {
    /// What an operation says of the value before it.
    package enum Observation: Hashable, Sendable {
        case nothing
        case value(Bytes?)
        /// A value with this hash.
        case hash(TreeValueHash)
        case present
        case not(TreeValueHash)

        /// - Parameter known: The hash of `value`.
        func holds(_ value: Bytes?, _ known: TreeValueHash?) -> Bool {
            switch self {
            case .nothing: true
            case .value(let seen): value == seen
            case .hash(let hash): known == hash
            case .present: value != nil
            case .not(let hash): known != hash
            }
        }
    }

    /// What an operation does to the value.
    package enum Effect: Hashable, Sendable {
        case none
        case set(Bytes)
        case remove

        func applied(to value: Bytes?) -> Bytes? {
            switch self {
            case .none: value
            case .set(let new): new
            case .remove: nil
            }
        }

        /// The hash of what it sets.
        var hash: TreeValueHash? {
            if case .set(let new) = self { TreeValueHash(new) } else { nil }
        }
    }

    /// One operation: at one instant between its invocation and its completion everything that it
    /// observed holds and its effect happens.
    package struct Operation: Sendable {
        package let invoked: Instant
        /// nil: it happens at any time after ``invoked``, or never.
        package let completed: Instant?
        package let observations: [Observation]
        package let effect: Effect

        package init(
            invoked: Instant, completed: Instant?, observations: [Observation] = [],
            effect: Effect = .none
        ) {
            self.invoked = invoked
            self.completed = completed
            self.observations = observations
            self.effect = effect
        }
    }

    package var operations: [Operation]

    package init(_ operations: [Operation] = []) { self.operations = operations }
}

extension RegisterHistory {
    /// The registers of one life of a tree, by key: what its clients did and were told, without
    /// the log. What an action does with several keys is one operation on each of them.
    ///
    /// - Parameter operations: Of one life.
    package static func ofKeys(
        _ operations: [StructureHistory.Operation]
    ) -> [Bytes: RegisterHistory] {
        var histories: [Bytes: RegisterHistory] = [:]
        for operation in operations {
            for (key, step) in steps(operation) {
                histories[key, default: RegisterHistory()].operations.append(step)
            }
        }
        return histories
    }

    private static func steps(
        _ operation: StructureHistory.Operation
    ) -> [(key: Bytes, step: Operation)] {
        switch (operation.kind, operation.completion) {
        case (.act(let request), .landed(let landing)):
            guard case .tree(let action) = request.content,
                case .tree(let outcome) = landing.outcome
            else { return [] }
            return steps(action, outcome, operation)
        case (.act(let request), .unknown):
            guard case .tree(let action) = request.content else { return [] }
            return steps(action, nil, operation)
        case (.read(.tree(.values(let keys)), asOf: nil), .answered(.treeValues(let answer))):
            return zip(keys, answer.values).map {
                ($0, read(.value($1), operation))
            }
        case (.read(.tree(.range), asOf: nil), .answered(.treePage(let page))):
            return page.entries.map { ($0.key, read(.value($0.value), operation)) }
        default: return []
        }
    }

    private static func read(
        _ observation: Observation, _ operation: StructureHistory.Operation
    ) -> Operation {
        Operation(
            invoked: operation.invoked, completed: operation.completed,
            observations: [observation])
    }

    /// - Parameter outcome: nil when it is not known: nothing was observed then but what has to
    ///   hold if there is to be an effect.
    private static func steps(
        _ action: TreeAction, _ outcome: TreeOutcome?, _ operation: StructureHistory.Operation
    ) -> [(key: Bytes, step: Operation)] {
        if case .conflict(let failed)? = outcome {
            guard Int(failed) < action.checks.count,
                let (key, observation) = action.checks[Int(failed)].refuted
            else { return [] }
            return [(key, read(observation, operation))]
        }
        var existed: [Bool] = []
        if case .applied(let told)? = outcome { existed = told }
        let completed = outcome == nil ? nil : operation.completed
        var observations: [Bytes: [Observation]] = [:]
        var effects: [Bytes: Effect] = [:]
        for check in action.checks {
            if let (key, observation) = check.held {
                observations[key, default: []].append(observation)
            }
        }
        for (place, change) in action.operations.enumerated() {
            let key: Bytes
            let effect: Effect
            switch change {
            case .put(let changed, let value): (key, effect) = (changed, .set(value))
            case .delete(let changed): (key, effect) = (changed, .remove)
            }
            // Of several changes of one key in one action, the first tells what was before.
            if effects.updateValue(effect, forKey: key) == nil, place < existed.count {
                observations[key, default: []].append(existed[place] ? .present : .value(nil))
            }
        }
        let keys = Set(observations.keys).union(effects.keys)
        return keys.map { key in
            let step = Operation(
                invoked: operation.invoked, completed: completed,
                observations: observations[key] ?? [], effect: effects[key] ?? .none)
            return (key, step)
        }
    }
}

extension TreeCheck {
    /// What it says of one key when it holds; nil for a range.
    fileprivate var held: (key: Bytes, observation: RegisterHistory.Observation)? {
        switch self {
        case .value(let key, let hash?): (key, .hash(hash))
        case .value(let key, nil): (key, .value(nil))
        case .present(let key): (key, .present)
        case .range: nil
        }
    }

    /// What it says of one key when it does not hold.
    fileprivate var refuted: (key: Bytes, observation: RegisterHistory.Observation)? {
        switch self {
        case .value(let key, let hash?): (key, .not(hash))
        case .value(let key, nil): (key, .present)
        case .present(let key): (key, .value(nil))
        case .range: nil
        }
    }
}
