import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite struct LogViewTests {
    /// 3,000 sealed segments of 1 to 3 entries, headers that change now and then, an open end.
    private static let long: SampleLog = {
        var generator = SeededGenerator(seed: 4)
        var log = SampleLog()
        while log.segmentCount < 3000 {
            for _ in 0...generator.below(3) { append(to: &log, &generator) }
            log.seal()
        }
        for _ in 0..<2 { append(to: &log, &generator) }
        return log
    }()

    private static func append(to log: inout SampleLog, _ generator: inout SeededGenerator) {
        let number = log.tail.revision.next.rawValue
        var header: CollectionHeader?
        if generator.chance(1, in: 10) {
            header = log.tail.header
            header?.capacity = UInt32(number)
        }
        log.append(Sample.body([number]), header: header, isStored: generator.chance(1, in: 10))
    }

    /// 2·log₂ n + 2 for the segments of `log`.
    private static func fetchCountMax(_ log: SampleLog) -> Int {
        2 * (Int.bitWidth - 1 - log.segmentCount.leadingZeroBitCount) + 2
    }

    /// Every seventh revision, and those at both ends.
    private static func revisions(of log: SampleLog) -> [Revision] {
        let last = log.tail.revision.rawValue
        return (Array(stride(from: 1, to: last, by: 7)) + [2, last - 2, last - 1, last])
            .map { Revision($0) }
    }

    @Test("Any entry in 3,000 segments is at most 2·log₂ n + 2 fetched segments away")
    func oneEntry() throws {
        let log = LogViewTests.long
        #expect(log.segmentCount == 3000)
        #expect(LogViewTests.fetchCountMax(log) == 24)
        var worst = 0
        for revision in LogViewTests.revisions(of: log) {
            var source = FetchedObjects()
            let found = try source.run(on: log) { view in
                try view.entries(from: revision, through: revision)
            }
            try #require(found == [log.entries[Int(revision.rawValue) - 1]])
            #expect(source.roundCount == source.segmentCount)
            try #require(source.segmentCount <= LogViewTests.fetchCountMax(log), "to \(revision)")
            worst = max(worst, source.segmentCount)
        }
        #expect(worst > 2, "a chain of segments has to be followed")
    }

    @Test("The header of any old revision is as near, and it is the one the log had then")
    func oldHeader() throws {
        let log = LogViewTests.long
        #expect(Set(log.headers).count > 100)
        for revision in LogViewTests.revisions(of: log) {
            var source = FetchedObjects()
            let header = try source.run(on: log) { try $0.header(at: revision) }
            try #require(header == log.headers[Int(revision.rawValue)], "at \(revision)")
            try #require(source.segmentCount <= LogViewTests.fetchCountMax(log))
        }
    }

    @Test("A stretch that begins long ago costs the way to it and its own segments")
    func oldStretch() throws {
        let log = LogViewTests.long
        for length in [UInt64(1), 2, 5, 32, 128] {
            let starts = stride(from: 1, to: log.tail.revision.rawValue - length, by: 211)
            for first in starts.map({ Revision($0) }) {
                let last = Revision(first.rawValue + length - 1)
                var source = FetchedObjects()
                let found = try source.run(on: log) { try $0.entries(from: first, through: last) }
                let range = Int(first.rawValue) - 1..<Int(last.rawValue)
                try #require(found == Array(log.entries[range]))
                // One entry at least in each of its segments.
                let countMax = LogViewTests.fetchCountMax(log) + Int(length)
                try #require(source.segmentCount <= countMax, "\(first) to \(last)")
            }
        }
    }

    @Test("Every stretch of a short log is what was appended, with the bodies")
    func everyStretch() throws {
        var generator = SeededGenerator(seed: 5)
        var log = SampleLog()
        for _ in 0..<40 {
            LogViewTests.append(to: &log, &generator)
            if generator.chance(1, in: 2) { log.seal() }
        }
        for first in 1...40 {
            for last in first...40 {
                var source = FetchedObjects()
                let found = try source.run(on: log) { view in
                    let entries = try view.entries(
                        from: Revision(UInt64(first)), through: Revision(UInt64(last)))
                    return (entries, try view.bodies(of: entries))
                }
                try #require(found.0 == Array(log.entries[first - 1..<last]))
                try #require(found.1 == Array(log.bodies[first - 1..<last]))
            }
        }
    }

    @Test("What is open needs no fetch")
    func openEnd() throws {
        let log = LogViewTests.long
        let view = LogView(tail: log.tail, source: FetchedObjects())
        let last = log.tail.revision
        #expect(try view.entries(from: last.previous, through: last).count == 2)
        #expect(try view.header(at: last) == log.tail.header)
        #expect(try view.header(at: last.previous) == log.headers[Int(last.rawValue) - 1])
        #expect(try view.entries(from: last.next, through: last).isEmpty)
    }

    @Test("All missing bodies are asked for in one round, those inside entries never")
    func missingBodies() throws {
        var log = SampleLog()
        for number in UInt64(1)...6 {
            log.append(Sample.body([number]), isStored: number.isMultiple(of: 2))
        }
        let view = LogView(tail: log.tail, source: FetchedObjects())
        let wanted = [1, 3, 5].map { LogObjectKey.body(log.entries[$0].bodyID) }
        #expect(throws: MissingObjects(wanted)) { try view.bodies(of: log.entries) }
        var source = FetchedObjects()
        #expect(try source.run(on: log) { try $0.bodies(of: log.entries) } == log.bodies)
        #expect(source.roundCount == 1)
    }

    @Test("A log object with one byte changed, or of another name, is corrupted")
    func corruptedObjects() throws {
        var log = SampleLog()
        log.append(Sample.body([1]), isStored: true)
        log.seal()
        log.append(Sample.body([2]), isStored: true)
        log.seal()
        let keys = Array(log.objectKeys)
        #expect(keys.count == 4)
        for key in keys {
            let bytes = try log.bytes(of: key)
            for position in bytes.indices {
                var changed = bytes
                changed[position] ^= 1
                let error = #expect(throws: DatabaseError.self) {
                    try LogObject(key, bytes: changed)
                }
                #expect(error?.code == .corrupted)
            }
            for other in keys where other != key {
                #expect(throws: DatabaseError.self) { try LogObject(other, bytes: bytes) }
            }
        }
    }
}
