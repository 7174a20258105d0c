import BlockModel
import BlockRuntime

/// Cuts one page out of a diary's log.
package enum DiaryReader {
    /// Entries examined for one page beyond those it returns: bounds what one request fetches.
    private static let lookAheadCountMax = 64

    /// - Parameters:
    ///   - request: What to read; its `asOf` is already resolved into `asOf`.
    ///   - asOf: At most the revision of the view's tail.
    ///   - truncatedThrough: Where history begins.
    /// - Returns: At least one entry when there is one, and no more than `bytesMax` bytes of values
    ///   otherwise.
    /// - Throws: ``MissingObjects``; fetch them and call again.
    package static func page(
        _ request: DiaryReadRequest, asOf: Revision, truncatedThrough: Revision,
        view: LogView<some LogObjectSource>
    ) throws(MissingObjects) -> DiaryPage {
        invariant(asOf <= view.tail.revision, "a page as of \(asOf) of a log that ends before")
        var page = PageBuilder(
            bytesMax: min(Int(request.bytesMax), Limits.pageBytesMax),
            countMax: buggify("buggify.diary.pageOfOne") ? 1 : Limits.pageItemCountMax)
        var cursor = start(request, asOf: asOf)
        if request.direction == .forward {
            cursor = cursor.map { max($0, truncatedThrough.next) }
        }
        let isForward = request.direction == .forward
        while let revision = cursor, revision > truncatedThrough, revision <= asOf {
            let run = try run(from: revision, isForward, asOf: asOf, truncatedThrough, view: view)
            guard !run.isEmpty else { break }
            for (entry, body) in zip(run, try view.bodies(of: run)) {
                let transactions = entry.transactions(body)
                let indices = Array(body.actions.indices)
                let positions = isForward ? indices : indices.reversed()
                for index in positions {
                    let position = LogPosition(revision: entry.revision, index: UInt32(index))
                    if let after = request.after, isForward ? position <= after : position >= after
                    {
                        continue
                    }
                    let action = body.actions[index]
                    let item = DiaryEntry(
                        position: position, action: action.id, bytes: action.bytes,
                        transaction: transactions?[index], wallMilliseconds: entry.wallMilliseconds)
                    guard page.add(item) else {
                        return DiaryPage(entries: page.entries, asOf: asOf, isLast: false)
                    }
                }
                cursor = isForward ? entry.revision.next : nextBelow(entry.revision)
            }
        }
        return DiaryPage(entries: page.entries, asOf: asOf, isLast: true)
    }

    /// The revision at which reading begins; nil when there is nothing on that side.
    private static func start(_ request: DiaryReadRequest, asOf: Revision) -> Revision? {
        switch (request.direction, request.after) {
        case (.forward, nil): Revision(1)
        case (.forward, let after?): max(after.revision, Revision(1))
        case (.backward, nil): asOf == .zero ? nil : asOf
        case (.backward, let after?):
            min(after.revision, asOf) == .zero ? nil : min(after.revision, asOf)
        }
    }

    private static func nextBelow(_ revision: Revision) -> Revision? {
        revision.previous == .zero ? nil : revision.previous
    }

    /// The entries next to be read, in the order of reading: a bounded run whose bodies together
    /// are worth one fetch.
    private static func run(
        from revision: Revision, _ isForward: Bool, asOf: Revision, _ truncatedThrough: Revision,
        view: LogView<some LogObjectSource>
    ) throws(MissingObjects) -> [Entry] {
        let part = try view.entriesOfPart(holding: revision)
        let candidates =
            isForward
            ? part.filter { $0.revision >= revision && $0.revision <= asOf }
            : Array(
                part.filter { $0.revision <= revision && $0.revision > truncatedThrough }.reversed()
            )
        var run: [Entry] = []
        var bytes = 0
        for entry in candidates.prefix(lookAheadCountMax) {
            run.append(entry)
            if case .stored(let count) = entry.body { bytes += Int(count) }
            if bytes >= Limits.pageBytesMax { break }
        }
        invariant(
            run.first.map { $0.revision == revision } ?? true,
            "the part of \(revision) does not hold it")
        return run
    }
}

/// Collects entries until the page is full.
private struct PageBuilder {
    let bytesMax: Int
    let countMax: Int
    private(set) var entries: [DiaryEntry] = []
    private var bytes = 0

    init(bytesMax: Int, countMax: Int) {
        self.bytesMax = bytesMax
        self.countMax = countMax
    }

    /// - Returns: false when the entry does not fit any more. The first one always does.
    mutating func add(_ entry: DiaryEntry) -> Bool {
        let grown = bytes + entry.bytes.count
        guard entries.isEmpty || (grown <= bytesMax && entries.count < countMax) else {
            return false
        }
        invariant(entries.last?.position != entry.position, "an entry twice in one page")
        bytes = grown
        entries.append(entry)
        return true
    }
}
