import BlockModel
import BlockRuntime

/// One write of one client of a load test, and what the client was told.
package struct LoadWrite: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// At this revision; nil where the client is not told which.
        case acknowledged(Revision?)
        case notApplied
        /// It may have had an effect, or may have one later.
        case unknown
    }

    package let number: Int
    package let client: Int
    package let sequence: Int
    package let invoked: Instant
    package let completed: Instant
    package let outcome: Outcome

    package init(
        number: Int, client: Int, sequence: Int, invoked: Instant, completed: Instant,
        outcome: Outcome
    ) {
        self.number = number
        self.client = client
        self.sequence = sequence
        self.invoked = invoked
        self.completed = completed
        self.outcome = outcome
    }
}

/// What one read of a record saw.
package struct LoadRead: Sendable {
    package let record: LoadRecord
    package let invoked: Instant

    package init(record: LoadRecord, invoked: Instant) {
        self.record = record
        self.invoked = invoked
    }
}

/// The acknowledged writes of one record, to ask what came too late to be seen.
private struct Acknowledged: Sendable {
    /// Ascending by completion; each with the greatest invocation up to it.
    private let steps: [(completed: Instant, latestInvoked: Instant)]

    init(_ writes: [LoadWrite]) {
        var latest = Instant(nanoseconds: .min)
        steps = writes.filter(\.isAcknowledged).sorted { $0.completed < $1.completed }.map {
            latest = max(latest, $0.invoked)
            return ($0.completed, latest)
        }
    }

    /// When the last of those began that were acknowledged before `instant`; nil for none.
    func latestInvoked(before instant: Instant) -> Instant? {
        var low = 0
        var high = steps.count
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].completed < instant { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? steps[low - 1].latestInvoked : nil
    }
}

/// Checks what a load test left: every record is what one of its last writes made it, nothing that
/// was acknowledged is missing, and nothing is there that no client wrote.
///
/// Fed with all entries of the tree in order, read after the last client was done, and with what
/// clients read meanwhile: a read sees no value that was overwritten before it began.
package struct LoadChecker: Sendable {
    private let loadedCount: Int
    private let countsWrites: Bool
    /// By record.
    private let writes: [Int: [LoadWrite]]
    private let acknowledged: [Int: Acknowledged]
    private struct WriteName: Hashable, Sendable {
        let client: Int
        let sequence: Int
    }
    private let named: [WriteName: LoadWrite]
    private var seen: Set<Int> = []
    private var lastKey: Bytes?
    private var result = CheckResult()

    /// - Parameters:
    ///   - loadedCount: Records from 0 that were acknowledged to the loader.
    ///   - countsWrites: See ``LoadWorkload/countsWrites``.
    package init(loadedCount: Int, writes: [LoadWrite], countsWrites: Bool) {
        self.loadedCount = loadedCount
        self.countsWrites = countsWrites
        self.writes = Dictionary(grouping: writes, by: \.number)
        acknowledged = self.writes.mapValues { Acknowledged($0) }
        named = Dictionary(
            writes.map { (WriteName(client: $0.client, sequence: $0.sequence), $0) }
        ) { $1 }
    }

    package mutating func entry(_ key: Bytes, _ value: Bytes) {
        result.checkedCount += 1
        if let lastKey, !lastKey.lexicographicallyPrecedes(key) {
            result.violation("the keys \(text(lastKey)) and \(text(key)) are out of order")
        }
        lastKey = key
        guard let record = LoadRecord(value: value), LoadRecord.key(record.number) == key else {
            return result.violation("the value of \(text(key)) is not one that was written to it")
        }
        seen.insert(record.number)
        let writes = writes[record.number] ?? []
        if let objection = objection(to: record, writes) {
            result.violation("record \(record.number): \(objection)")
        }
        guard countsWrites else { return }
        let least = writes.count(where: \.isAcknowledged)
        let most = least + writes.count { $0.outcome == .unknown }
        if !(least...most).contains(record.count) {
            result.violation(
                "record \(record.number) counts \(record.count) writes, and \(least) were "
                    + "acknowledged\(most > least ? ", \(most - least) unknown" : "")")
        }
    }

    package mutating func read(_ read: LoadRead) {
        result.checkedCount += 1
        let record = read.record
        let overwriting = acknowledged[record.number]?.latestInvoked(before: read.invoked)
        let isStale: Bool
        if record.client == LoadRecord.loader {
            isStale = overwriting != nil
        } else if let write = write(of: record) {
            switch write.outcome {
            case .acknowledged: isStale = overwriting.map { write.completed < $0 } ?? false
            case .unknown: isStale = false
            case .notApplied:
                return result.violation("record \(record.number): a refused write was read")
            }
        } else {
            return result.violation("record \(record.number): a write that nobody made was read")
        }
        if isStale {
            result.violation(
                "record \(record.number): a read saw a value that had been overwritten before")
        }
    }

    private func write(of record: LoadRecord) -> LoadWrite? {
        let write = named[WriteName(client: record.client, sequence: record.sequence)]
        return write?.number == record.number ? write : nil
    }

    /// Why a record cannot be what the last write left.
    private func objection(to record: LoadRecord, _ writes: [LoadWrite]) -> String? {
        let acknowledged = writes.filter(\.isAcknowledged)
        if record.client == LoadRecord.loader {
            if record.number >= loadedCount { return "nobody loaded it" }
            return acknowledged.isEmpty
                ? nil : "\(acknowledged.count) acknowledged writes of it are lost"
        }
        guard let write = write(of: record) else {
            return "client \(record.client) made no write \(record.sequence) of it"
        }
        let name = "write \(write.sequence) of client \(write.client)"
        switch write.outcome {
        case .notApplied: return "\(name) was refused and is there"
        // It may have landed as the last of all.
        case .unknown: return nil
        case .acknowledged(let revision):
            for later in acknowledged {
                var isLater = later.invoked > write.completed
                if case .acknowledged(let other?) = later.outcome, let revision {
                    isLater = isLater || other > revision
                }
                if isLater {
                    return "\(name) is there, and write \(later.sequence) of client "
                        + "\(later.client), acknowledged after it, is not"
                }
            }
            return nil
        }
    }

    /// After the last entry.
    package mutating func finish() -> CheckResult {
        var missing = (0..<loadedCount).filter { !seen.contains($0) }
        missing += writes.keys.sorted().filter { number in
            number >= loadedCount && !seen.contains(number)
                && writes[number]?.contains(where: \.isAcknowledged) == true
        }
        for number in missing { result.violation("record \(number) was acknowledged and is lost") }
        result.checkedCount += writes.values.reduce(0) { $0 + $1.count(where: \.isAcknowledged) }
        return result
    }

    private func text(_ key: Bytes) -> String { String(decoding: key, as: UTF8.self) }
}

extension LoadWrite {
    var isAcknowledged: Bool {
        if case .acknowledged = outcome { true } else { false }
    }
}
