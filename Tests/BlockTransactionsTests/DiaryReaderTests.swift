import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite struct DiaryReaderTests {
    /// Twelve entries of no, one or many actions; some bodies are stored, segments are short.
    private static let log: SampleLog = {
        var log = SampleLog()
        var number: UInt64 = 0
        for (index, sizes) in [
            [3], [1, 1, 1], [], [7, 2], [4], [5, 0, 6], [2, 2, 2, 2], [9], [], [1, 8], [3, 3], [6],
        ].enumerated() {
            let actions = sizes.map { size in
                number += 1
                return Action(id: Sample.action(number), bytes: Sample.bytes(number, size: size))
            }
            log.append(EntryBody(actions: actions), isStored: index.isMultiple(of: 3))
            if [0, 2, 5, 8].contains(index) { log.seal() }
        }
        return log
    }()

    /// Every entry of `log` in order.
    private static func list(_ log: SampleLog) -> [DiaryEntry] {
        zip(log.entries, log.bodies).flatMap { entry, body in
            body.actions.enumerated().map { index, action in
                DiaryEntry(
                    position: LogPosition(revision: entry.revision, index: UInt32(index)),
                    action: action.id, bytes: action.bytes,
                    wallMilliseconds: entry.wallMilliseconds)
            }
        }
    }

    /// What a page must be, cut from the whole list.
    private static func expectation(
        _ request: DiaryReadRequest, asOf: Revision, truncatedThrough: Revision
    ) -> DiaryPage {
        var rest = list(log).filter {
            $0.position.revision <= asOf && $0.position.revision > truncatedThrough
        }
        if request.direction == .backward { rest.reverse() }
        if let after = request.after {
            let isForward = request.direction == .forward
            rest.removeAll { isForward ? $0.position <= after : $0.position >= after }
        }
        var bytes = 0
        var count = 0
        while count < rest.count {
            bytes += rest[count].bytes.count
            guard count == 0 || bytes <= Int(request.bytesMax) else { break }
            count += 1
        }
        return DiaryPage(
            entries: Array(rest.prefix(count)), asOf: asOf, isLast: count == rest.count)
    }

    private static func request(
        _ direction: ReadDirection, after: LogPosition?, bytesMax: Int
    ) -> DiaryReadRequest {
        DiaryReadRequest(
            collection: log.tail.collection, incarnation: log.tail.incarnation,
            direction: direction, after: after, bytesMax: UInt32(bytesMax))
    }

    private static let bytesTotal = list(log).reduce(0) { $0 + $1.bytes.count }
    private static let directions = [ReadDirection.forward, .backward]

    /// Every position, those next to them that hold nothing, and the two ends.
    private static var cursors: [LogPosition?] {
        var cursors: [LogPosition?] = [nil]
        for revision in 0...log.tail.revision.rawValue + 1 {
            let body =
                log.bodies.indices.contains(Int(revision) - 1)
                ? log.bodies[Int(revision) - 1] : .empty
            for index in 0...body.actions.count {
                cursors.append(LogPosition(revision: Revision(revision), index: UInt32(index)))
            }
        }
        return cursors
    }

    @Test(
        "A page after any position, as of any revision and of any size is a cut of the whole list",
        arguments: directions)
    func pages(direction: ReadDirection) throws {
        let log = DiaryReaderTests.log
        let view = LogView(tail: log.tail, source: try FetchedObjects.everything(of: log))
        let revisions = (0...log.tail.revision.rawValue).map { Revision($0) }
        for bytesMax in 0...DiaryReaderTests.bytesTotal + 1 {
            for after in DiaryReaderTests.cursors {
                let request = DiaryReaderTests.request(direction, after: after, bytesMax: bytesMax)
                for asOf in revisions {
                    let page = try DiaryReader.page(
                        request, asOf: asOf, truncatedThrough: .zero, view: view)
                    let expected = DiaryReaderTests.expectation(
                        request, asOf: asOf, truncatedThrough: .zero)
                    try #require(page == expected, "\(request) as of \(asOf)")
                }
            }
        }
    }

    @Test(
        "The pages of any size, one after another, are the whole list as of any revision",
        arguments: directions)
    func walk(direction: ReadDirection) throws {
        let log = DiaryReaderTests.log
        let view = LogView(tail: log.tail, source: try FetchedObjects.everything(of: log))
        for asOf in (0...log.tail.revision.rawValue).map({ Revision($0) }) {
            var whole = DiaryReaderTests.list(log).filter { $0.position.revision <= asOf }
            if direction == .backward { whole.reverse() }
            for bytesMax in 1...DiaryReaderTests.bytesTotal + 1 {
                var read: [DiaryEntry] = []
                var isLast = false
                while !isLast {
                    let request = DiaryReaderTests.request(
                        direction, after: read.last?.position, bytesMax: bytesMax)
                    let page = try DiaryReader.page(
                        request, asOf: asOf, truncatedThrough: .zero, view: view)
                    try #require(page.isLast || !page.entries.isEmpty)
                    read += page.entries
                    isLast = page.isLast
                }
                try #require(read == whole, "as of \(asOf), pages of \(bytesMax)")
            }
        }
    }

    @Test(
        "A reader above truncated history, in either direction, meets what is left of it",
        arguments: directions)
    func truncated(direction: ReadDirection) throws {
        let whole = DiaryReaderTests.log
        for truncatedThrough in (0...whole.tail.revision.rawValue).map({ Revision($0) }) {
            var log = whole
            log.truncate(through: truncatedThrough)
            let view = LogView(tail: log.tail, source: try FetchedObjects.everything(of: log))
            for after in DiaryReaderTests.cursors {
                let isAbove = after.map { $0.revision > truncatedThrough }
                guard isAbove ?? (direction == .backward) else { continue }
                for bytesMax in [1, 5, 20, 100] {
                    let request = DiaryReaderTests.request(
                        direction, after: after, bytesMax: bytesMax)
                    let page = try DiaryReader.page(
                        request, asOf: log.tail.revision, truncatedThrough: truncatedThrough,
                        view: view)
                    let expected = DiaryReaderTests.expectation(
                        request, asOf: log.tail.revision, truncatedThrough: truncatedThrough)
                    if page != expected {
                        Issue.record("\(request), truncated \(truncatedThrough): \(page)")
                    }
                }
            }
        }
    }

    @Test("A page has no more items than the limit, however small they are", arguments: directions)
    func itemCount(direction: ReadDirection) throws {
        var log = SampleLog()
        for body in UInt64(0)..<5 {
            log.append(
                EntryBody(
                    actions: (1...UInt64(Limits.bodyActionCountMax)).map {
                        Action(id: Sample.action(body << 16 | $0), bytes: [])
                    }))
        }
        var source = FetchedObjects()
        func page(after: LogPosition?) throws -> DiaryPage {
            try source.run(on: log) {
                try DiaryReader.page(
                    DiaryReaderTests.request(direction, after: after, bytesMax: 1000),
                    asOf: log.tail.revision, truncatedThrough: .zero, view: $0)
            }
        }
        let first = try page(after: nil)
        #expect(first.entries.count == Limits.pageItemCountMax)
        #expect(!first.isLast)
        let second = try page(after: first.entries.last?.position)
        #expect(second.entries.count == 5 * Limits.bodyActionCountMax - first.entries.count)
        #expect(second.isLast)
        #expect(source.roundCount == 1)
    }

    @Test("Forward reading begins at what is left of a truncated history")
    func truncatedForward() throws {
        var log = SampleLog()
        for n in UInt64(1)...5 { log.append(Sample.body([n])) }
        log.truncate(through: Revision(2))
        let page = try DiaryReader.page(
            DiaryReadRequest(collection: log.tail.collection, incarnation: log.tail.incarnation),
            asOf: Revision(5), truncatedThrough: Revision(2),
            view: LogView(tail: log.tail, source: FetchedObjects()))
        #expect(page.entries.count == 3)
    }
}
