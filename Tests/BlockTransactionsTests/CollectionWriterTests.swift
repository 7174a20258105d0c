import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Batches, earlier landings, limits (protocol: dedupe-scan).
@Suite struct CollectionWriterTests {
    @Test("An action that nothing can have landed is proposed at once, after one look at the tail")
    func fresh() throws {
        var scene = AppenderScene(entryCount: 40)
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
        #expect(scene.appender.isIdle)
        // What it learned is enough for the next one.
        let next = scene.append(8, since: 41)
        #expect(!next.wantsTail)
        #expect(next.attempt?.commit.participant.target == Revision(42))
    }

    @Test("What comes during an attempt is one batch after it, in the order of arrival")
    func batch() throws {
        var scene = AppenderScene(entryCount: 3)
        let first = try scene.propose(7)
        for number in UInt64(8)...11 {
            let effects = scene.append(number, since: 3)
            #expect(effects.attempt == nil)
            #expect(!effects.wantsTail)
        }
        let effects = scene.end(try scene.land(first))
        let second = try #require(effects.attempt?.commit)
        #expect(second.participant.target == Revision(5))
        #expect(try second.actions() == [8, 9, 10, 11].map { Sample.action($0) })
        scene.end(try scene.land(second))
        for index in UInt32(0)..<4 {
            #expect(scene.answers[8 + UInt64(index)] == [.appended(at: 5, index)])
        }
    }

    // protocol: dedupe-scan
    @Test("An action that landed long ago is found in sealed entries and never proposed again")
    func landedBefore() throws {
        var scene = AppenderScene(entryCount: 300)
        // Entry 9 is that of action 1009.
        scene.append(1009, since: 5)
        let effects = try scene.fetchAll(after: scene.readTail())
        #expect(effects.attempt == nil)
        #expect(scene.answers == [1009: [.appended(at: 9)]])
        #expect(scene.fetchedSegmentCount > 0)
        #expect(scene.appender.isIdle)
        // Whoever asks again is answered from memory.
        let again = scene.append(1009, since: 5, token: 2)
        #expect(!again.wantsTail)
        #expect(again.wants.isEmpty)
        #expect(scene.answers[2] == [.appended(at: 9)])
    }

    @Test("An action that did not land is proposed once all since its first revision was read")
    func longScan() throws {
        var scene = AppenderScene(entryCount: 300)
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
        var scene = AppenderScene(entryCount: 300)
        scene.append(7, since: 5)
        scene.append(8, since: 300)
        let effects = scene.readTail()
        #expect(try effects.attempt?.commit.actions() == [Sample.action(8)])
        #expect(!effects.wants.isEmpty)
    }

    // protocol: same-id-same-bytes
    @Test("An action id that comes again with other bytes is refused, wherever the first one is")
    func reuse() throws {
        var scene = AppenderScene(entryCount: 60)
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

    @Test("Everybody who asks for one action is told its one position")
    func joined() throws {
        var scene = AppenderScene(entryCount: 3)
        scene.append(7, since: 3)
        scene.append(7, since: 3, token: 100)
        let commit = try #require(scene.readTail().attempt?.commit)
        #expect(try commit.actions() == [Sample.action(7)])
        scene.append(7, since: 3, token: 101)
        scene.end(try scene.land(commit))
        scene.append(7, since: 3, token: 102)
        for token in [7, 100, 101, 102] as [UInt64] {
            #expect(scene.answers[token] == [.appended(at: 4)])
        }
    }

    @Test("An attempt that others outran is made again above what they appended")
    func moved() throws {
        var scene = AppenderScene(entryCount: 10)
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

    @Test("An action first sent before the truncated history may be in it: nobody knows")
    func dedupeWindowLost() throws {
        var scene = AppenderScene(entryCount: 20)
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
                var scene = AppenderScene(entryCount: 20)
                scene.log.truncate(through: Revision(10))
                // It landed at 5.
                scene.append(1005, since: 3)
                let read = try scene.fetchAll(after: scene.readTail())
                let isMadeAgain = try read.attempt?.commit.actions() == [Sample.action(1005)]
                #expect(isMadeAgain == (bug != nil))
            }
        }
    }

