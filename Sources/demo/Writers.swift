import BlockRuntime
import Optimystic
import Synchronization

/// Appends the languages from several writers at once, each in its own order, and never gives up an
/// entry before it is confirmed.
struct Writers: Sendable {
    /// What the writers met.
    struct Report: Sendable {
        var confirmed = 0
        var retries = 0
        var lastConfirmed = Instant.origin
        /// The longest time that one writer waited for one confirmation.
        var longestStall = Duration.zero
        /// The longest time in which no writer was confirmed.
        var longestSilence = Duration.zero
        var errors: [String: Int] = [:]
    }

    static let count = 8
    /// How long one entry is tried again before the demonstration fails.
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(100)

    let diary: Diary<LanguageEntry>
    let database: Database
    let languages: [IsoFile.Record]
    let environment: Environment

    func run() async throws -> Report {
        let tally = Tally(since: environment.now())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<Writers.count {
                group.addTask { try await write(as: writer, tally) }
            }
            try await group.waitForAll()
        }
        return tally.report.withLock { $0 }
    }

    private func write(as writer: Int, _ tally: Tally) async throws {
        var sequence = 0
        for index in stride(from: writer, to: languages.count, by: Writers.count) {
            sequence += 1
            let language = languages[index]
            let entry = LanguageEntry(
                writer: writer + 1, sequence: sequence, code: language["alpha_3"] ?? "",
                name: language["name"] ?? "")
            let start = environment.now()
            try await append(entry, from: start, tally)
            let now = environment.now()
            tally.report.withLock { report in
                report.confirmed += 1
                report.longestStall = max(report.longestStall, now.since(start))
                report.longestSilence = max(
                    report.longestSilence, now.since(report.lastConfirmed))
                report.lastConfirmed = max(report.lastConfirmed, now)
            }
        }
    }

    /// The same action id and first revision at every try: however many of them arrive, the entry
    /// lands once.
    private func append(
        _ entry: LanguageEntry, from start: Instant, _ tally: Tally
    ) async throws {
        let id = database.makeActionID()
        let firstRevision = diary.revision
        while true {
            do {
                try await diary.append(entry, id: id, firstRevision: firstRevision)
                return
            } catch let error as DatabaseError {
                guard environment.now().since(start) < Writers.patience else { throw error }
                tally.report.withLock { report in
                    report.retries += 1
                    report.errors["\(error.code)", default: 0] += 1
                }
                try await Task.sleep(for: Writers.pause)
            }
        }
    }
}

/// The report, while the writers write.
private final class Tally: Sendable {
    let report: Mutex<Writers.Report>

    init(since instant: Instant) { report = Mutex(Writers.Report(lastConfirmed: instant)) }
}
