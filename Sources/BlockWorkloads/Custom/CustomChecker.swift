import BlockModel
import BlockRuntime

/// Checks a custom collection against its chosen logs: every action lands once when that was told
/// and never when the contrary was, in the order in which it was done; no action whose policy
/// forbids it lands unseen behind a conflicting one; of every action it is told what became of it;
/// and local snapshots are what the log makes of an empty collection.
package enum CustomChecker {
    /// - Parameters:
    ///   - logs: Of the lives whose logs are known; read after every call had ended.
    ///   - knowsEveryLife: Whether these are all of them.
    package static func check(
        _ history: CustomHistory, collection: String, logs: [CustomLog],
        knowsEveryLife: Bool = true
    ) -> CheckResult {
        var result = CheckResult()
        let records = history.records.filter { $0.collection == collection }
        let readings = history.readings.filter { $0.collection == collection }
        let known = Set(logs.map(\.incarnation))
        for log in logs {
            let life = LoggedLife(log, &result)
            check(records.filter { $0.incarnation == log.incarnation }, life, &result)
            let ofLife = records.filter { $0.incarnation == log.incarnation }
            for reading in readings where reading.incarnation == log.incarnation {
                check(reading, ofLife, life, &result)
            }
        }
        for record in records where knowsEveryLife && !known.contains(record.incarnation) {
            if record.fate == .landed {
                result.violation("an action landed in a life that \(collection) never had")
            }
        }
        return result
    }

    /// What the signatures of a log make of an empty collection, ascending.
    package static func finalEntries(of log: CustomLog) -> [TreeEntry] {
        var ignored = CheckResult()
        return LoggedLife(log, &ignored).states.last ?? []
    }

    // MARK: Actions

    private static func check(
        _ records: [CustomHistory.Record], _ life: LoggedLife, _ result: inout CheckResult
    ) {
        var byText: [String: CustomHistory.Record] = [:]
        for record in records { byText[record.signature.text] = record }
        for (text, places) in life.places.sorted(by: { $0.key < $1.key }) {
            result.checkedCount += 1
            if places.count > 1 {
                result.violation("\"\(text)\" landed \(places.count) times, first at \(places[0])")
            }
            guard let record = byText[text] else {
                result.violation("nobody did the action \"\(text)\" at \(places[0])")
                continue
            }
            if record.signature != life.signatures[text] {
                result.violation("\"\(text)\" landed as another action")
            }
        }
        for record in records { check(record, life.places[record.signature.text]?.first, &result) }
        checkOrder(records, life, &result)
        checkRealTime(records, life, &result)
    }

    private static func check(
        _ record: CustomHistory.Record, _ place: LogPosition?, _ result: inout CheckResult
    ) {
        result.checkedCount += 1
        let text = record.signature.text
        switch record.fate {
        case .unknown: break
        case .landed:
            if place == nil { result.violation("\"\(text)\" was acknowledged and is lost") }
        case .dropped, .replaced, .failed:
            if let place {
                result.violation("\"\(text)\" was told to be \(record.fate) and is at \(place)")
            }
        case .refused:
            mark("customChecker.refused")
            if let place {
                result.violation("\"\(text)\" was refused, given up, and is at \(place)")
            }
        case .vanished:
            result.violation("of \"\(text)\" nobody was told what became of it")
        }
    }

    /// The actions of one local collection land in the order in which they were done.
    private static func checkOrder(
        _ records: [CustomHistory.Record], _ life: LoggedLife, _ result: inout CheckResult
    ) {
        struct Session: Hashable {
            let client: Int
            let number: Int
        }
        let sessions = Dictionary(
            grouping: records, by: { Session(client: $0.client, number: $0.session) })
        for records in sessions.values {
            let landed = records.compactMap { record in
                life.places[record.signature.text]?.first.map { (record, $0) }
            }.sorted { $0.0.place < $1.0.place }
            for (earlier, later) in zip(landed, landed.dropFirst()) where later.1 < earlier.1 {
                result.violation(
                    "\"\(later.0.signature.text)\" was done after "
                        + "\"\(earlier.0.signature.text)\" and landed before it")
            }
        }
    }

    /// What began after something was told to have landed lands behind it.
    private static func checkRealTime(
        _ records: [CustomHistory.Record], _ life: LoggedLife, _ result: inout CheckResult
    ) {
        let told = records.compactMap {
            record -> (at: Instant, place: LogPosition, text: String)? in
            guard record.fate == .landed, let at = record.told,
                let place = life.places[record.signature.text]?.first
            else { return nil }
            return (at, place, record.signature.text)
        }.sorted { $0.at < $1.at }
        var next = 0
        var newest: (place: LogPosition, text: String)?
        for record in records.sorted(by: { $0.begun < $1.begun }) {
            while next < told.count, told[next].at < record.begun {
                if newest.map({ $0.place < told[next].place }) ?? true {
                    newest = (told[next].place, told[next].text)
                }
                next += 1
            }
            guard let newest, let place = life.places[record.signature.text]?.first else {
                continue
            }
            if place < newest.place {
                result.violation(
                    "\"\(record.signature.text)\" at \(place) was done after "
                        + "\"\(newest.text)\" had landed at \(newest.place)")
            }
        }
    }

    // MARK: Snapshots

    private static func check(
        _ reading: CustomHistory.Reading, _ records: [CustomHistory.Record], _ life: LoggedLife,
        _ result: inout CheckResult
    ) {
        result.checkedCount += 1
        guard reading.revision <= life.revision else {
            return result.violation("a snapshot of revision \(reading.revision), which never was")
        }
        if reading.entries != life.states[Int(reading.revision.rawValue)] {
            result.violation("the snapshot of revision \(reading.revision) is another one")
        }
        // What had landed before the snapshot was asked for is in it.
        let missed = records.first { record in
            guard record.fate == .landed, let told = record.told, told < reading.begun,
                let place = life.places[record.signature.text]?.first
            else { return false }
            return place.revision > reading.revision
        }
        if let missed {
            result.violation(
                "a snapshot of revision \(reading.revision) began after "
                    + "\"\(missed.signature.text)\" had landed, and lacks it")
        }
    }
}

