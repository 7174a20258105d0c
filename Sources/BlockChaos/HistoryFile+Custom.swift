import BlockModel
import BlockRuntime
import BlockWire
import BlockWorkloads

/// Custom collections and raw attempts as lines.
extension HistoryFile {
    static func line(_ record: CustomHistory.Record) -> Line {
        var line = Line(.custom, record.collection)
        line.client = record.client
        line.invoked = record.begun.nanoseconds
        line.completed = record.told?.nanoseconds
        line.generation = record.incarnation.generation
        line.nonce = ByteText.hex(record.incarnation.nonce.bytes)
        line.session = record.session
        line.index = UInt32(clamping: record.place)
        line.value = ByteText.hex(record.signature.bytes)
        line.outcome = record.fate.rawValue
        return line
    }

    static func line(_ reading: CustomHistory.Reading) -> Line {
        var line = Line(.snapshot, reading.collection)
        line.client = reading.client
        line.invoked = reading.begun.nanoseconds
        line.completed = reading.ended.nanoseconds
        line.generation = reading.incarnation.generation
        line.nonce = ByteText.hex(reading.incarnation.nonce.bytes)
        line.revision = reading.revision.rawValue
        line.reads = reading.entries.map {
            KeyValue(key: ByteText.hex($0.key), value: ByteText.hex($0.value))
        }
        return line
    }

    static func line(_ item: AttemptHistory.Try) -> Line {
        var line = Line(.attempt, item.collection)
        line.client = item.client
        line.invoked = item.sent.nanoseconds
        line.generation = item.participant.incarnation.generation
        line.nonce = ByteText.hex(item.participant.incarnation.nonce.bytes)
        line.revision = item.participant.target.rawValue
        line.payloads = [Payload(item.payload)]
        switch item.answer {
        case .none: line.outcome = "none"
        case .committed(let revision):
            line.outcome = "committed"
            line.asOf = revision.rawValue
        case .never: line.outcome = "never"
        case .notBegun: line.outcome = "notBegun"
        case .askTheLog: line.outcome = "askTheLog"
        }
        return line
    }

    // MARK: Reading

    static func addCustom(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let client = line.client, let invoked = line.invoked, let session = line.session,
            let place = line.index, let incarnation = incarnation(line),
            let bytes = line.value.flatMap({ ByteText.bytes(hex: $0) }),
            let signature = try? Signature(bytes: bytes),
            let fate = line.outcome.flatMap(CustomHistory.Fate.init)
        else { return false }
        let id = record.history.customs.add(
            CustomHistory.Record(
                client: client, collection: line.collection, incarnation: incarnation,
                session: session, place: Int(place), signature: signature,
                begun: Instant(nanoseconds: invoked)))
        if let told = line.completed {
            record.history.customs.tell(id, fate, at: Instant(nanoseconds: told))
        }
        return true
    }

    static func addSnapshot(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let client = line.client, let begun = line.invoked, let ended = line.completed,
            let revision = line.revision, let incarnation = incarnation(line),
            let reads = line.reads
        else { return false }
        let entries = reads.compactMap { pair -> TreeEntry? in
            guard let key = ByteText.bytes(hex: pair.key),
                let value = pair.value.flatMap({ ByteText.bytes(hex: $0) })
            else { return nil }
            return TreeEntry(key: key, value: value)
        }
        guard entries.count == reads.count else { return false }
        record.history.customs.add(
            CustomHistory.Reading(
                client: client, collection: line.collection, incarnation: incarnation,
                begun: Instant(nanoseconds: begun), ended: Instant(nanoseconds: ended),
                revision: Revision(revision), entries: entries))
        return true
    }

    static func addAttempt(_ line: Line, to record: inout ChaosRecord) -> Bool {
        guard let client = line.client, let sent = line.invoked, let target = line.revision,
            let incarnation = incarnation(line), let payload = line.payloads?.first.flatMap(payload)
        else { return false }
        let answer: AttemptHistory.Answer
        switch (line.outcome, line.asOf) {
        case ("none", nil): answer = .none
        case ("committed", let revision?): answer = .committed(Revision(revision))
        case ("never", nil): answer = .never
        case ("notBegun", nil): answer = .notBegun
        case ("askTheLog", nil): answer = .askTheLog
        default: return false
        }
        let id = record.history.attempts.add(
            AttemptHistory.Try(
                client: client, collection: line.collection,
                participant: Participant(
                    collection: CollectionID(name: line.collection), incarnation: incarnation,
                    target: Revision(target)),
                payload: payload, sent: Instant(nanoseconds: sent)))
        record.history.attempts.tell(id, answer)
        return true
    }

    static func payload(_ payload: Payload) -> PayloadID? {
        ByteText.bytes(hex: payload.action).flatMap { Identifier128($0) }.map {
            PayloadID(action: ActionID(rawValue: $0), execution: payload.execution)
        }
    }
}
