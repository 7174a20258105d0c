import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What is said of an action by what is known of the log, which may be behind or of another life.
@Suite("What is known of the log") struct KnownLogTests {
    @Test("A collection that is gone, or lives again, takes nothing of its earlier life")
    func gone() throws {
        var scene = DiaryScene(entryCount: 3)
        scene.append(7, since: 3)
        scene.handle { $0.tailWasRead(.dropped(Sample.ended(1)), &$1) }
        #expect(try scene.error(7).code == .collectionNotFound)
        scene.append(8, since: 3)
        var revived = SampleLog(generation: 2)
        revived.append(Sample.body([30]))
        let effects = scene.handle { $0.tailWasRead(.live(revived.tail), &$1) }
        #expect(effects.attempt == nil)
        #expect(try scene.error(8).code == .collectionNotFound)
        #expect(try scene.error(8).outcome == .notApplied)
        #expect(scene.writer.isIdle)
    }

    @Test("A first revision above a log that was just read is a mistake of the client")
    func fromTheFuture() throws {
        var scene = DiaryScene(entryCount: 3)
        let commit = try scene.propose(7)
        scene.end(try scene.land(commit))
        // What is known may be behind: the tail is read before anything is said.
        let effects = scene.append(8, since: 5)
        #expect(effects.wantsTail)
        #expect(effects.attempt == nil)
        scene.readTail()
        #expect(try scene.error(8).code == .invalidArgument)
    }

    @Test("Actions that say they have seen more than there is hold up no other one")
    func aheadForEver() throws {
        var scene = DiaryScene(entryCount: 3)
        let first = try scene.propose(7)
        scene.end(try scene.land(first))
        for number in 1...9 as ClosedRange<UInt64> {
            // One comes while the tail is read for the one before it, again and again.
            scene.append(100 + number, since: 1_000_000)
            scene.append(200 + number, since: 1_000_000)
            let honest = scene.append(number + 10, since: scene.log.tail.revision.rawValue)
            let commit = try #require(honest.attempt?.commit)
            #expect(try commit.actions() == [Sample.action(number + 10)])
            scene.readTail()
            scene.end(try scene.land(commit))
            #expect(scene.answers[number + 10]?.count == 1)
        }
        for _ in 0..<3 { scene.readTail() }
        for number in 1...9 as ClosedRange<UInt64> {
            #expect(try scene.error(100 + number).code == .invalidArgument)
            #expect(try scene.error(200 + number).code == .invalidArgument)
        }
    }

    @Test("An action is judged only by a tail whose read began after the action had come")
    func readBefore() throws {
        var scene = DiaryScene(entryCount: 3)
        scene.append(7, since: 3)
        let earlier = scene.log.tail
        scene.othersAppend([50])
        scene.append(8, since: 4)
        let effects = scene.handle { $0.tailWasRead(.live(earlier), &$1) }
        #expect(scene.answers.isEmpty, "8 has seen more than that tail tells")
        #expect(effects.wantsTail)
        // The other one need not wait for that.
        let early = try #require(effects.attempt?.commit)
        #expect(try early.actions() == [Sample.action(7)])
        scene.readTail()
        #expect(scene.answers.isEmpty)
        let moved = scene.end(early.moved(by: scene.log.tail))
        let commit = try #require(try scene.fetchAll(after: moved).attempt?.commit)
        #expect(try Set(commit.actions()) == [Sample.action(7), Sample.action(8)])
        // Nor by an answer to an attempt that was under way when it came.
        scene.append(9, since: 6)
        scene.othersAppend([51])
        scene.end(.refused(.moved(landing: .notLookedFor, .live(scene.log.tail))))
        #expect(scene.answers.isEmpty)
    }

    @Test("A collection that was not there before an action had come may be there since")
    func createdMeanwhile() throws {
        var scene = DiaryScene(entryCount: 0)
        scene.append(7, since: 0)
        scene.append(8, since: 0)
        scene.append(9, since: 0)
        let effects = scene.handle { $0.tailWasRead(.absent(generation: 0), &$1) }
        #expect(try scene.error(7).code == .collectionNotFound)
        #expect(scene.answers[8] == nil)
        #expect(effects.wantsTail)
        let commit = try #require(scene.readTail().attempt?.commit)
        #expect(try commit.actions() == [Sample.action(8), Sample.action(9)])
    }

    @Test(
        "The answer to an attempt of a life that is over says nothing of the life after it",
        arguments: [true, false], [true, false])
    func lateAnswerOfAnEarlierLife(isCommitted: Bool, isWrittenBefore: Bool) throws {
        var scene = TreeScene(proxyCount: 1)
        try scene.act(1, .put(1, value: 1))
        try scene.prepare()
        let old = try #require(scene.proxies[0].attempt)
        let reply = try scene.store.land(old)
        let oldTail = scene.store.log.tail
        // Dropped and created again, and written by somebody else, earlier or later.
        scene.store = TreeStore(generation: 2)
        func othersWrite() throws {
            var others = TreeScene(proxyCount: 1, seed: 7)
            others.store = scene.store
            try others.run(9, .put(9, value: 9))
            scene.store = others.store
        }
        if isWrittenBefore { try othersWrite() }
        try scene.act(2, .put(2, value: 2), since: .zero)
        try scene.prepare()
        scene.proxies[0].attempt = nil
        try scene.handle(0) {
            $0.attemptEnded(isCommitted ? reply : old.moved(by: oldTail), &$1)
        }
        if !isWrittenBefore { try othersWrite() }
        try scene.act(9, .put(9, value: 9), since: .zero)
        for _ in 0..<5 {
            try scene.prepare()
            try scene.answer()
        }
        // The one of the new life landed, the one that had landed was found there.
        #expect(scene.store.log.tail.revision == Revision(2))
        #expect(try scene.store.entries(at: Revision(2)).map(\.key) == [[2], [9]])
        for token in [2, 9] as [UInt64] {
            guard case .acted? = scene.answers[token]?.first else {
                Issue.record("\(token): \(scene.answers)")
                return
            }
        }
    }
}