/// A log with what its signatures make of an empty collection.
private struct LoggedLife {
    let revision: Revision
    /// Where each text is.
    private(set) var places: [String: [LogPosition]] = [:]
    private(set) var signatures: [String: Signature] = [:]
    /// After each entry, the empty one first.
    private(set) var states: [[TreeEntry]] = [[]]

    /// - Parameter result: Gets what the log itself shows to be wrong.
    init(_ log: CustomLog, _ result: inout CheckResult) {
        revision = log.revision
        var sheets: [UInt8: SignedSheet] = [:]
        for (number, entry) in log.entries.enumerated() {
            for (index, action) in entry.actions.enumerated() {
                let place = LogPosition(
                    revision: Revision(UInt64(number + 1)), index: UInt32(index))
                guard let signature = try? Signature(bytes: action.bytes) else {
                    result.violation("the action at \(place) is no signature")
                    continue
                }
                places[signature.text, default: []].append(place)
                signatures[signature.text] = signature
                var sheet = sheets[signature.sheet] ?? SignedSheet(nil)
                let newest = sheet.newest(besides: signature.client)
                if signature.policy != .keep, newest != signature.seen {
                    // An action that must not be overtaken unseen was.
                    result.violation(
                        "\"\(signature.text)\" at \(place) (\(signature.policy)) had seen "
                            + "\"\(signature.seen)\", and \"\(newest)\" had landed before it")
                }
                try? sheet.sign(signature)
                sheets[signature.sheet] = sheet
            }
            states.append(
                sheets.sorted { $0.key < $1.key }
                    .map { TreeEntry(key: [$0.key], value: $0.value.bytes) })
        }
    }
}
