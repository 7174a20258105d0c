import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Writers of one tree: rebase, re-run, and what they remember
/// (protocol: every-visited-block-is-read, written-blocks-are-computed-again).
@Suite struct TreeWriterTests {
    /// Two proxies on a tree of ten keys, which are in several leaves.
    private static func grown() throws -> TreeScene {
        var scene = TreeScene()
        try scene.run(1, .put(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, value: 1))
        #expect(scene.store.log.bodies[0].blocks.count > 4)
        return scene
    }

    /// Proxy 0 is outrun by proxy 1. - Returns: The attempts of proxy 0, before and after.
    private static func race(
        _ scene: inout TreeScene, _ slow: TreeAction, _ fast: TreeAction
    ) throws -> (before: CommitAttempt, after: CommitAttempt) {
        try scene.act(2, slow, at: 0)
        try scene.prepare(0)
        let before = try #require(scene.proxies[0].attempt)
        try scene.run(3, fast, at: 1)
        try scene.answer(0)
        try scene.prepare(0)
        let after = try #require(scene.proxies[0].attempt)
        #expect(after.participant.target == before.participant.target.next)
        try scene.answer(0)
        #expect(scene.answers[2]?.count == 1)
        return (before, after)
    }

    @Test("A batch that lost to another leaf lands as it is, under the same payload")
    func rebased() throws {
        var scene = try TreeWriterTests.grown()
        let (before, after) = try TreeWriterTests.race(
            &scene, .put(10, value: 2), .put(100, value: 3))
        #expect(after.payload == before.payload)
        #expect(after.body == before.body)
        #expect(after.writes.map(\.record) == before.writes.map(\.record))
        let values = try scene.store.entries(at: Revision(3))
        #expect(values.first?.value == [2])
        #expect(values.last?.value == [3])
    }

    @Test("What a batch made of an action is not taken for another one under the same id")
    func otherActionUnderOneID() throws {
        var scene = try TreeWriterTests.grown()
        try scene.act(2, .put(10, value: 2))
        try scene.prepare()
        let before = try #require(scene.proxies[0].attempt)
        scene.proxies[0].attempt = nil
        // Its client has given up when the coordinator says that nothing was done.
        scene.now = scene.now.advanced(by: .seconds(20))
        try scene.handle(0) { $0.tick(&$1) }
        let error = DatabaseError(.quorumUnavailable, "no quorum")
        try scene.handle(0) { $0.attemptEnded(.failed(error), &$1) }
        try scene.act(2, .put(10, value: 9))
        try scene.prepare()
        let after = try #require(scene.proxies[0].attempt)
        #expect(after.payload != before.payload)
        try scene.answer(0)
        #expect(try scene.store.entries(at: Revision(2)).first?.value == [9])
    }

    @Test("An attempt that makes no sense is told at once, and not made again")
    func refused() throws {
        var scene = try TreeWriterTests.grown()
        try scene.act(2, .put(10, value: 2))
        try scene.prepare()
        scene.proxies[0].attempt = nil
        let error = DatabaseError(.invalidArgument, "it makes no sense")
        try scene.handle(0) { $0.attemptEnded(.failed(error), &$1) }
        #expect(scene.answers[2] == [.failed(error)])
        try scene.prepare()
        #expect(scene.proxies[0].attempt == nil)
    }

    // protocol: written-blocks-are-computed-again
    @Test("A batch that lost to the same leaf is run again, and sees what it lost to")
    func reRun() throws {
        var scene = try TreeWriterTests.grown()
        let slow = TreeAction(
            checks: [.value(key: [10], TreeValueHash([1]))],
            operations: [.put(key: [10], value: [2])])
        let (before, after) = try TreeWriterTests.race(&scene, slow, .put(10, value: 3))
        #expect(after.payload != before.payload)
        #expect(after.writes.isEmpty)
        #expect(try scene.store.entries(at: Revision(3)).first?.value == [3])
        guard case .acted(let landing)? = scene.answers[2]?.first else {
            Issue.record("\(scene.answers)")
            return
        }
        #expect(landing.outcome == .tree(.conflict(check: 0)))
    }

    @Test("A batch that read an absent key is run again when the key has come")
    func readAbsence() throws {
        var scene = try TreeWriterTests.grown()
        let slow = TreeAction(
            checks: [.value(key: [95], nil)], operations: [.put(key: [10], value: [2])])
        let (before, after) = try TreeWriterTests.race(&scene, slow, .put(95, value: 3))
        #expect(after.payload != before.payload)
        #expect(try scene.store.entries(at: Revision(3)).first?.value == [1])
    }