    @Test("A value larger than a diary entry may be is refused, one of that size is not")
    func oversized() throws {
        var scene = AppenderScene(entryCount: 3)
        let largest = Bytes(repeating: 1, count: Limits.valueBytesMax)
        scene.append(7, bytes: largest + [1], since: 3)
        let error = try scene.error(7)
        #expect(error.code == .valueTooLarge)
        #expect(error.outcome == .notApplied)
        #expect(scene.appender.isIdle)
        scene.append(8, bytes: largest, since: 3)
        let commit = try #require(scene.readTail().attempt?.commit)
        scene.end(try scene.land(commit))
        #expect(scene.answers[8] == [.appended(at: 4)])
    }

    @Test("A full queue refuses more until some of it has landed; a batch fits a body")
    func overfull() throws {
        var scene = AppenderScene(entryCount: 3)
        let bytes = Bytes(repeating: 1, count: Limits.valueBytesMax)
        let weight = Limits.valueBytesMax + Limits.queuedActionBytes
        let count = UInt64(Limits.collectionQueueBytesMax / weight)
        for number in 0..<count { scene.append(2000 + number, bytes: bytes, since: 3) }
        #expect(scene.answers.isEmpty)
        scene.append(7, bytes: bytes, since: 3)
        let error = try scene.error(7)
        #expect(error.code == .overloaded)
        #expect(error.outcome == .notApplied)
        #expect(error.retryAfter != nil)
        var effects = scene.readTail()
        scene.append(8, bytes: bytes, since: 3)
        while let commit = effects.attempt?.commit {
            #expect(commit.body.count <= Limits.bodyBytesMax)
            effects = scene.end(try scene.land(commit))
        }
        #expect(scene.appender.isIdle)
        #expect(scene.answers.count == Int(count) + 2)
        for (token, replies) in scene.answers where token != 7 {
            guard replies.count == 1, case .acted(let landing) = replies[0] else {
                Issue.record("\(token): \(replies)")
                continue
            }
            let landed = scene.log.bodies[Int(landing.position.revision.rawValue) - 1]
            #expect(landed.actions[Int(landing.position.index)].id == Sample.action(token))
        }
        // What has landed takes no room any more.
        for number in 0..<count {
            scene.append(4000 + number, bytes: bytes, since: scene.log.tail.revision.rawValue)
            #expect(scene.answers[4000 + number] == nil)
        }
    }

    @Test("A collection that is gone, or lives again, takes nothing of its earlier life")
    func gone() throws {
        var scene = AppenderScene(entryCount: 3)
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
        #expect(scene.appender.isIdle)
    }

    @Test("A first revision above a log that was just read is a mistake of the client")
    func fromTheFuture() throws {
        var scene = AppenderScene(entryCount: 3)
        let commit = try scene.propose(7)
        scene.end(try scene.land(commit))
        // What is known may be behind: the tail is read before anything is said.
        let effects = scene.append(8, since: 5)
        #expect(effects.wantsTail)
        #expect(effects.attempt == nil)
        scene.readTail()
        #expect(try scene.error(8).code == .invalidArgument)
    }

    @Test("An action is judged only by a tail whose read began after the action had come")
    func readBefore() throws {
        var scene = AppenderScene(entryCount: 3)
        scene.append(7, since: 3)
        let earlier = scene.log.tail
        scene.othersAppend([50])
        scene.append(8, since: 4)
        let effects = scene.handle { $0.tailWasRead(.live(earlier), &$1) }
        #expect(scene.answers.isEmpty, "8 has seen more than that tail tells")
        #expect(effects.wantsTail)
        let read = try scene.fetchAll(after: scene.readTail())
        let commit = try #require(read.attempt?.commit)
        #expect(try commit.actions() == [Sample.action(7), Sample.action(8)])
        // Nor by an answer to an attempt that was under way when it came.
        scene.append(9, since: 6)
        scene.othersAppend([51])
        scene.end(.refused(.moved(landing: .notLookedFor, .live(scene.log.tail))))
        #expect(scene.answers.isEmpty)
    }

    @Test("A collection that was not there before an action had come may be there since")
    func createdMeanwhile() throws {
        var scene = AppenderScene(entryCount: 0)
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
}
