import BlockModel
import BlockRuntime
import BlockWire
import BlockWorkloads
import Foundation

/// A ``ChaosRecord`` as text: one JSON object a line, for people and for `chaos check`.
///
/// Requests and replies of trees and queues are kept as they went over the wire, in hex.
package enum HistoryFile {
    /// One line. What it holds depends on its type.
    struct Line: Codable {
        enum LineType: String, Codable {
            /// One operation of a diary, of a tree or queue; one transaction; the final log of a
            /// collection.
            case diary, structure, transaction, log
            /// One action of a custom collection; one read of a local snapshot; one try of an
            /// attempt.
            case custom, snapshot, attempt
            /// One try to begin or to end a life; one life that clients were told of.
            case life, seen
        }

        var type: LineType
        var collection: String
        var client: Int?
        /// Nanoseconds of the monotonic clock of the run.
        var invoked: Int64?
        var completed: Int64?
        /// What was asked, in a word.
        var operation: String?
        var value: String?
        /// What became of it, in a word.
        var outcome: String?
        var code: UInt32?
        var revision: UInt64?
        var index: UInt32?
        var asOf: UInt64?
        var read: [Seen]?
        var request: String?
        var reply: String?
        var kind: UInt8?
        /// Of an action: the request's own, and that which began a life.
        var action: String?
        var creator: String?
        var generation: UInt64?
        var nonce: String?
        var entries: [[Logged]]?
        var payloads: [Payload]?
        var session: Int?
        var isLast: Bool?
        var reads: [KeyValue]?
        var writes: [KeyValue]?

        init(_ type: LineType, _ collection: String) {
            self.type = type
            self.collection = collection
        }
    }

    struct Seen: Codable {
        let revision: UInt64
        let index: UInt32
        let value: String
    }

    struct Logged: Codable {
        let action: String
        let bytes: String
        let outcome: String
    }

    struct Payload: Codable {
        let action: String
        let execution: UInt32

        init(_ payload: PayloadID) {
            action = ByteText.hex(payload.action.rawValue.bytes)
            execution = payload.execution
        }
    }

    /// In hex.
    struct KeyValue: Codable {
        let key: String
        var value: String?
    }

    // MARK: Writing

    package static func text(of record: ChaosRecord) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines =
            record.history.operations.map(line) + record.history.structures.operations.map(line)
            + record.history.transactions.transactions.map(line)
            + record.history.customs.records.map(line) + record.history.customs.readings.map(line)
            + record.history.attempts.tries.map(line) + lines(of: record.history.lives)
            + record.logs.sorted { $0.key < $1.key }.map { line($0.key, $0.value) }
        return try lines.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
            .joined()
    }

    private static func line(_ operation: History.Operation) -> Line {
        var line = Line(.diary, operation.collection)
        line.client = operation.client
        line.invoked = operation.invoked.nanoseconds
        line.completed = operation.completed?.nanoseconds
        switch operation.kind {
        case .append(let value):
            line.operation = "append"
            line.value = value
        case .again(let value):
            line.operation = "again"
            line.value = value
        case .read(let isBackward): line.operation = isBackward ? "readBackward" : "read"
        }
        switch operation.completion {
        case .appended(let position):
            line.outcome = "appended"
            line.revision = position.revision.rawValue
            line.index = position.index
        case .read(let entries, let asOf):
            line.outcome = "answered"
            line.asOf = asOf.rawValue
            line.read = entries.map {
                Seen(
                    revision: $0.position.revision.rawValue, index: $0.position.index,
                    value: $0.value)
            }
        case .notApplied(let code):
            line.outcome = "notApplied"
            line.code = code.rawValue
        case .unknown: line.outcome = "unknown"
        }
        return line
    }

    private static func line(_ operation: StructureHistory.Operation) -> Line {
        var line = Line(.structure, operation.collection)
        line.client = operation.client
        line.invoked = operation.invoked.nanoseconds
        line.completed = operation.completed?.nanoseconds
        line.generation = operation.incarnation.generation
        line.nonce = ByteText.hex(operation.incarnation.nonce.bytes)
        let (word, request) = asked(operation)
        line.operation = word
        line.request = ByteText.hex(Wire.encode(request))
        switch operation.completion {
        case .landed(let landing): line.set("landed", .acted(landing))
        case .answered(let reply): line.set("answered", reply)
        case .status(let landing, let asOf):
            line.set("status", .actionStatus(landing, asOf: asOf))
        case .dropped: line.outcome = "dropped"
        case .notApplied(let code):
            line.outcome = "notApplied"
            line.code = code.rawValue
        case .unknown: line.outcome = "unknown"
        }
        return line
    }

    private static func line(_ transaction: TransactionHistory.Transaction) -> Line {
        var line = Line(.transaction, transaction.collection)
        line.client = transaction.client
        line.invoked = transaction.invoked.nanoseconds
        line.completed = transaction.completed?.nanoseconds
        line.operation = transaction.workload.rawValue
        line.isLast = transaction.isLast
        line.outcome = transaction.outcome.rawValue
        line.reads = transaction.reads.map {
            KeyValue(key: ByteText.hex($0.key), value: $0.value.map { ByteText.hex($0) })
        }
        line.writes = transaction.writes.map {
            KeyValue(key: ByteText.hex($0.key), value: ByteText.hex($0.value))
        }
        return line
    }

    private static func asked(
        _ operation: StructureHistory.Operation
    ) -> (word: String, ClientRequest) {
        let collection = CollectionID(name: operation.collection)
        switch operation.kind {
        case .act(let request): return ("act", .act(request))
        case .again(let request): return ("again", .act(request))
        case .status(let request): return ("status", .actionStatus(request))
        case .drop:
            return (
                "drop",
                .dropCollection(
                    DropCollection(
                        collection: collection, incarnation: operation.incarnation,
                        action: ActionID(rawValue: .zero)))
            )
        case .read(.tree(let query), let asOf):
            let request = TreeReadRequest(
                collection: collection, incarnation: operation.incarnation, asOf: asOf,
                query: query)
            return ("read", .readTree(request))
        case .read(.queue(let query), let asOf):
            let request = QueueReadRequest(
                collection: collection, incarnation: operation.incarnation, asOf: asOf,
                query: query)
            return ("read", .readQueue(request))
        }
    }

    private static func line(_ collection: String, _ log: ChaosRecord.FinalLog) -> Line {
        var line = Line(.log, collection)
        line.kind = log.kind.rawValue
        line.generation = log.incarnation.generation
        line.nonce = ByteText.hex(log.incarnation.nonce.bytes)
        line.payloads = log.payloads.map(Payload.init)
        line.creator = log.createdBy.map { ByteText.hex($0.rawValue.bytes) }
        line.entries = log.entries.map { actions in
            actions.map {
                Logged(
                    action: ByteText.hex($0.id.rawValue.bytes), bytes: ByteText.hex($0.bytes),
                    outcome: ByteText.hex($0.outcome))
            }
        }
        return line
    }
}

extension HistoryFile.Line {
    fileprivate mutating func set(_ outcome: String, _ reply: ClientReply) {
        self.outcome = outcome
        self.reply = ByteText.hex(Wire.encode(reply))
    }
}
