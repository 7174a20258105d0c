import BlockModel
import BlockRuntime

/// Checks a queue by what clients were told alone: each value is delivered once, none is lost, and
/// what was put in first comes out first.
package enum DeliveryChecker {
    /// - Parameter remaining: What is left in each life at the end, for the lives of which it is
    ///   known.
    package static func check(
        _ history: StructureHistory, collection: String, remaining: [Incarnation: [Bytes]]
    ) -> CheckResult {
        var result = CheckResult()
        let operations = history.operations.filter { $0.collection == collection }
        let lives = Dictionary(grouping: operations, by: \.incarnation)
        for (life, operations) in lives.sorted(by: {
            ($0.key.generation, $0.key.nonce) < ($1.key.generation, $1.key.nonce)
        }) {
            var queue = Deliveries(operations)
            queue.check(remaining: remaining[life])
            result.checkedCount += queue.result.checkedCount
            for sentence in queue.result.violations { result.violation(sentence) }
        }
        return result
    }
}

/// One life of a queue.
private struct Deliveries {
    private struct Sending {
        let invoked: Instant
        /// nil: not acknowledged.
        let completed: Instant?
        let isRefused: Bool
    }

    private struct Delivery {
        let action: ActionID
        /// Its place among the values taken at once.
        let place: Int
        let invoked: Instant
        let completed: Instant
    }

    private var sendings: [Bytes: Sending] = [:]
    /// The values of each action that put some in, in their order.
    private var batches: [[Bytes]] = []
    private var deliveries: [Bytes: Delivery] = [:]
    /// When each action was sent first: a client that asks for its fate later learns what it did
    /// then.
    private var firstSendings: [ActionID: Instant] = [:]
    /// Values that may have been taken by clients that were not told what they were.
    private var untoldCountMax = 0
    var result = CheckResult()

    init(_ operations: [StructureHistory.Operation]) {
        var taken: Set<ActionID> = []
        var untold: [ActionID: Int] = [:]
        for operation in operations {
            switch operation.kind {
            case .act(let request):
                firstSendings[request.action] = min(
                    operation.invoked, firstSendings[request.action] ?? .distantFuture)
                if case .queue(.enqueue(let values)) = request.content { send(values, operation) }
                if case .queue(.dequeue(let countMax)) = request.content,
                    case .unknown = operation.completion
                {
                    untold[request.action] = Int(countMax)
                }
                take(operation, request.action, &taken)
            case .again(let request): take(operation, request.action, &taken)
            case .status(let question): take(operation, question.action, &taken)
            case .read, .drop: break
            }
        }
        untoldCountMax = untold.reduce(0) { $0 + (taken.contains($1.key) ? 0 : $1.value) }
    }

    private mutating func send(_ values: [Bytes], _ operation: StructureHistory.Operation) {
        var completed: Instant?
        var isRefused = false
        switch operation.completion {
        case .landed: completed = operation.completed
        case .notApplied: isRefused = true
        default: break
        }
        batches.append(values)
        for value in values {
            sendings[value] = Sending(
                invoked: operation.invoked, completed: completed, isRefused: isRefused)
        }
    }

    private mutating func take(
        _ operation: StructureHistory.Operation, _ action: ActionID, _ taken: inout Set<ActionID>
    ) {
        let landing: ActionLanding
        switch operation.completion {
        case .landed(let told), .status(let told?, _): landing = told
        default: return
        }
        guard case .queue(.dequeued(let values)) = landing.outcome,
            let completed = operation.completed
        else { return }
        guard taken.insert(action).inserted else { return }
        for (place, value) in values.enumerated() {
            let delivery = Delivery(
                action: action, place: place,
                invoked: firstSendings[action] ?? operation.invoked, completed: completed)
            if deliveries.updateValue(delivery, forKey: value) != nil {
                result.violation("\(text(value)) was delivered twice")
            }
        }
    }

    private func text(_ value: Bytes) -> String {
        "\"\(String(decoding: value.prefix(20), as: UTF8.self))\""
    }

    // MARK: Checks

    mutating func check(remaining: [Bytes]?) {
        if !deliveries.isEmpty { mark("queue.delivered") }
        for value in deliveries.keys.sorted(by: { KeyOrder.compare($0, $1) < 0 }) {
            checkSource(of: value, "was delivered")
        }
        let left = Set(remaining ?? [])
        if let remaining {
            if left.count < remaining.count { result.violation("a value is left twice") }
            for value in remaining {
                checkSource(of: value, "is left")
                if deliveries[value] != nil {
                    result.violation("\(text(value)) was delivered, and is left")
                }
            }
            checkLosses(left)
        }
        checkOrder(left)
        for batch in batches { checkOrder(of: batch) }
    }

    private mutating func checkSource(of value: Bytes, _ what: String) {
        result.checkedCount += 1
        guard let sending = sendings[value] else {
            return result.violation("\(text(value)) \(what), and nobody put it in")
        }
        if sending.isRefused { result.violation("\(text(value)) \(what), and was refused") }
    }

    private mutating func checkLosses(_ left: Set<Bytes>) {
        let missing = sendings.filter { value, sending in
            sending.completed != nil && deliveries[value] == nil && !left.contains(value)
        }.keys.sorted { KeyOrder.compare($0, $1) < 0 }
        guard let first = missing.first, missing.count > untoldCountMax else { return }
        result.violation(
            "\(missing.count) values were put in and are neither delivered nor left, "
                + "\(text(first)) among them; \(untoldCountMax) may have been delivered to nobody")
    }

    /// Of two values one was in before the other was sent: then it does not come out after it.
    private mutating func checkOrder(_ left: Set<Bytes>) {
        struct Passage {
            let value: Bytes
            let sent: Instant
            let isIn: Instant?
            /// Earliest and latest moment at which it came out.
            let outEarliest: Instant
            let outLatest: Instant
        }
        let passages = sendings.compactMap { value, sending -> Passage? in
            let delivery = deliveries[value]
            guard delivery != nil || left.contains(value) else { return nil }
            return Passage(
                value: value, sent: sending.invoked, isIn: sending.completed,
                outEarliest: delivery?.invoked ?? .distantFuture,
                outLatest: delivery?.completed ?? .distantFuture)
        }
        let byIn = passages.compactMap { passage in passage.isIn.map { ($0, passage) } }
            .sorted { $0.0 < $1.0 }
        var next = 0
        var latest: Passage?
        for passage in passages.sorted(by: { ($0.sent, $0.outLatest) < ($1.sent, $1.outLatest) }) {
            result.checkedCount += 1
            while next < byIn.count, byIn[next].0 < passage.sent {
                if latest.map({ $0.outEarliest < byIn[next].1.outEarliest }) ?? true {
                    latest = byIn[next].1
                }
                next += 1
            }
            if let latest, passage.outLatest < latest.outEarliest {
                result.violation("\(text(passage.value)) came out before \(text(latest.value))")
            }
        }
    }

    /// What was put in at once comes out in that order.
    private mutating func checkOrder(of batch: [Bytes]) {
        for (first, second) in zip(batch, batch.dropFirst()) {
            guard let first = deliveries[first], let later = deliveries[second] else { continue }
            result.checkedCount += 1
            let isSwapped =
                first.action == later.action
                ? later.place < first.place : later.completed < first.invoked
            if isSwapped { result.violation("\(text(second)) came out before its predecessor") }
        }
    }
}
