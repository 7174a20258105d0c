import BlockModel
import BlockRuntime
import BlockWorkloads

/// A hand-made history of transactions, and what is there at the end.
struct TransactionScene: Sendable {
    /// One transaction; a value is written as it is kept: `a,b` is a list of two elements.
    struct Step: Sendable {
        let from: Int64
        /// nil: nobody was told anything.
        let to: Int64?
        let outcome: TransactionHistory.Outcome
        let client: Int
        var reads: [TransactionHistory.Read]
        var writes: [TransactionHistory.Write]

        init(
            _ from: Int64, _ to: Int64?, client: Int = 1,
            _ outcome: TransactionHistory.Outcome = .committed,
            reads: KeyValuePairs<String, String> = [:],
            writes: KeyValuePairs<String, String> = [:]
        ) {
            self.from = from
            self.to = to
            self.outcome = outcome
            self.client = client
            self.reads = reads.map {
                TransactionHistory.Read(
                    key: Bytes($0.utf8), value: $1.isEmpty ? nil : Bytes($1.utf8))
            }
            self.writes = writes.map {
                TransactionHistory.Write(key: Bytes($0.utf8), value: Bytes($1.utf8))
            }
        }
    }

    var workload: TransactionHistory.Workload
    var steps: [Step]
    var final: [TreeEntry]?

    init(
        _ workload: TransactionHistory.Workload, _ steps: [Step],
        final: KeyValuePairs<String, String>?
    ) {
        self.workload = workload
        self.steps = steps
        self.final = final.map { pairs in
            pairs.map { TreeEntry(key: Bytes($0.utf8), value: Bytes($1.utf8)) }
        }
    }

    var result: CheckResult {
        var history = TransactionHistory()
        for step in steps {
            let id = history.invoke(
                workload, on: "x", by: step.client, at: Instant(nanoseconds: step.from),
                reads: step.reads, writes: step.writes)
            guard let to = step.to else { continue }
            history.complete(id, step.outcome, at: Instant(nanoseconds: to))
        }
        return TransactionChecker.check(history, collection: "x", final: final)
    }
}

/// When random transactions of four clients begin, happen and end, in the order in which they
/// happen.
struct TransactionTimes {
    let client: Int
    let begins: Int64
    let happens: Int64
    let ends: Int64

    static func drawn(_ countMax: Int, _ generator: inout SeededGenerator) -> [TransactionTimes] {
        var times: [TransactionTimes] = []
        for client in 0..<4 {
            var time = Int64(0)
            for _ in 0..<(3 + generator.below(countMax)) {
                let begins = time + 1 + Int64(generator.below(40))
                let happens = begins + Int64(generator.below(30))
                let ends = happens + 1 + Int64(generator.below(30))
                times.append(
                    TransactionTimes(
                        client: client, begins: begins, happens: happens, ends: ends))
                time = ends
            }
        }
        return times.sorted { ($0.happens, $0.begins) < ($1.happens, $1.begins) }
    }
}
