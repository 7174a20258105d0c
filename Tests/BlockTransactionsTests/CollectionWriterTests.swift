import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// The order of events in a writer.
@Suite struct CollectionWriterTests {
    @Test("An action that nothing can have landed is proposed at once, after one look at the tail")
    func fresh() throws {
        var scene = DiaryScene(entryCount: 40)
        let asked = scene.append(7, since: 40)
        #expect(asked.wantsTail)
        #expect(asked.attempt == nil)
        let effects = scene.readTail()
        #expect(effects.wants.isEmpty)
        let commit = try #require(effects.attempt?.commit)
        #expect(commit.participant.target == Revision(41))
        #expect(commit.participant.incarnation == scene.log.tail.incarnation)
        #expect(commit.body == Sample.body([7]).canonicalBytes)
        #expect(effects.attempt?.deadline == Instant.origin.advanced(by: .seconds(10)))
        scene.end(try scene.land(commit))
        #expect(scene.answers == [7: [.appended(at: 41)]])
        #expect(scene.writer.isIdle)
        // What it learned is enough for the next one.
        let next = scene.append(8, since: 41)
        #expect(!next.wantsTail)
        #expect(next.attempt?.commit.participant.target == Revision(42))
    }

    @Test("An attempt that others outran is made again above what they appended")
    func moved() throws {
        var scene = DiaryScene(entryCount: 10)
        let first = try scene.propose(7)
        scene.othersAppend([21, 22, 23])
        let reply = try scene.land(first)
        let effects = try scene.fetchAll(after: scene.end(reply))
        let second = try #require(effects.attempt?.commit)
        #expect(second.participant.target == Revision(14))
        #expect(second.payload != first.payload)
        #expect(scene.fetchedSegmentCount > 0)
        scene.end(try scene.land(second))
        #expect(scene.answers == [7: [.appended(at: 14)]])
    }

    // MARK: Refusals

    @Test("A value larger than a diary entry may be is refused, one of that size is not")
    func oversized() throws {
        var scene = DiaryScene(entryCount: 3)
        let largest = Bytes(repeating: 1, count: Limits.valueBytesMax)
        scene.append(7, bytes: largest + [1], since: 3)
        let error = try scene.error(7)
        #expect(error.code == .valueTooLarge)
        #expect(error.outcome == .notApplied)
        #expect(scene.writer.isIdle)
        scene.append(8, bytes: largest, since: 3)
        let commit = try #require(scene.readTail().attempt?.commit)
        scene.end(try scene.land(commit))
        #expect(scene.answers[8] == [.appended(at: 4)])
    }

    @Test("An attempt that makes no sense is told at once, and not made again")
    func refused() throws {
        var scene = try RebasableBatchTests.grown()
        try scene.act(2, .put(10, value: 2))
        try scene.prepare()
        scene.proxies[0].attempt = nil
        let error = DatabaseError(.invalidArgument, "it makes no sense")
        try scene.handle(0) { $0.attemptEnded(.failed(error), &$1) }
        #expect(scene.answers[2] == [.failed(error)])
        try scene.prepare()
        #expect(scene.proxies[0].attempt == nil)
    }

    @Test("An action that can only wait asks for nothing; what can be told is told at once")
    func onlyWaits() throws {
        var scene = TreeScene(proxyCount: 1)
        try scene.run(1, .put(1, value: 1))
        try scene.act(2, .put(1, value: 2))
        try scene.prepare()
        let attempt = try #require(scene.proxies[0].attempt)
        // Nothing is known against it: it waits for the attempt, and its client for its time.
        scene.proxies[0].wakeAt = nil
        let waiting = ActionRequest(
            collection: attempt.participant.collection,
            incarnation: attempt.participant.incarnation, action: Sample.action(3),
            firstRevision: Revision(1), content: .tree(.put(1, value: 3)))
        let end = scene.now.advanced(by: .seconds(10))
        try scene.handle(0) { $0.act(waiting, token: 3, deadline: end, &$1) }
        #expect(!scene.proxies[0].isReadingTail && scene.proxies[0].fetches.isEmpty)
        #expect(scene.proxies[0].wakeAt == end)
        // These are told at once, attempt or not.
        try scene.act(1, .put(1, value: 1), since: .zero)
        #expect(scene.answers[1]?.count == 2, "it landed before")
        let kind = ActionRequest(
            collection: attempt.participant.collection,
            incarnation: attempt.participant.incarnation, action: Sample.action(4),
            firstRevision: Revision(1), content: .append([1]))
        let deadline = scene.now.advanced(by: .seconds(10))
        try scene.handle(0) {
            $0.act(kind, token: 4, deadline: deadline, &$1)
            $0.tick(&$1)
        }
        guard case .failed(let error)? = scene.answers[4]?.first else {
            Issue.record("\(scene.answers)")
            return
        }
        #expect(error.code == .collectionKindMismatch)
        // One that has seen more than is known here needs the tail.
        try scene.act(5, .put(1, value: 5), since: Revision(9))
        #expect(scene.proxies[0].isReadingTail)
    }
}
