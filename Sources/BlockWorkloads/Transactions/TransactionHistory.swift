import BlockModel
import BlockRuntime

/// Transactions over trees, and what became of them.
package struct TransactionHistory: Sendable {
    package typealias TransactionID = Int

    /// What the values of a tree are, and so which checker knows them.
    package enum Workload: String, Hashable, Sendable {
        /// Each value is a list that transactions append unique elements to.
        case lists
        /// Each value is a number that transactions add one to.
        case counters
    }

    package struct Read: Hashable, Sendable {
        package let key: Bytes
        package let value: Bytes?
        package init(key: Bytes, value: Bytes?) {
            self.key = key
            self.value = value
        }
    }

    package struct Write: Hashable, Sendable {
        package let key: Bytes
        /// The element that is appended, or the number that is counted up to.
        package let value: Bytes
        package init(key: Bytes, value: Bytes) {
            self.key = key
            self.value = value
        }
    }

    package enum Outcome: String, Hashable, Sendable {
        case committed
        /// It certainly had and will have no effect.
        case aborted
        /// It may have had its effect, or may have it later.
        case unknown
    }

    /// One attempt: it reads, and then writes, at one moment. What it reads is so at that moment.
    package struct Transaction: Sendable {
        package let client: Int
        package let collection: String
        package let workload: Workload
        package let invoked: Instant
        /// Whether it reads everything there is after all others had ended.
        package let isLast: Bool
        /// nil while the client was told nothing.
        package var completed: Instant?
        package var reads: [Read] = []
        /// In the order in which they take effect.
        package var writes: [Write] = []
        package var outcome = Outcome.unknown
    }

    package private(set) var transactions: [Transaction] = []

    package init() {}

    package mutating func invoke(
        _ workload: Workload, on collection: String, by client: Int, at now: Instant,
        isLast: Bool = false, reads: [Read] = [], writes: [Write] = []
    ) -> TransactionID {
        transactions.append(
            Transaction(
                client: client, collection: collection, workload: workload, invoked: now,
                isLast: isLast, reads: reads, writes: writes))
        return transactions.count - 1
    }

    /// Notes what a transaction has read.
    package mutating func note(_ id: TransactionID, reads: [Read]) {
        transactions[id].reads = reads
    }

    package mutating func complete(_ id: TransactionID, _ outcome: Outcome, at now: Instant) {
        transactions[id].completed = now
        transactions[id].outcome = outcome
    }

    /// The names of the collections that were worked on, ascending.
    package var collections: [String] { Set(transactions.map(\.collection)).sorted() }

    /// Transactions that wrote something and committed.
    package var committedWriteCount: Int {
        transactions.count { $0.outcome == .committed && !$0.writes.isEmpty }
    }

    package func transactions(on collection: String) -> [Transaction] {
        transactions.filter { $0.collection == collection }
    }

    /// What was read of everything at the end; nil when no client did or could.
    package func finalEntries(on collection: String) -> [TreeEntry]? {
        let last = transactions.last {
            $0.collection == collection && $0.isLast && $0.outcome == .committed
        }
        return last?.reads.compactMap { read in
            read.value.map { TreeEntry(key: read.key, value: $0) }
        }
    }
}

/// Checks transactions by what the values of their tree are.
package enum TransactionChecker {
    /// - Parameter final: All entries, read after every operation had ended; nil when they could
    ///   not be read.
    package static func check(
        _ history: TransactionHistory, collection: String, final: [TreeEntry]?
    ) -> CheckResult {
        let transactions = history.transactions(on: collection)
        return switch transactions.first?.workload {
        case .lists?: AppendChecker.check(transactions, final: final)
        case .counters?: CounterChecker.check(transactions, final: final)
        case nil: CheckResult()
        }
    }
}
