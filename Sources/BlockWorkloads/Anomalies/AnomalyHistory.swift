import BlockModel
import BlockRuntime

/// Transactions over several collections that hunt for one anomaly, and what became of them.
package struct AnomalyHistory: Sendable {
    package typealias TransactionID = Int

    /// Where a value is. In a diary or queue each value is a place of its own, which it names.
    package struct Place: Hashable, Sendable {
        /// By its number in the plan.
        package let collection: Int
        package let key: Bytes

        package init(_ collection: Int, _ key: Bytes) {
            self.collection = collection
            self.key = key
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(collection)
            key.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    package struct Read: Hashable, Sendable {
        package let place: Place
        /// nil: there was none.
        package let value: Bytes?
        /// Of the collection, which it was read as of.
        package let revision: Revision

        package init(_ place: Place, _ value: Bytes?, at revision: Revision) {
            self.place = place
            self.value = value
            self.revision = revision
        }
    }

    package struct Write: Hashable, Sendable {
        package let place: Place
        /// Nowhere else in the run.
        package let value: Bytes

        package init(_ place: Place, _ value: Bytes) {
            self.place = place
            self.value = value
        }
    }

    /// It reads, and then writes, at one moment. What it reads is so at that moment.
    package struct Transaction: Sendable {
        package let client: Int
        package let invoked: Instant
        /// nil while the client was told nothing.
        package var completed: Instant?
        package var reads: [Read]
        package let writes: [Write]
        package var outcome = TransactionHistory.Outcome.unknown
        /// Where its writes landed, by collection, as far as it was told.
        package var revisions: [Int: Revision] = [:]
        /// Whether it reads everything there is after all others had ended.
        package let isLast: Bool
    }

    package private(set) var transactions: [Transaction] = []
    /// The last transaction that was to write each place: what clients know of each other.
    private var writers: [Place: TransactionID] = [:]
    /// The group of places that clients are at, where a group is written once.
    package private(set) var lastGroup = 0

    package init() {}

    package mutating func invoke(
        by client: Int, at now: Instant, reads: [Read] = [], writes: [Write] = [],
        isLast: Bool = false
    ) -> TransactionID {
        let id = transactions.count
        for write in writes { writers[write.place] = id }
        transactions.append(
            Transaction(
                client: client, invoked: now, reads: reads, writes: writes, isLast: isLast))
        return id
    }

    /// Notes what a transaction has read.
    package mutating func note(_ id: TransactionID, reads: [Read]) {
        transactions[id].reads = reads
    }

    package mutating func complete(
        _ id: TransactionID, _ outcome: TransactionHistory.Outcome,
        revisions: [Int: Revision] = [:], at now: Instant
    ) {
        invariant(transactions[id].completed == nil, "a transaction ends twice")
        transactions[id].completed = now
        transactions[id].outcome = outcome
        transactions[id].revisions = revisions
    }

    /// The last transaction that was to write a place; nil before there is one.
    package func writer(of place: Place) -> Transaction? {
        writers[place].map { transactions[$0] }
    }

    /// Clients go on to the next group of places.
    mutating func beginGroup() { lastGroup += 1 }

    /// Transactions that wrote something and committed.
    package var committedWriteCount: Int {
        transactions.count { $0.outcome == .committed && !$0.writes.isEmpty }
    }
}

/// Who wrote what, and what is known to have happened: what all checkers of anomalies begin with.
struct AnomalyOrigins {
    let transactions: [AnomalyHistory.Transaction]
    private var writers: [AnomalyHistory.Write: Int] = [:]
    /// Whether each transaction is known to have had its effect. One of unknown outcome has when
    /// anything of it was seen; then what it read counts, too.
    private(set) var happened: [Bool]

    /// - Parameter result: Is told of values that nobody wrote, that failed, or that were sent
    ///   twice.
    init(_ history: AnomalyHistory, _ result: inout CheckResult) {
        transactions = history.transactions
        happened = transactions.map { $0.outcome == .committed }
        for (number, transaction) in transactions.enumerated() {
            for write in transaction.writes
            where writers.updateValue(number, forKey: write) != nil {
                result.violation("\(text(write.value)) was sent twice: it tells nothing")
            }
        }
        findOut()
        for (number, transaction) in transactions.enumerated() where happened[number] {
            for read in transaction.reads { check(read, of: number, &result) }
        }
    }

    private mutating func findOut() {
        var seen = transactions.indices.filter { happened[$0] }
        while let number = seen.popLast() {
            for read in transactions[number].reads {
                guard let writer = writer(of: read), !happened[writer],
                    transactions[writer].outcome == .unknown
                else { continue }
                happened[writer] = true
                seen.append(writer)
            }
        }
    }

    private func check(
        _ read: AnomalyHistory.Read, of number: Int, _ result: inout CheckResult
    ) {
        result.checkedCount += 1
        guard let value = read.value else { return }
        guard let writer = writer(of: read) else {
            return result.violation(
                "\(name(number)) read \(text(value)) at \(text(read.place)), which nobody wrote "
                    + "there")
        }
        if transactions[writer].outcome == .aborted {
            result.violation(
                "G1a, an aborted read: \(name(number)) read \(text(value)) at "
                    + "\(text(read.place)), written by \(name(writer)), which failed")
        }
    }

    /// The transaction that wrote what was read; nil of nothing, and of what nobody wrote.
    func writer(of read: AnomalyHistory.Read) -> Int? {
        read.value.flatMap { writers[AnomalyHistory.Write(read.place, $0)] }
    }

    /// What was read by transactions that happened, one list for each; those that found nothing
    /// where they looked for everything among them.
    var readings: [(number: Int, reads: [AnomalyHistory.Read])] {
        transactions.indices.filter {
            let transaction = transactions[$0]
            return happened[$0] && (transaction.writes.isEmpty || !transaction.reads.isEmpty)
        }.map { ($0, transactions[$0].reads) }
    }

    // MARK: Words

    func name(_ number: Int) -> String {
        "transaction \(number) of client \(transactions[number].client)"
    }

    func text(_ place: AnomalyHistory.Place) -> String {
        "\(place.collection)/\(text(place.key))"
    }

    func text(_ bytes: Bytes) -> String { "\"\(String(decoding: bytes, as: UTF8.self))\"" }
}
