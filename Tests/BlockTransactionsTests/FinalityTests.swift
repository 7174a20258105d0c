import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// When entries are made final, and what checkpoints claim of them.
@Suite("Finality") struct FinalityTests {
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

    @Test("What two sweeps of one event give out is all to be made final")
    func twoSweeps() throws {
        var scene = TreeScene(proxyCount: 1)
        // A tree of several blocks, so that it is not one shard that cannot make it final.
        let keys = (0...UInt8.max).map { TreeOperation.put(key: [$0], value: [1]) }
        try scene.run(1, TreeAction(operations: keys))
        let collection = scene.store.log.tail.collection
        var finality = Finality(collection: collection, shardCount: 16)
        finality.follow(.lives(scene.store.log.tail))
        func sweep(_ countMins: Int...) -> [FinaliseEntry] {
            var source = BatchSource(collection: collection)
            _ = source.adopt(.live(scene.store.log.tail))
            var effects = WriterEffects(
                now: scene.now, wallMilliseconds: 0, makeIdentifier: scene.identifiers.next,
                cache: FetchedObjects(), blocks: scene.proxies[0].cache,
                history: scene.proxies[0].history)
            for countMin in countMins {
                finality.sweep(countMin: countMin, on: source.log, &effects)
            }
            return effects.entriesToFinalise
        }
        let first = sweep(1)
        #expect(first.map(\.revision) == [Revision(1)])
        finality.ended(try #require(first.first), isFinal: false, now: scene.now)
        try scene.run(2, .put(1, value: 2))
        // First what failed before, then what is new.
        let revisions = sweep(Limits.finaliseIntervalRevisions, 1).map(\.revision)
        #expect(revisions.first == Revision(1) && revisions.last == Revision(2))
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
}
