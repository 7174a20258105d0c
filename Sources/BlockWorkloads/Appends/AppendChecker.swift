import BlockModel
import BlockRuntime

/// Checks list-append transactions for strict serializability, by what clients saw alone: the
/// lists themselves say in which order their elements came, and so which transaction must have
/// come before which. A circle of that is an anomaly.
///
/// The method is that of Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from
/// Experimental Observations" (VLDB 2020).
package enum AppendChecker {
    /// - Parameter final: The lists, read after every operation had ended; nil when they could not
    ///   be read.
    /// - Complexity: Linear in the lists that were read, where no order is broken.
    package static func check(
        _ transactions: [TransactionHistory.Transaction], final: [TreeEntry]?
    ) -> CheckResult {
        var analysis = AppendAnalysis(transactions, final: final)
        return analysis.run()
    }
}

/// One check of one collection.
private struct AppendAnalysis {
    private struct Element: Hashable {
        let key: Bytes
        let value: Bytes

        func hash(into hasher: inout Hasher) {
            key.withUnsafeBytes { hasher.combine(bytes: $0) }
            value.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    /// Where an element comes from.
    private struct Origin {
        let transaction: Int
        /// Whether the same transaction appends more to the same key after it.
        var isIntermediate: Bool
    }

    private struct Observation {
        /// nil: the last read of everything.
        let reader: Int?
        let key: Bytes
        let elements: [Bytes]
    }

    private let transactions: [TransactionHistory.Transaction]
    private let final: [Bytes: [Bytes]]?
    private var origins: [Element: Origin] = [:]
    private var observations: [Observation] = []
    /// The versions of each key, as the longest list that was seen has them.
    private var orders: [Bytes: [Bytes]] = [:]
    /// Keys of which lists were seen that agree on no order.
    private var disordered: Set<Bytes> = []
    /// Whether each transaction is known to have had its effect.
    private var happened: [Bool] = []
    private var result = CheckResult()

    init(_ transactions: [TransactionHistory.Transaction], final: [TreeEntry]?) {
        self.transactions = transactions
        self.final = final.map {
            Dictionary($0.map { ($0.key, ElementList.elements($0.value)) }) { first, _ in first }
        }
    }

    mutating func run() -> CheckResult {
        traceElements()
        findOut()
        observe()
        for observation in observations { check(observation) }
        findOrders()
        checkEffects()
        if transactions.contains(where: { $0.outcome == .aborted && !$0.writes.isEmpty }) {
            mark("lists.conflict")
        }
        for cycle in DependencyCycle.all(in: graph()) { report(cycle) }
        return result
    }

    private func name(_ transaction: Int) -> String {
        "transaction \(transaction) of client \(transactions[transaction].client)"
    }

    private func text(_ bytes: Bytes) -> String { "\"\(String(decoding: bytes, as: UTF8.self))\"" }

    // MARK: Elements

    private mutating func traceElements() {
        for (number, transaction) in transactions.enumerated() {
            var last: [Bytes: Element] = [:]
            for write in transaction.writes {
                let element = Element(key: write.key, value: write.value)
                if let earlier = last.updateValue(element, forKey: write.key) {
                    origins[earlier]?.isIntermediate = true
                }
                let origin = Origin(transaction: number, isIntermediate: false)
                if origins.updateValue(origin, forKey: element) != nil {
                    result.violation("\(text(write.value)) was sent twice: it tells nothing")
                }
            }
        }
    }

    /// A transaction of unknown outcome of which anything was seen has happened: then what it read
    /// counts, too, for that is a condition of its action.
    private mutating func findOut() {
        happened = transactions.map { $0.outcome == .committed }
        var lists: [(Bytes, [Bytes])] = final?.map { ($0.key, $0.value) } ?? []
        for transaction in transactions where transaction.outcome == .committed {
            lists += transaction.reads.map { ($0.key, ElementList.elements($0.value)) }
        }
        while let (key, elements) = lists.popLast() {
            for value in elements {
                guard let origin = origins[Element(key: key, value: value)] else { continue }
                let number = origin.transaction
                if transactions[number].outcome == .unknown, !happened[number] {
                    mark("lists.unknownHappened")
                    happened[number] = true
                    lists += transactions[number].reads.map {
                        ($0.key, ElementList.elements($0.value))
                    }
                }
            }
        }
    }

    private mutating func observe() {
        for (number, transaction) in transactions.enumerated() where happened[number] {
            var seen: [Bytes: Bytes?] = [:]
            for read in transaction.reads {
                if let earlier = seen.updateValue(read.value, forKey: read.key) {
                    if earlier != read.value {
                        result.violation(
                            "internal: \(name(number)) read \(text(read.key)) twice and saw two "
                                + "lists")
                    }
                    continue
                }
                observations.append(
                    Observation(
                        reader: number, key: read.key, elements: ElementList.elements(read.value)))
            }
        }
        for (key, elements) in (final ?? [:]).sorted(by: { KeyOrder.compare($0.key, $1.key) < 0 }) {
            observations.append(Observation(reader: nil, key: key, elements: elements))
        }
    }

    // MARK: Single reads

    private mutating func check(_ observation: Observation) {
        result.checkedCount += 1
        let reader = observation.reader.map { name($0) } ?? "the last read"
        let key = text(observation.key)
        var seen: Set<Bytes> = []
        for value in observation.elements {
            if !seen.insert(value).inserted {
                result.violation("duplicate: \(reader) saw \(text(value)) twice in \(key)")
            }
            guard let origin = origins[Element(key: observation.key, value: value)] else {
                result.violation(
                    "\(reader) saw \(text(value)) in \(key), which nobody appended to it")
                continue
            }
            if transactions[origin.transaction].outcome == .aborted {
                result.violation(
                    "G1a, an aborted read: \(reader) saw \(text(value)) in \(key), appended by "
                        + "\(name(origin.transaction)), which failed")
            }
        }
        if let last = observation.elements.last,
            let origin = origins[Element(key: observation.key, value: last)],
            origin.isIntermediate
        {
            result.violation(
                "G1b, an intermediate read: \(reader) saw \(key) end in \(text(last)), after "
                    + "which \(name(origin.transaction)) appends more to it")
        }
    }

    // MARK: Versions

    private mutating func findOrders() {
        for observation in observations
        where observation.elements.count > orders[observation.key]?.count ?? 0 {
            orders[observation.key] = observation.elements
        }
        for observation in observations {
            let order = orders[observation.key] ?? []
            if order.prefix(observation.elements.count) == observation.elements[...] { continue }
            disordered.insert(observation.key)
            let reader = observation.reader.map { name($0) } ?? "the last read"
            result.violation(
                "incompatible order: \(reader) saw \(observation.elements.count) elements in "
                    + "\(text(observation.key)) that the longest list does not begin with")
        }
    }

    /// Everything acknowledged is there at the end, and a transaction is there as a whole.
    private mutating func checkEffects() {
        guard let final else { return }
        let present = final.mapValues { Set($0) }
        for (number, transaction) in transactions.enumerated() where happened[number] {
            for write in transaction.writes {
                result.checkedCount += 1
                if present[write.key]?.contains(write.value) == true { continue }
                let reason =
                    transaction.outcome == .committed ? "was acknowledged" : "had its effect"
                result.violation(
                    "lost append: \(name(number)) \(reason), and \(text(write.value)) is not in "
                        + "\(text(write.key))")
            }
        }
    }

    // MARK: Dependencies

    private func graph() -> DependencyGraph {
        var graph = DependencyGraph(transactionCount: transactions.count)
        func origin(_ key: Bytes, _ value: Bytes) -> Int? {
            let origin = origins[Element(key: key, value: value)]?.transaction
            return origin.flatMap { happened[$0] ? $0 : nil }
        }
        let keys = orders.keys.filter { !disordered.contains($0) }
            .sorted { KeyOrder.compare($0, $1) < 0 }
        let numbers = Dictionary(uniqueKeysWithValues: zip(keys, keys.indices))
        for (number, key) in keys.enumerated() {
            let order = orders[key] ?? []
            for (earlier, later) in zip(order, order.dropFirst()) {
                guard let from = origin(key, earlier), let to = origin(key, later) else { continue }
                graph.connect(from, to, .writeWrite, key: number)
            }
        }
        for observation in observations {
            guard let reader = observation.reader, !disordered.contains(observation.key) else {
                continue
            }
            let order = orders[observation.key] ?? []
            let count = observation.elements.count
            if count > 0, let writer = origin(observation.key, order[count - 1]) {
                graph.connect(writer, reader, .writeRead, key: numbers[observation.key])
            }
            if count < order.count, let writer = origin(observation.key, order[count]) {
                graph.connect(reader, writer, .readWrite, key: numbers[observation.key])
            }
        }
        graph.connectRealTime(
            transactions.enumerated().map { number, transaction in
                guard happened[number] else { return nil }
                let completed = transaction.outcome == .committed ? transaction.completed : nil
                return (transaction.invoked, completed)
            })
        graph.seal()
        return graph
    }

    private mutating func report(_ cycle: DependencyCycle) {
        let keys = orders.keys.filter { !disordered.contains($0) }
            .sorted { KeyOrder.compare($0, $1) < 0 }
        var steps: [String] = []
        for edge in cycle.edges where edge.to < transactions.count {
            let key = edge.key.map { text(keys[$0]) } ?? ""
            switch edge.reason {
            case .writeWrite: steps.append("is written over in \(key) by \(name(edge.to))")
            case .writeRead: steps.append("is read in \(key) by \(name(edge.to))")
            case .readWrite: steps.append("did not see in \(key) \(name(edge.to))")
            case .realTime: steps.append("had ended before \(name(edge.to)) began")
            }
        }
        result.violation(
            "\(cycle.anomaly.rawValue): \(name(cycle.edges[0].from)) "
                + steps.joined(separator: ", which "))
    }
}