    @Test("A batch that lost to a new root is run again")
    func newRoot() throws {
        var scene = TreeScene()
        let (before, after) = try TreeWriterTests.race(
            &scene, .put(10, value: 2), .put(1, 2, 3, 4, 5, value: 3))
        #expect(after.payload != before.payload)
        #expect(try scene.store.entries(at: Revision(2)).count == 6)
    }

    @Test("An action on cold blocks fetches all that it misses on one level of the tree at once")
    func coldBlocks() throws {
        var scene = TreeScene()
        for number in 0..<UInt64(20) {
            let operations = (0..<10).map {
                TreeOperation.put(key: [UInt8(number), UInt8($0)], value: [1])
            }
            try scene.run(number + 1, TreeAction(operations: operations))
        }
        let keys = (0..<UInt8(20)).map { [$0, 5] as Bytes }
        let action = TreeAction(
            checks: keys.map { .present(key: $0) },
            operations: keys.map { .put(key: $0, value: [2]) })
        try scene.act(100, action, at: 1)
        try scene.readTail(of: 1)
        var roundCount = 0
        while !scene.proxies[1].fetches.isEmpty {
            roundCount += 1
            try scene.fetch(for: 1)
        }
        // The bodies of the log, and a tree of two hundred entries, four to a node.
        #expect(roundCount <= 10)
        try scene.answer(1)
        let values = try scene.store.entries(at: Revision(21)).map(\.value)
        #expect(values.count == 200 && values.filter { $0 == [2] }.count == 20)
    }

    @Test("An attempt that failed is made again under the same payload, here or further on")
    func failed() throws {
        for isOutrun in [false, true] {
            var scene = try TreeWriterTests.grown()
            try scene.act(2, .put(10, value: 2))
            try scene.prepare()
            let before = try #require(scene.proxies[0].attempt)
            scene.proxies[0].attempt = nil
            if isOutrun { try scene.run(3, .put(100, value: 3), at: 1) }
            try scene.handle(0) { $0.attemptEnded(.failed(.unknown), &$1) }
            try scene.prepare()
            let after = try #require(scene.proxies[0].attempt)
            #expect(after.payload == before.payload)
            #expect(after.participant.target == Revision(isOutrun ? 3 : 2))
            try scene.answer()
            #expect(scene.answers[2]?.count == 1)
            #expect(try scene.store.entries(at: scene.store.log.tail.revision)[0].value == [2])
        }
    }

    // MARK: Checkpoints

    @Test("What an entry claims to be final is not listed any more, though nobody reads the log")
    func ownCheckpoint() throws {
        var scene = TreeScene(proxyCount: 1)
        var listCountMax = 0
        for number in 1...UInt64(200) {
            try scene.act(number, .put(1, value: UInt8(number)))
            try scene.prepare()
            let lists = scene.proxies[0].attempt?.writes.map(\.committed.count) ?? []
            listCountMax = max(listCountMax, lists.max() ?? 0)
            try scene.answer()
            while !scene.proxies[0].finalising.isEmpty { try scene.finalise() }
        }
        #expect(scene.store.log.tail.checkpoint.revision > Revision(150))
        #expect(listCountMax <= 2 * Limits.finaliseIntervalRevisions)
        // The same checkpoint is not claimed again and again.
        let claims = scene.store.log.entries.compactMap(\.checkpoint)
        #expect(Set(claims).count == claims.count)
    }

    @Test("What an earlier writer had made final is no ground for the checkpoint of a later one")
    func foreignFinalise() throws {
        var scene = TreeScene(proxyCount: 1)
        for number in 1...UInt64(16) { try scene.run(number, .put(1, value: UInt8(number))) }
        let earlier = scene.proxies[0].finalising
        #expect(earlier.count == 16)
        // The writer is forgotten while its entries are on their way, and others write meanwhile.
        scene.proxies[0].writer = CollectionWriter(
            collection: scene.store.log.tail.collection, shardCount: 16)
        scene.proxies[0].finalising = []
        scene.proxies[0].history?.raiseFloor(to: Checkpoint(Revision(16)))
        scene.store.finalise(earlier.map(\.revision))
        for number in 17...UInt64(40) { try scene.run(number, .put(1, value: UInt8(number))) }
        #expect(scene.proxies[0].finalising.count >= 16)
        for entry in earlier { try scene.handle(0) { $0.finaliseEnded(entry, isFinal: true, &$1) } }
        // The store refuses a checkpoint that is not true.
        try scene.run(41, .put(1, value: 41))
        #expect(scene.store.log.tail.checkpoint.revision <= Revision(16))
    }

