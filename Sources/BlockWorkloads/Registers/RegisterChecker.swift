import BlockModel
import BlockRuntime

/// Checks registers for linearizability: is there one order of the operations that respects real
/// time and in which each observes what the ones before it left?
///
/// All orders are followed at once, in the manner of Wing and Gong, event by event: a configuration
/// is the value together with the operations that are under way and have taken effect already. When
/// an operation ends, only configurations in which it has taken effect stay; none left is the proof
/// that there is no order. An operation of unknown outcome never ends, and may never take effect.
package enum RegisterChecker {
    package enum Verdict: Equatable, Sendable {
        case linearizable
        /// No order explains what the operation of this number was told, and those before it.
        case violation(operation: Int)
        /// There are too many orders to follow.
        case undecided
    }

    /// Configurations followed at once. Histories of one key are short and hardly concurrent: more
    /// than a few hundred are not seen.
    private static let configurationCountMax = 20_000

    /// Checks every key of every life of a tree on its own: linearizability is local.
    package static func check(
        _ history: StructureHistory, collection: String
    ) -> CheckResult {
        var result = CheckResult()
        let operations = history.operations.filter { $0.collection == collection }
        let lives = Dictionary(grouping: operations, by: \.incarnation)
        for (life, operations) in lives {
            let histories = RegisterHistory.ofKeys(operations)
            for (key, register) in histories.sorted(by: {
                $0.key.lexicographicallyPrecedes($1.key)
            }) {
                switch check(register) {
                case .linearizable: result.checkedCount += register.operations.count
                case .violation(let number):
                    result.violation(
                        "key \(ByteText.hex(key)) in life \(life) is not linearizable: no order "
                            + "explains operation \(number), \(register.operations[number])")
                case .undecided: mark("registerChecker.undecided")
                }
            }
        }
        return result
    }

    /// Checks one register, which holds nothing at first.
    /// - Complexity: Exponential in the operations that are under way at one time, else linear.
    package static func check(_ history: RegisterHistory) -> Verdict {
        let operations = history.operations
        // Of each value once: it is compared in every order.
        let hashes = operations.map(\.effect.hash)
        var configurations: Set<Configuration> = [Configuration(value: nil, taken: [])]
        var pending: [Int] = []
        for event in events(of: operations) {
            guard event.isEnd else {
                pending.append(event.operation)
                continue
            }
            expand(&configurations, pending, operations, hashes)
            if configurations.count > configurationCountMax { return .undecided }
            pending.removeAll { $0 == event.operation }
            configurations = reduced(configurations, endOf: event.operation, operations)
            if configurations.isEmpty { return .violation(operation: event.operation) }
        }
        return .linearizable
    }

    // MARK: Configurations

    private struct Configuration: Hashable {
        var value: Bytes?
        /// Of the value.
        var valueHash: TreeValueHash?
        /// Operations under way that have taken effect.
        var taken: Set<Int>
        /// Whether the value comes from an operation that never ends, and was not observed yet. If
        /// no operation observes it, it may as well not have taken effect; so it takes effect just
        /// before one does.
        var isOwed = false

        func hash(into hasher: inout Hasher) {
            hasher.combine(valueHash)
            hasher.combine(mixed(taken))
        }

        static func == (left: Configuration, right: Configuration) -> Bool {
            left.valueHash == right.valueHash && left.isOwed == right.isOwed
                && left.taken == right.taken
        }
    }

    private struct Event {
        let instant: Instant
        let operation: Int
        let isEnd: Bool
    }

    /// Beginnings come before ends of the same instant: such operations overlap.
    private static func events(of operations: [RegisterHistory.Operation]) -> [Event] {
        var events: [Event] = []
        for (number, operation) in operations.enumerated() {
            events.append(Event(instant: operation.invoked, operation: number, isEnd: false))
            if let completed = operation.completed {
                events.append(Event(instant: completed, operation: number, isEnd: true))
            }
        }
        return events.sorted {
            ($0.instant, $0.isEnd ? 1 : 0, $0.operation)
                < ($1.instant, $1.isEnd ? 1 : 0, $1.operation)
        }
    }

    /// Adds every configuration that pending operations can lead to, in whatever order.
    private static func expand(
        _ configurations: inout Set<Configuration>, _ pending: [Int],
        _ operations: [RegisterHistory.Operation], _ hashes: [TreeValueHash?]
    ) {
        var frontier = Array(configurations)
        while let current = frontier.popLast(), configurations.count <= configurationCountMax {
            for number in pending where !current.taken.contains(number) {
                let operation = operations[number]
                let holds = operation.observations.allSatisfy {
                    $0.holds(current.value, current.valueHash)
                }
                guard holds else { continue }
                if current.isOwed, operation.observations.isEmpty { continue }
                let isEndless = operation.completed == nil
                // Without effect or end, it changes nothing whether it takes place.
                if operation.effect == .none, isEndless { continue }
                var next = current
                next.value = operation.effect.applied(to: current.value)
                if operation.effect != .none { next.valueHash = hashes[number] }
                next.taken.insert(number)
                next.isOwed = isEndless
                if configurations.insert(next).inserted { frontier.append(next) }
            }
        }
    }

    /// Those in which the operation has taken effect, without those that others make needless: with
    /// the same value, and more operations of unknown outcome used up.
    private static func reduced(
        _ configurations: Set<Configuration>, endOf number: Int,
        _ operations: [RegisterHistory.Operation]
    ) -> Set<Configuration> {
        struct Group: Hashable {
            let value: Bytes?
            let valueHash: TreeValueHash?
            let ending: Set<Int>

            func hash(into hasher: inout Hasher) {
                hasher.combine(valueHash)
                hasher.combine(mixed(ending))
            }
        }
        var kept: [Group: [Set<Int>]] = [:]
        for configuration in configurations
        where configuration.taken.contains(number) && !configuration.isOwed {
            var taken = configuration.taken
            taken.remove(number)
            let endless = taken.filter { operations[$0].completed == nil }
            let group = Group(
                value: configuration.value, valueHash: configuration.valueHash,
                ending: taken.subtracting(endless))
            var others = kept[group] ?? []
            if others.contains(where: { $0.isSubset(of: endless) }) { continue }
            others.removeAll { endless.isSubset(of: $0) }
            kept[group] = others + [endless]
        }
        var result: Set<Configuration> = []
        for (group, endlessSets) in kept {
            for endless in endlessSets {
                result.insert(
                    Configuration(
                        value: group.value, valueHash: group.valueHash,
                        taken: group.ending.union(endless)))
            }
        }
        return result
    }
}

/// The numbers of a set in one, whatever their order: cheaper than the hash of the set.
private func mixed(_ numbers: Set<Int>) -> Int {
    numbers.reduce(numbers.count) { $0 ^ ($1 &+ 1) &* 0x2545_F491_4F6C_DD1D }
}
