import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// What is done with a batch, and said of it, while its outcome is not known
/// (protocol: doubt-belongs-to-the-attempt, unknown-holds-the-next).
@Suite("A batch in flight") struct InFlightBatchTests {
    /// An attempt of action 7 at revision 41 that may have landed; the tail is being read.
    private static func doubtful() throws -> (scene: DiaryScene, commit: CommitAttempt) {
        var scene = DiaryScene(entryCount: 40)
        let commit = try scene.propose(7)
        let effects = scene.end(.failed(.unknown))
        #expect(effects.attempt == nil)
        #expect(effects.wantsTail)
        return (scene, commit)
    }

    @Test("An attempt of unknown outcome that landed is found where it aimed, not made again")
    func landedAfterAll() throws {
        var (scene, commit) = try InFlightBatchTests.doubtful()
        _ = try scene.land(commit)
        scene.othersAppend([21, 22, 23])
        let read = scene.readTail()
        #expect(read.attempt == nil)
        #expect(!read.wants.isEmpty)
        let effects = try scene.fetchAll(after: read)
        #expect(effects.attempt == nil)
        #expect(scene.answers == [7: [.appended(at: 41)]])
        #expect(scene.writer.isIdle)
    }

    // protocol: unknown-holds-the-next, appends-read-nothing
    @Test("One that lost is made at a later revision only after the one it aimed at was read")
    func lost() throws {
        var (scene, _) = try InFlightBatchTests.doubtful()
        scene.othersAppend([21, 22, 23])
        let read = scene.readTail()
        #expect(read.attempt == nil)
        #expect(!read.wants.isEmpty)
        // Neither time nor other clients make it go without.
        #expect(scene.pass(seconds: 1).attempt == nil)
        #expect(scene.append(7, since: 40, token: 100).attempt == nil)
        let effects = try scene.fetchAll(after: read)
        let second = try #require(effects.attempt?.commit)
        #expect(second.participant.target == Revision(44))
        scene.end(try scene.land(second))
        #expect(scene.answers == [7: [.appended(at: 44)], 100: [.appended(at: 44)]])
    }

    @Test("A fenced attempt is dead, doubt included: its action goes on in another attempt")
    func fenced() throws {
        var scene = DiaryScene(entryCount: 40)
        let first = try scene.propose(7)
        scene.progress(isTrying: false, trouble: .unknown)
        var tail = scene.log.tail
        tail.aborted = [first.attempt.digest]
        let effects = scene.end(.refused(.fenced(.live(tail))))
        let second = try #require(effects.attempt?.commit)
        #expect(second.participant == first.participant && second.payload != first.payload)
        #expect(try second.actions() == [Sample.action(7)])
        scene.end(try scene.land(second))
        #expect(scene.answers == [7: [.appended(at: 41)]])
        #expect(scene.writer.isIdle)
    }

    @Test("Ids of attempts are drawn where ids that last for ever are, one after another")
    func payloadIdentifiers() throws {
        var scene = DiaryScene(entryCount: 3, seed: 9)
        let drawn = SeededIdentifiers(seed: 9)
        for number in 1...5 as ClosedRange<UInt64> {
            let commit = try scene.propose(number)
            #expect(commit.payload.action == ActionID(rawValue: drawn.next()))
            scene.end(try scene.land(commit))
        }
    }

    @Test("While the revision it aimed at is free, it is made again there and nowhere else")
    func sameTarget() throws {
        var (scene, first) = try InFlightBatchTests.doubtful()
        let second = try #require(scene.readTail().attempt?.commit)
        #expect(second.participant.target == first.participant.target)
        #expect(try second.actions() == [Sample.action(7)])
        // The first lands late: the second is outrun by it.
        _ = try scene.land(first)
        let effects = try scene.fetchAll(after: scene.end(try scene.land(second)))
        #expect(effects.attempt == nil)
        #expect(scene.answers == [7: [.appended(at: 41)]])
    }

    @Test("Other actions wait for no one in doubt, and the one in doubt is not among them")
    func others() throws {
        var (scene, commit) = try InFlightBatchTests.doubtful()
        _ = try scene.land(commit)
        scene.othersAppend([21, 22, 23])
        scene.append(8, since: 44)
        let read = scene.readTail()
        let second = try #require(read.attempt?.commit)
        #expect(second.participant.target == Revision(45))
        #expect(try second.actions() == [Sample.action(8)])
        scene.end(try scene.land(second))
        var things = Fetched()
        for case .object(let key) in read.wants { things.objects[key] = try scene.log.object(key) }
        let effects = scene.handle { $0.wasFetched(things, &$1) }
        try scene.fetchAll(after: effects)
        #expect(scene.answers == [7: [.appended(at: 41)], 8: [.appended(at: 45)]])
    }

    @Test("Gone after an unknown outcome stays unknown, and is certain without one")
    func gone() throws {
        for isDropped in [true, false] {
            var (scene, _) = try InFlightBatchTests.doubtful()
            scene.append(8, since: 40)
            let value: TailValue =
                isDropped ? .dropped(Sample.ended(1)) : .live(SampleLog(generation: 2).tail)
            scene.handle { $0.tailWasRead(value, &$1) }
            scene.handle { $0.tick(&$1) }
            scene.handle { $0.tailWasRead(value, &$1) }
            #expect(try scene.error(7).outcome == .unknown)
            #expect(try scene.error(8).code == .collectionNotFound)
            #expect(try scene.error(8).outcome == .notApplied)
        }
    }

