import BlockModel
import BlockRuntime

/// What clients did and were told, with when: all that a checker may look at.
package struct History: Sendable {
    package typealias OperationID = Int

    /// One operation of one client, retries under the same action id included.
    package struct Operation: Sendable {
        package let client: Int
        package let collection: String
        package let kind: Kind
        package let invoked: Instant
        /// nil while the client was told nothing.
        package var completed: Instant?
        package var completion = Completion.unknown
    }

    package enum Kind: Equatable, Sendable {
        /// Appends the value, which is unique in the run.
        case append(String)
        /// The same append sent once more after it was acknowledged: nothing may come of it.
        case again(String)
        /// Reads all entries from one end to the other, as of one revision.
        case read(backward: Bool)
    }

    /// Three-valued: what is known of the effect.
    package enum Completion: Equatable, Sendable {
        case appended(LogPosition)
        /// In the order of the diary, whatever the direction of reading.
        case read([Observation], asOf: Revision)
        /// It certainly had and will have no effect.
        case notApplied(ErrorCode)
        /// It may have had an effect, or may have one later.
        case unknown
    }

    /// One entry as a reader saw it.
    package struct Observation: Hashable, Sendable {
        package let position: LogPosition
        package let value: String
        package init(position: LogPosition, value: String) {
            self.position = position
            self.value = value
        }
    }

    package private(set) var operations: [Operation] = []
    /// What was done with trees and queues.
    package var structures = StructureHistory()
    /// What was done with trees in transactions.
    package var transactions = TransactionHistory()
    /// What was done with custom collections.
    package var customs = CustomHistory()
    /// Creations and drops, of whatever collection.
    package var lives = LivesHistory()
    /// What was done in transactions over several collections.
    package var bank = BankHistory()
    /// Transactions over several trees, all of them taken for one.
    package var spread = TransactionHistory()
    /// Transactions over several collections that hunt for one anomaly.
    package var anomalies = AnomalyHistory()
    /// Attempts that were sent as they are.
    package var attempts = AttemptHistory()

    package init() {}

    package mutating func invoke(
        _ kind: Kind, on collection: String, by client: Int, at now: Instant
    ) -> OperationID {
        operations.append(
            Operation(client: client, collection: collection, kind: kind, invoked: now))
        return operations.count - 1
    }

    package mutating func complete(
        _ id: OperationID, _ completion: Completion, at now: Instant
    ) {
        operations[id].completed = now
        operations[id].completion = completion
    }

    /// The names of the diaries that were worked on, ascending.
    package var collections: [String] { Set(operations.map(\.collection)).sorted() }

    package func operations(on collection: String) -> [Operation] {
        operations.filter { $0.collection == collection }
    }
}

/// What a checker makes of a history.
package struct CheckResult: Equatable, Sendable {
    /// Each a sentence that says which promise was broken, and how. Empty: none was.
    package var violations: [String] = []
    /// What was looked at, to tell a check from a vacuous one.
    package var checkedCount = 0

    package init() {}

    package mutating func violation(_ sentence: String) {
        // A broken run breaks much; the first few say it all.
        if violations.count < 20 { violations.append(sentence) }
    }
}
