import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What a review found, kept found.
@Suite("Found in the appender and the reader")
struct FoundTests {
    @Test("While others wait for the attempt, nobody in it is told that it failed")
    func toldNotAppliedThenLands() throws {
        var scene = AppenderScene(entryCount: 4)
        scene.append(7, since: 4, seconds: 5)
        scene.append(8, since: 4, seconds: 20)
        let commit = try #require(scene.readTail().attempt?.commit)
        scene.progress(isTrying: false, trouble: .refused)
        scene.pass(seconds: 6)
        scene.progress(isTrying: true)
        scene.end(try scene.land(commit))
        let landed = try commit.actions().contains(Sample.action(7))
        #expect(try scene.error(7).outcome == .unknown || !landed, "\(scene.answers)")
    }

    @Test("The index goes on after entries that another proxy appended")
    func indexAfterGap() throws {
        var scene = AppenderScene(entryCount: 4)
        let a = try scene.propose(7)
        scene.end(try scene.land(a))
        scene.othersAppend([21, 22, 23])
        var effects = scene.append(8, since: 8)
        if effects.wantsTail { effects = scene.readTail() }
        let b = try #require(effects.attempt?.commit)
        scene.end(try scene.land(b))
        let again = scene.append(8, since: 8, token: 100)
        #expect(scene.answers[100] != nil, "\(again.wantsTail) \(again.wants.count)")
    }

    @Test("A retry of what is under way joins it, however full the queue is")
    func retryOfFullQueue() throws {
        var scene = AppenderScene(entryCount: 3)
        let c = try scene.propose(7)
        let bytes = Bytes(repeating: 1, count: Limits.valueBytesMax)
        for number in UInt64(0)..<256 { scene.append(2000 + number, bytes: bytes, since: 3) }
        scene.append(7, since: 3, token: 100)
        scene.end(try scene.land(c))
        #expect(scene.answers[100] == [.appended(at: 4)])
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