    // protocol: checkpoint-counts-a-quorum
    @Test("A checkpoint stays below the attempt that claims it, though readers have seen more")
    func claimBelowTarget() throws {
        var scene = TreeScene(proxyCount: 2)
        for number in 1...UInt64(40) { try scene.run(number, .put(1, value: UInt8(number))) }
        while !scene.proxies[0].finalising.isEmpty { try scene.finalise() }
        try scene.handle(0) { $0.tick(&$1) }
        while !scene.proxies[0].finalising.isEmpty { try scene.finalise() }
        // An attempt at 41 is made, is on its way, and others land three entries before it does.
        try scene.act(50, .put(1, value: 50))
        try scene.prepare(0)
        let early = try #require(scene.proxies[0].attempt)
        #expect(early.participant.target == Revision(41))
        #expect(early.checkpoint == Checkpoint(Revision(40)))
        scene.proxies[0].attempt = nil
        for number in 60...62 as ClosedRange<UInt64> {
            try scene.run(number, .put(1, value: UInt8(number)), at: 1)
        }
        // A reader of the same proxy has seen all of it and all of it is final.
        scene.store.finalise((1...43).map { Revision($0) })
        var history: BlockHistory?
        try BlockHistory.catchUp(
            &history, to: scene.store.log.tail,
            source: try FetchedObjects.everything(of: scene.store.log))
        history?.raiseFloor(to: Checkpoint(Revision(43)))
        scene.proxies[0].history = history
        // What its coordinator answers is an older tail: the next attempt aims at 42 only.
        var tail = scene.store.log.tail
        tail.entries.removeLast(2)
        tail.revision = Revision(41)
        tail.headerRevision = min(tail.headerRevision, Revision(41))
        let stale = tail
        try scene.handle(0) {
            $0.attemptEnded(.refused(.moved(landing: .notLookedFor, .live(stale))), &$1)
        }
        while !scene.proxies[0].fetches.isEmpty { try scene.fetch(for: 0) }
        let late = try #require(scene.proxies[0].attempt)
        #expect(late.participant.target == Revision(42))
        #expect(late.checkpoint.map { $0.revision < late.participant.target } ?? true)
    }

    @Test("A look at what is not final yet is due again while an attempt is under way")
    func sweepIsArmed() throws {
        var scene = TreeScene(proxyCount: 1)
        try scene.run(1, .put(1, value: 1))
        try scene.act(2, .put(1, value: 2))
        try scene.prepare()
        scene.now = scene.now.advanced(by: Limits.finaliseIdleTime)
        try scene.handle(0) { $0.tick(&$1) }
        #expect(scene.proxies[0].finalising.isEmpty)
        #expect(scene.proxies[0].wakeAt == scene.now.advanced(by: Limits.finaliseIdleTime))
        // The attempt never lands; the entry before it becomes final all the same.
        scene.proxies[0].attempt = nil
        scene.now = scene.now.advanced(by: .seconds(20))
        try scene.handle(0) { $0.tick(&$1) }
        let tail = scene.store.log.tail
        try scene.handle(0) {
            $0.attemptEnded(.refused(.moved(landing: .notLookedFor, .live(tail))), &$1)
        }
        #expect(scene.proxies[0].writer.isIdle)
        scene.now = scene.now.advanced(by: Limits.finaliseIdleTime)
        try scene.handle(0) { $0.tick(&$1) }
        #expect(scene.proxies[0].finalising.map(\.revision) == [Revision(1)])
        while !scene.proxies[0].finalising.isEmpty { try scene.finalise() }
        #expect(scene.proxies[0].writer.isFinal)
    }

    @Test("A writer that is given up has what is left made final, once")
    func leave() throws {
        var scene = TreeScene(proxyCount: 1)
        for number in 1...UInt64(3) { try scene.run(number, .put(1, value: UInt8(number))) }
        #expect(!scene.proxies[0].writer.isFinal)
        let entries = scene.proxies[0].writer.leave(scene.proxies[0].history)
        #expect(entries.map(\.revision) == [1, 2, 3].map { Revision($0) })
        #expect(scene.proxies[0].writer.leave(scene.proxies[0].history).isEmpty)
    }

    @Test("A writer whose entries cannot be made final looks whether its collection still lives")
    func dropped() throws {
        var scene = TreeScene(proxyCount: 1)
        try scene.run(1, .put(1, value: 1))
        try scene.handle(0) { $0.tick(&$1) }
        #expect(scene.proxies[0].finalising.count == 1)
        #expect(!scene.proxies[0].isReadingTail)
        try scene.finalise(isFinal: false)
        #expect(scene.proxies[0].isReadingTail)
        scene.proxies[0].isReadingTail = false
        try scene.handle(0) { $0.tailWasRead(.dropped(Sample.ended(1)), &$1) }
        #expect(scene.proxies[0].writer.isForgettable)
        try scene.handle(0) { $0.tick(&$1) }
        #expect(scene.proxies[0].finalising.isEmpty && !scene.proxies[0].isReadingTail)
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

    // MARK: Lives

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
