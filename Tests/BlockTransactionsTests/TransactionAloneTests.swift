import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// One transaction over several collections, event by event.
@Suite("A transaction over several collections") struct TransactionAloneTests {
    private let home = SampleLog(name: "home")
    private let watched = SampleLog(name: "watched")

    /// - Parameter seenAt: The revision at which the diary that is only looked at must be.
    private func request(seenAt: UInt64) -> TransactionRequest {
        TransactionGroupScene.request(
            7,
            [
                TransactionPart(
                    collection: self.home.tail.collection, incarnation: self.home.tail.incarnation,
                    firstRevision: .zero, actions: [.append(Sample.bytes(7))]),
                TransactionPart(
                    collection: self.watched.tail.collection,
                    incarnation: self.watched.tail.incarnation, firstRevision: .zero,
                    expectedRevision: Revision(seenAt), actions: []),
            ])
    }

    private func scene(
        seenAt: UInt64, home: SampleLog? = nil, watched: SampleLog? = nil
    ) -> TransactionGroupScene {
        TransactionGroupScene(
            [request(seenAt: seenAt)], [home ?? self.home, watched ?? self.watched])
    }

    /// The diary that is looked at, with an entry.
    private var moved: SampleLog {
        var log = watched
        log.append(Sample.body([50]))
        return log
    }

    @Test("What is built in all collections is sent as one attempt, and answered as it landed")
    func lands() throws {
        var scene = scene(seenAt: 1, watched: moved)
        scene.begin()
        let attempt = try scene.send()
        #expect(attempt.writes.count == 1 && attempt.attempt.participants.count == 2)
        let read = attempt.attempt.part(of: watched.tail.collection)
        #expect(read?.role == .reads && read?.target == Revision(2))
        scene.group.attemptEnded(
            .committed(Revision(1), chainHash: .zero), identifier: .zero, now: scene.now)
        guard case .over = scene.settle(), let parts = scene.parts(0) else {
            Issue.record("not answered")
            return
        }
        let revisions = Dictionary(uniqueKeysWithValues: parts.map { ($0.collection, $0.revision) })
        #expect(revisions[home.tail.collection] == Revision(1))
        #expect(revisions[watched.tail.collection] == Revision(1))
    }

    // protocol: dedupe-scan
    @Test("An earlier try that landed is told, whatever it relied on has become since")
    func landedEarlier() throws {
        // What it had looked at is another now: this try alone would be a conflict.
        var home = home
        home.append(TransactionGroupScene.landed(request(seenAt: 0)))
        var scene = scene(seenAt: 0, home: home, watched: moved)
        scene.begin()
        guard case .over = scene.settle(), let parts = scene.parts(0) else {
            Issue.record("what has landed is not told")
            return
        }
        #expect(parts.map(\.revision) == [Revision(1)])
    }

    @Test("What it relied on is another: that is told once the home is known not to hold it")
    func conflict() throws {
        let watched = moved.tail
        var scene = scene(seenAt: 0, watched: moved)
        scene.begin()
        // The diary that was looked at is read first, twice: the home is still waited for.
        for _ in 0..<2 where scene.tailsWanted.remove(watched.collection) != nil {
            scene.run(watched.collection) {
                $0.tailWasRead(.live(watched), of: watched.collection, &$1)
            }
            guard case .waits = scene.next() else {
                Issue.record("told before the home was looked at")
                return
            }
            if scene.group.takeTick() { scene.tick() }
        }
        _ = scene.settle()
        #expect(scene.error(0)?.code == .conflict && scene.error(0)?.outcome == .notApplied)
    }

    @Test("A part that begins after another one has looked anew has each of its actions once")
    func beginsLater() throws {
        var scene = scene(seenAt: 0, watched: moved)
        let (home, watched) = (home.tail.collection, watched.tail.collection)
        // The one that is only looked at begins first, and finds that it is another.
        scene.run(watched) { $0.begin(watched, &$1) }
        scene.readTails()
        scene.run(home) { $0.begin(home, &$1) }
        _ = scene.settle()
        #expect(scene.error(0)?.code == .conflict)
    }

    /// Where a transaction that writes two collections is decided, try by try; the first one has no
    /// answer.
    private func homes() throws -> [CollectionID] {
        let parts = [home, watched].map { log in
            TransactionPart(
                collection: log.tail.collection, incarnation: log.tail.incarnation,
                firstRevision: .zero, actions: [.append(Sample.bytes(7))])
        }
        var scene = TransactionGroupScene(
            [TransactionGroupScene.request(7, parts)], [home, watched])
        scene.begin()
        let first = try scene.send().attempt.home
        scene.group.attemptEnded(
            .failed(DatabaseError(.commitResultUnknown, "no answer", outcome: .unknown)),
            identifier: Sample.action(99).rawValue, now: scene.now)
        scene.now = scene.now.advanced(by: .seconds(1))
        scene.tick()
        return [first, try scene.send().attempt.home]
    }

    // protocol: home-is-fixed
    @Test("A try that had no answer is made again at the same home")
    func sameHome() throws {
        let home = home.tail.collection
        #expect(try homes() == [home, home])
        #if SIMULATION_HOOKS
        let planted = try SimulationHooks.$plantedBug.withValue(.homeChosenAnew) { try homes() }
        #expect(planted == [home, watched.tail.collection], "it may land at both")
        #endif
    }

    @Test("An attempt that was refused is made again; one without an answer stays in doubt")
    func again() throws {
        var scene = scene(seenAt: 0)
        scene.begin()
        let first = try scene.send()
        var home = home
        home.append(Sample.body([60]))
        scene.logs[home.tail.collection] = home
        scene.group.attemptEnded(
            .refusedAt(home.tail.collection, .moved(landing: .absent, .live(home.tail))),
            identifier: Sample.action(99).rawValue, now: scene.now)
        scene.tick()
        let second = try scene.send()
        #expect(second.attempt.payload != first.attempt.payload)
        #expect(second.attempt.homePart.target == Revision(2))
        scene.now = scene.now.advanced(by: .seconds(10))
        _ = scene.next()
        #expect(scene.error(0)?.outcome == .unknown)
    }
}
