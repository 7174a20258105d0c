import BlockModel
import BlockRuntime

/// Checks counters that transactions add one to: no count is lost or made twice, and none goes
/// back, neither for one client nor from one to another.
package enum CounterChecker {
    /// The number of a counter; one that does not exist is at zero.
    package static func number(_ value: Bytes?) -> Int {
        value.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    /// - Parameter final: All counters, read after every operation had ended; nil when they could
    ///   not be read.
    package static func check(
        _ transactions: [TransactionHistory.Transaction], final: [TreeEntry]?
    ) -> CheckResult {
        var result = CheckResult()
        var keys = Set(transactions.flatMap { $0.reads.map(\.key) + $0.writes.map(\.key) })
        keys.formUnion(final?.map(\.key) ?? [])
        let ends = final.map { entries in
            Dictionary(entries.map { ($0.key, number($0.value)) }) { first, _ in first }
        }
        for key in keys.sorted(by: { KeyOrder.compare($0, $1) < 0 }) {
            var counter = Counter(key: key, transactions)
            counter.check(final: ends.map { $0[key] ?? 0 })
            result.checkedCount += counter.result.checkedCount
            for sentence in counter.result.violations { result.violation(sentence) }
        }
        return result
    }
}

/// What happened to one counter.
private struct Counter {
    private struct Sight {
        let client: Int
        let invoked: Instant
        let completed: Instant
        let number: Int
    }

    private struct Count {
        let client: Int
        let invoked: Instant
        let number: Int
        let outcome: TransactionHistory.Outcome
    }

    private let name: String
    /// In the order in which they began.
    private var sights: [Sight] = []
    private var counts: [Count] = []
    var result = CheckResult()

    init(key: Bytes, _ transactions: [TransactionHistory.Transaction]) {
        name = "counter \"\(String(decoding: key, as: UTF8.self))\""
        for transaction in transactions {
            let writes = transaction.writes.filter { $0.key == key }
            counts += writes.map {
                Count(
                    client: transaction.client, invoked: transaction.invoked,
                    number: CounterChecker.number($0.value), outcome: transaction.outcome)
            }
            guard transaction.outcome == .committed, let completed = transaction.completed else {
                continue
            }
            let reads = transaction.reads.filter { $0.key == key }
            // What was counted up is what was read, and one more: only the new number is later.
            let seen = writes.isEmpty ? reads.map(\.value) : writes.map { .some($0.value) }
            sights += seen.map {
                Sight(
                    client: transaction.client, invoked: transaction.invoked,
                    completed: completed, number: CounterChecker.number($0))
            }
            for read in reads where !writes.isEmpty {
                let before = CounterChecker.number(read.value)
                if writes[0].value != Bytes(String(before + 1).utf8) {
                    result.violation("\(name) was counted on from \(before), not by one")
                }
            }
        }
        sights.sort { ($0.invoked, $0.completed) < ($1.invoked, $1.completed) }
    }

    mutating func check(final: Int?) {
        checkCounts(final)
        checkOrder()
        checkCauses()
        guard let final else { return }
        for sight in sights {
            result.checkedCount += 1
            if sight.number > final {
                result.violation("\(name) was seen at \(sight.number), and ends at \(final)")
            }
        }
    }

    private mutating func checkCounts(_ final: Int?) {
        var counted: Set<Int> = []
        for count in counts where count.outcome == .committed {
            result.checkedCount += 1
            if !counted.insert(count.number).inserted {
                result.violation("\(name) was counted to \(count.number) twice: one is lost")
            }
        }
        guard let final else { return }
        if counted.count > 5 { mark("counters.counted") }
        result.checkedCount += 1
        let certain = counts.count { $0.outcome == .committed }
        let possible = certain + counts.count { $0.outcome == .unknown }
        if final < certain || final > possible {
            result.violation(
                "\(name) ends at \(final): \(certain) counts were acknowledged, "
                    + "\(possible - certain) may have been made")
        }
    }

    /// What was seen before something began is the least that it sees.
    private mutating func checkOrder() {
        var byEnd = sights.sorted { $0.completed < $1.completed }[...]
        var highest = 0
        var highestOfClient: [Int: Int] = [:]
        for sight in sights {
            result.checkedCount += 1
            while let ended = byEnd.first, ended.completed < sight.invoked {
                highest = max(highest, ended.number)
                highestOfClient[ended.client] = max(
                    highestOfClient[ended.client] ?? 0, ended.number)
                byEnd.removeFirst()
            }
            if let own = highestOfClient[sight.client], sight.number < own {
                result.violation(
                    "\(name) went back for client \(sight.client), from \(own) to \(sight.number)")
            } else if sight.number < highest {
                result.violation(
                    "\(name) was seen at \(sight.number) after it had been seen at \(highest)")
            }
        }
    }

    /// No more is seen than was counted until then.
    private mutating func checkCauses() {
        let begun = counts.filter { $0.outcome != .aborted }.sorted { $0.invoked < $1.invoked }
        var count = 0
        for sight in sights.sorted(by: { $0.completed < $1.completed }) {
            while count < begun.count, begun[count].invoked <= sight.completed { count += 1 }
            if sight.number > count {
                result.violation(
                    "\(name) was seen at \(sight.number) when \(count) counts had been begun")
            }
        }
    }
}
