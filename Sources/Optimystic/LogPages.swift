import BlockModel
import BlockRuntime
import OptimysticClient

/// The pages of a log, one after another.
struct LogPages {
    let database: Database
    let info: CollectionInfo
    var after: Revision
    /// Where it was asked to begin; looked at once, before the first page.
    private var origin: CollectionPosition?
    let timeout: Duration
    /// Whether to wait for entries that come; otherwise it ends at the newest one that there is
    /// when it begins.
    let follows: Bool
    private var end: Revision?

    init(
        database: Database, info: CollectionInfo, after: Revision, timeout: Duration, follows: Bool
    ) {
        self.database = database
        self.info = info
        self.after = after
        self.timeout = timeout
        self.follows = follows
    }

    /// - Parameter position: Where to begin; nil: with the first entry.
    init(
        database: Database, info: CollectionInfo, after position: CollectionPosition?,
        timeout: Duration, follows: Bool
    ) {
        self.init(
            database: database, info: info, after: .zero, timeout: timeout, follows: follows)
        origin = position
    }

    /// The next entries, none left out; nil at the end.
    /// - Throws: `.positionNotFound` when it was asked to begin where this life has nothing.
    mutating func next() async throws -> [LogEntry]? {
        if let origin {
            after = try origin.revision(in: info)
            self.origin = nil
        }
        while true {
            if let end, !follows, after >= end { return nil }
            let wait = follows ? Limits.followTime : .zero
            let request = LogReadRequest(
                collection: info.collection, incarnation: info.incarnation, after: after,
                bytesMax: UInt32(Limits.readerPageBytes),
                waitMilliseconds: UInt32(wait.milliseconds))
            let page = try await database.ask(.readLog(request), timeout: wait + timeout) { reply in
                if case .logPage(let page) = reply { page } else { nil }
            }
            let last = end ?? page.revision
            end = last
            let entries = follows ? page.entries : page.entries.filter { $0.revision <= last }
            guard let newest = entries.last?.revision else {
                if follows { continue }
                return nil
            }
            after = newest
            return entries
        }
    }
}

/// The pages of a log from the newest entry there is when reading begins, down to a revision.
struct BackwardLogPages {
    /// Entries read at a time; they come oldest first and are all needed before the newest is.
    private static let windowCount: UInt64 = 64

    private let database: Database
    private let info: CollectionInfo
    private let origin: CollectionPosition?
    private let timeout: Duration
    /// The newest entry that was not given out; nil before the first page.
    private var newest: Revision?

    /// - Parameter origin: What it comes down to; nil: the first entry, which it gives out.
    init(
        database: Database, info: CollectionInfo, after origin: CollectionPosition?,
        timeout: Duration
    ) {
        self.database = database
        self.info = info
        self.origin = origin
        self.timeout = timeout
    }

    /// The entries below the ones before, oldest first; nil at the end.
    mutating func next() async throws -> [LogEntry]? {
        let after = try origin?.revision(in: info) ?? .zero
        let end = try await newestRevision(after)
        guard end > after else { return nil }
        let start = Revision(
            end.rawValue > BackwardLogPages.windowCount
                ? end.rawValue - BackwardLogPages.windowCount : 0)
        var pages = LogPages(
            database: database, info: info, after: max(after, start), timeout: timeout,
            follows: false)
        var window: [LogEntry] = []
        while (window.last?.revision ?? .zero) < end, let entries = try await pages.next() {
            window += entries.filter { $0.revision <= end }
        }
        newest = max(after, start)
        return window
    }

    private func newestRevision(_ after: Revision) async throws -> Revision {
        if let newest { return newest }
        let request = LogReadRequest(
            collection: info.collection, incarnation: info.incarnation,
            after: max(after, info.revision))
        return try await database.ask(.readLog(request), timeout: timeout) { reply in
            if case .logPage(let page) = reply { page.revision } else { nil }
        }
    }
}
