import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite("What is known of the newest writes is brought up to a log stretch by stretch")
struct CatchUpTests {
    /// Of 40 entries, each with a stored body of one MiB about.
    private static func log() -> SampleLog {
        var log = SampleLog(header: CollectionHeader(kind: .tree, encoding: .bytes))
        for number in 1...40 as ClosedRange<UInt64> {
            log.append(Sample.body([number], size: 1 << 20))
            if number % 8 == 0 { log.seal() }
        }
        return log
    }

    @Test("Bodies are fetched within their bound of bytes, and needed no longer than a stretch")
    func bytes() throws {
        let log = Self.log()
        var history: BlockHistory?
        var held = FetchedObjects()
        var bodyBytes = 0
        var most = 0
        var roundCount = 0
        while true {
            let before = history?.through
            do throws(MissingObjects) {
                try BlockHistory.catchUp(&history, to: log.tail, source: held)
                break
            } catch {
                roundCount += 1
                try #require(roundCount < 200, "it does not get further")
                if let before, let through = history?.through, through > before {
                    held = FetchedObjects()
                    bodyBytes = 0
                }
                for key in error.keys {
                    if case .body = key { bodyBytes += try log.bytes(of: key).count }
                    try held.fetch(key, from: log)
                }
                most = max(most, bodyBytes)
            }
        }
        #expect(history?.through == Revision(40))
        #expect((1...Limits.scanBytesMax).contains(most), "\(most) bytes of bodies at once")
    }
}