    @Test("A lost race ends an attempt when its target was looked at, and only then")
    func movedLanding() throws {
        for landing in [CommitRefusal.Landing.absent, .notLookedFor] {
            var scene = DiaryScene(entryCount: 40)
            _ = try scene.propose(7)
            scene.othersAppend([21, 22, 23])
            // The log cannot be read.
            scene.end(.refused(.moved(landing: landing, .live(scene.log.tail))))
            scene.handle { $0.fetchFailed(.refused, for: .scan, &$1) }
            scene.pass(seconds: 10)
            let isCertain = landing == .absent
            #expect(try scene.error(7).outcome == (isCertain ? .notApplied : .unknown))
        }
    }

    #if SIMULATION_HOOKS
    @Test("Gone that is told as certain is found")
    func plantedGone() throws {
        try SimulationHooks.$plantedBug.withValue(.goneEndsDoubt) {
            var (scene, _) = try InFlightBatchTests.doubtful()
            scene.handle { $0.tailWasRead(.dropped(Sample.ended(1)), &$1) }
            #expect(try scene.error(7).outcome == .notApplied)
        }
    }
    #endif

    // MARK: Deadlines

    @Test("A deadline that passes while an attempt is out says unknown")
    func deadlineInFlight() throws {
        var scene = DiaryScene(entryCount: 40)
        let commit = try scene.propose(7, seconds: 5)
        scene.pass(seconds: 4)
        #expect(scene.answers.isEmpty)
        scene.pass(seconds: 1)
        #expect(try scene.error(7).code == .commitResultUnknown)
        #expect(try scene.error(7).outcome == .unknown)
        // The late answer reaches nobody, and is remembered.
        scene.end(try scene.land(commit))
        #expect(scene.answers[7]?.count == 1)
        scene.append(7, since: 40, token: 100)
        #expect(scene.answers[100] == [.appended(at: 41)])
    }

    @Test("So does one that passes after a try without an answer, whatever later tries say")
    func deadlineAfterTrouble() throws {
        var scene = DiaryScene(entryCount: 40)
        _ = try scene.propose(7, seconds: 5)
        scene.progress(isTrying: false, trouble: .unknown)
        scene.progress(isTrying: true)
        scene.progress(isTrying: false, trouble: .refused)
        scene.pass(seconds: 5)
        #expect(try scene.error(7).outcome == .unknown)
        // Nobody waits for it any more: it is not made again.
        #expect(scene.end(.failed(.refused)).attempt == nil)
        #expect(scene.writer.isIdle)
    }

    @Test("And one that passes while the log cannot be read after an attempt in doubt")
    func deadlineInDoubt() throws {
        var (scene, _) = try InFlightBatchTests.doubtful()
        scene.handle { $0.tailReadFailed(.refused, &$1) }
        #expect(scene.answers.isEmpty)
        scene.pass(seconds: 10)
        #expect(try scene.error(7).outcome == .unknown)
        #expect(scene.writer.isIdle)
    }

    @Test("Doubt lasts while the revision it is about is free, through later definite failures")
    func doubtStays() throws {
        var (scene, _) = try InFlightBatchTests.doubtful()
        #expect(scene.readTail().attempt != nil)
        scene.end(.failed(.refused))
        scene.pass(seconds: 10)
        #expect(try scene.error(7).outcome == .unknown)
    }

    @Test("Doubt ends once the revision it is about was read and holds other actions")
    func doubtEnds() throws {
        var (scene, _) = try InFlightBatchTests.doubtful()
        scene.othersAppend([21, 22, 23])
        let effects = try scene.fetchAll(after: scene.readTail())
        #expect(effects.attempt != nil)
        scene.end(.failed(.refused))
        scene.pass(seconds: 10)
        #expect(try scene.error(7) == .refused)
    }

    @Test("A deadline that passes before any attempt says that nothing was applied")
    func deadlineBeforeAttempt() throws {
        var scene = DiaryScene(entryCount: 40)
        let effects = scene.append(7, since: 40, seconds: 5)
        #expect(effects.wakeAt == Instant.origin.advanced(by: .seconds(5)))
        scene.pass(seconds: 5)
        #expect(try scene.error(7).code == .deadlineExceeded)
        #expect(try scene.error(7).outcome == .notApplied)
        #expect(scene.writer.isIdle)
    }

    @Test("Whoever has more time goes on when another's deadline passes")
    func twoDeadlines() throws {
        var scene = DiaryScene(entryCount: 40)
        scene.append(7, since: 40, seconds: 5)
        scene.append(7, since: 40, token: 100, seconds: 20)
        let effects = scene.readTail()
        let commit = try #require(effects.attempt?.commit)
        #expect(effects.attempt?.deadline == Instant.origin.advanced(by: .seconds(20)))
        scene.pass(seconds: 6)
        #expect(try scene.error(7).outcome == .unknown)
        #expect(scene.answers[100] == nil)
        scene.end(try scene.land(commit))
        #expect(scene.answers[100] == [.appended(at: 41)])
    }

    // protocol: gone-after-doubt-is-unknown
    @Test("A collection dropped while an attempt is in doubt leaves the outcome unknown")
    func droppedInDoubt() throws {
        var (scene, _) = try InFlightBatchTests.doubtful()
        scene.handle { $0.tailWasRead(.dropped(Sample.ended(1)), &$1) }
        #expect(try scene.error(7).outcome == .unknown)
        #expect(scene.writer.isIdle)
    }

    @Test("While others wait for the attempt, nobody in it is told that it failed")
    func toldNotAppliedThenLands() throws {
        var scene = DiaryScene(entryCount: 4)
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
}
