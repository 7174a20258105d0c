import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// An action that has landed is found, and not made again (protocol: dedupe-scan).
@Suite("The scan for earlier landings") struct DedupeScanTests {
    // protocol: dedupe-scan
    @Test("An action that landed long ago is found in sealed entries and never proposed again")
    func landedBefore() throws {
        var scene = DiaryScene(entryCount: 300)
        // Entry 9 is that of action 1009.
        scene.append(1009, since: 5)
        let effects = try scene.fetchAll(after: scene.readTail())
        #expect(effects.attempt == nil)
        #expect(scene.answers == [1009: [.appended(at: 9)]])
        #expect(scene.fetchedSegmentCount > 0)
        #expect(scene.writer.isIdle)
        // Whoever asks again is answered from memory.
        let again = scene.append(1009, since: 5, token: 2)
        #expect(!again.wantsTail)
        #expect(again.wants.isEmpty)
        #expect(scene.answers[2] == [.appended(at: 9)])
    }

    @Test("An action that did not land is proposed once all since its first revision was read")
    func longScan() throws {
        var scene = DiaryScene(entryCount: 300)
        scene.append(7, since: 5)
        let read = scene.readTail()
        #expect(read.attempt == nil)
        let effects = try scene.fetchAll(after: read)
        #expect(effects.attempt?.commit.participant.target == Revision(301))
        // Segments of two entries hold 5 to 298; those of 299 and 300 are open.
        #expect(scene.fetchedSegmentCount >= 147)
    }

    @Test("One that comes back after long delays none that follows the log closely")
    func lateComer() throws {
        var scene = DiaryScene(entryCount: 300)
        scene.append(7, since: 5)
        scene.append(8, since: 300)
        let effects = scene.readTail()
        #expect(try effects.attempt?.commit.actions() == [Sample.action(8)])
        #expect(!effects.wants.isEmpty)
    }

    // protocol: same-id-same-bytes
    @Test("An action id that comes again with other bytes is refused, wherever the first one is")
    func reuse() throws {
        var scene = DiaryScene(entryCount: 60)
        // Landed long ago: found by the scan.
        scene.append(1009, bytes: [1], since: 5)
        try scene.fetchAll(after: scene.readTail())
        #expect(try scene.error(1009).code == .actionIDReuse)
        // Landed and remembered.
        scene.append(1010, bytes: [1], since: 5)
        #expect(try scene.error(1010).code == .actionIDReuse)
        // Under way.
        let commit = try scene.propose(7)
        scene.append(7, bytes: [1], since: 60, token: 100)
        #expect(try scene.error(100).code == .actionIDReuse)
        // Queued.
        scene.append(8, since: 60)
        scene.append(8, bytes: [1], since: 60, token: 101)
        #expect(try scene.error(101).code == .actionIDReuse)
        #expect(try scene.error(101).outcome == .notApplied)
        // Just landed.
        scene.end(try scene.land(commit))
        scene.append(7, bytes: [1], since: 60, token: 102)
        #expect(try scene.error(102).code == .actionIDReuse)
        #expect(scene.answers[7] == [.appended(at: 61)])
    }

    @Test("An action first sent before the truncated history may be in it: nobody knows")
    func dedupeWindowLost() throws {
        var scene = DiaryScene(entryCount: 20)
        scene.log.truncate(through: Revision(10))
        scene.append(7, since: 9)
        scene.append(8, since: 10)
        let effects = scene.readTail()
        let error = try scene.error(7)
        #expect(error.code == .dedupeWindowLost)
        #expect(error.outcome == .unknown)
        let read = try scene.fetchAll(after: effects)
        #expect(try read.attempt?.commit.actions() == [Sample.action(8)])
    }

    @Test("To scan what is left of truncated history makes an action twice, and is found")
    func truncatedWindowScanned() throws {
        for bug in [nil, PlantedBug.truncatedWindowScanned] {
            try SimulationHooks.$plantedBug.withValue(bug) {
                var scene = DiaryScene(entryCount: 20)
                scene.log.truncate(through: Revision(10))
                // It landed at 5.
                scene.append(1005, since: 3)
                let read = try scene.fetchAll(after: scene.readTail())
                let isMadeAgain = try read.attempt?.commit.actions() == [Sample.action(1005)]
                #expect(isMadeAgain == (bug != nil))
            }
        }
    }

    @Test("The index goes on after entries that another proxy appended")
    func indexAfterGap() throws {
        var scene = DiaryScene(entryCount: 4)
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
}
