import BlockModel
import BlockRuntime
import BlockWire
import BlockWorkloads
import Foundation

extension HistoryFile {
    /// - Throws: `.valueUndecodable` naming the line that cannot be read.
    package static func record(in text: String) throws(DatabaseError) -> ChaosRecord {
        var record = ChaosRecord()
        let decoder = JSONDecoder()
        for (number, line) in text.split(separator: "\n").enumerated() {
            let parsed = try? decoder.decode(Line.self, from: Data(line.utf8))
            guard let parsed, add(parsed, to: &record) else {
                throw DatabaseError(
                    .valueUndecodable,
                    "line \(number + 1) is not one of a history: \(line.prefix(200))")
            }
        }
        return record
    }

    /// - Returns: Whether the line has what its type needs.
    private static func add(_ line: Line, to record: inout ChaosRecord) -> Bool {
        switch line.type {
        case .log:
            guard let log = log(line) else { return false }
            record.logs[line.collection] = log
        case .diary:
            guard let client = line.client, let invoked = line.invoked,
                let kind = diaryKind(line), let completion = diaryCompletion(line)
            else { return false }
            let id = record.history.invoke(
                kind, on: line.collection, by: client, at: Instant(nanoseconds: invoked))
            if let completed = line.completed {
                record.history.complete(id, completion, at: Instant(nanoseconds: completed))
            }
        case .structure:
            guard let client = line.client, let invoked = line.invoked,
                let incarnation = incarnation(line), let kind = structureKind(line),
                let completion = structureCompletion(line)
            else { return false }
            let id = record.history.structures.invoke(
                kind, on: line.collection, incarnation, by: client,
                at: Instant(nanoseconds: invoked))
            if let completed = line.completed {
                record.history.structures.complete(
                    id, completion, at: Instant(nanoseconds: completed))
            }
        case .transaction: return addTransaction(line, to: &record)
        case .custom: return addCustom(line, to: &record)
        case .snapshot: return addSnapshot(line, to: &record)
        case .attempt: return addAttempt(line, to: &record)
        case .life: return addLife(line, to: &record)
        case .seen: return addSeen(line, to: &record)
        }
        return true
    }

    private static func addTransaction(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let client = line.client, let invoked = line.invoked, let isLast = line.isLast,
            let workload = line.operation.flatMap(TransactionHistory.Workload.init),
            let outcome = line.outcome.flatMap(TransactionHistory.Outcome.init),
            let reads = line.reads, let writes = line.writes
        else { return false }
        func bytes(_ text: String?) -> Bytes? { text.flatMap { ByteText.bytes(hex: $0) } }
        let read = reads.compactMap { pair -> TransactionHistory.Read? in
            let value = bytes(pair.value)
            guard let key = bytes(pair.key), (value == nil) == (pair.value == nil) else {
                return nil
            }
            return TransactionHistory.Read(key: key, value: value)
        }
        let written = writes.compactMap { pair -> TransactionHistory.Write? in
            guard let key = bytes(pair.key), let value = bytes(pair.value) else { return nil }
            return TransactionHistory.Write(key: key, value: value)
        }
        guard read.count == reads.count, written.count == writes.count else { return false }
        let id = record.history.transactions.invoke(
            workload, on: line.collection, by: client, at: Instant(nanoseconds: invoked),
            isLast: isLast, reads: read, writes: written)
        if let completed = line.completed {
            record.history.transactions.complete(
                id, outcome, at: Instant(nanoseconds: completed))
        }
        return true
    }

    private static func diaryKind(_ line: Line) -> History.Kind? {
        switch (line.operation, line.value) {
        case ("append", let value?): .append(value)
        case ("again", let value?): .again(value)
        case ("read", nil): .read(backward: false)
        case ("readBackward", nil): .read(backward: true)
        default: nil
        }
    }

    private static func diaryCompletion(_ line: Line) -> History.Completion? {
        switch line.outcome {
        case "appended":
            guard let revision = line.revision, let index = line.index else { return nil }
            return .appended(LogPosition(revision: Revision(revision), index: index))
        case "answered":
            guard let read = line.read, let asOf = line.asOf else { return nil }
            let entries = read.map {
                History.Observation(
                    position: LogPosition(revision: Revision($0.revision), index: $0.index),
                    value: $0.value)
            }
            return .read(entries, asOf: Revision(asOf))
        case "notApplied": return line.code.map { .notApplied(ErrorCode(rawValue: $0)) }
        case "unknown": return .unknown
        default: return nil
        }
    }

    private static func structureKind(_ line: Line) -> StructureHistory.Kind? {
        guard let bytes = line.request.flatMap({ ByteText.bytes(hex: $0) }),
            let request = try? Wire.decodeClientRequest(bytes)
        else { return nil }
        return switch request {
        case .act(let request): line.operation == "again" ? .again(request) : .act(request)
        case .actionStatus(let request): .status(request)
        case .dropCollection: .drop
        case .readTree(let request): .read(.tree(request.query), asOf: request.asOf)
        case .readQueue(let request): .read(.queue(request.query), asOf: request.asOf)
        default: nil
        }
    }

    private static func structureCompletion(_ line: Line) -> StructureHistory.Completion? {
        switch (line.outcome, reply(line)) {
        case ("landed", .acted(let landing)?): .landed(landing)
        case ("answered", let reply?): .answered(reply)
        case ("status", .actionStatus(let landing, let asOf)?): .status(landing, asOf: asOf)
        case ("dropped", nil): .dropped
        case ("notApplied", nil): line.code.map { .notApplied(ErrorCode(rawValue: $0)) }
        case ("unknown", nil): .unknown
        default: nil
        }
    }

    private static func reply(_ line: Line) -> ClientReply? {
        guard let bytes = line.reply.flatMap({ ByteText.bytes(hex: $0) }) else { return nil }
        return try? Wire.decodeClientReply(bytes)
    }

    static func incarnation(_ line: Line) -> Incarnation? {
        guard let generation = line.generation,
            let nonce = line.nonce.flatMap({ ByteText.bytes(hex: $0) }),
            let identifier = Identifier128(nonce)
        else { return nil }
        return Incarnation(generation: generation, nonce: identifier)
    }

    private static func log(_ line: Line) -> ChaosRecord.FinalLog? {
        guard let kind = line.kind.flatMap({ CollectionKind(rawValue: $0) }),
            let incarnation = incarnation(line), let lines = line.entries,
            let payloads = line.payloads?.compactMap(payload), payloads.count == lines.count
        else { return nil }
        var entries: [[Action]] = []
        for line in lines {
            let actions = line.compactMap(action)
            guard actions.count == line.count else { return nil }
            entries.append(actions)
        }
        return ChaosRecord.FinalLog(
            kind: kind, incarnation: incarnation, entries: entries, payloads: payloads,
            createdBy: actionID(line.creator))
    }

    private static func action(_ logged: Logged) -> Action? {
        guard let id = ByteText.bytes(hex: logged.action).flatMap({ Identifier128($0) }),
            let bytes = ByteText.bytes(hex: logged.bytes),
            let outcome = ByteText.bytes(hex: logged.outcome)
        else { return nil }
        return Action(id: ActionID(rawValue: id), bytes: bytes, outcome: outcome)
    }
}
