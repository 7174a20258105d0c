import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// One transaction over several collections, event by event.
@Suite("A transaction over several collections") struct TransactionDriverTests {
    /// A driver, the logs of its collections, and what it has asked for.
    private struct Scene {
        var home = SampleLog(name: "home")
        var watched = SampleLog(name: "watched")
        var driver: TransactionDriver
        let identifiers = SeededIdentifiers(seed: 5)
        var now = Instant.origin
        var tailsWanted: Set<CollectionID> = []

        /// - Parameter seenAt: The revision at which the diary that is only looked at must be.
        init(seenAt: UInt64) {
            let home = home.tail
            let watched = watched.tail
            let request = TransactionRequest(
                action: Sample.action(7), home: home.collection,
                parts: [
                    TransactionPart(
                        collection: home.collection, incarnation: home.incarnation,
                        firstRevision: .zero, actions: [.append(Sample.bytes(7))]),
                    TransactionPart(
                        collection: watched.collection, incarnation: watched.incarnation,
                        firstRevision: .zero, expectedRevision: Revision(seenAt), actions: []),
                ])
            driver = TransactionDriver(
                request, sources: [:], identifier: identifiers.next(),
                deadline: Instant.origin.advanced(by: .seconds(9)))
        }

        private func log(_ collection: CollectionID) -> SampleLog {
            collection == home.tail.collection ? home : watched
        }

        mutating func run(
            _ collection: CollectionID,
            _ event: (inout TransactionDriver, inout WriterEffects) -> Void
        ) {
            let objects = (try? FetchedObjects.everything(of: log(collection))) ?? FetchedObjects()
            var effects = WriterEffects(
                now: now, wallMilliseconds: 0, makeIdentifier: identifiers.next, cache: objects,
                blocks: SharedBlockCache(), history: nil)
            event(&driver, &effects)
            driver.checkInvariants()
            if effects.wantsTail { tailsWanted.insert(collection) }
        }

        mutating func begin() {
            for collection in driver.collections { run(collection) { $0.begin(collection, &$1) } }
        }

        /// Answers every tail read that was asked for, with what is newest.
        mutating func readTails() {
            for collection in tailsWanted.sorted() {
                tailsWanted.remove(collection)
                let value = TailValue.live(log(collection).tail)
                run(collection) { $0.tailWasRead(value, of: collection, &$1) }
            }
        }

        /// Goes on until it has something to say, or waits for nothing more.
        mutating func settle() -> TransactionDriver.Step {
            for _ in 0..<10 {
                let step = driver.next(0, now: now)
                if case .waits = step {} else { return step }
                if driver.takeTick() {
                    for collection in driver.collections {
                        run(collection) { $0.tick(collection, &$1) }
                    }
                }
                if tailsWanted.isEmpty { break }
                readTails()
            }
            return driver.next(0, now: now)
        }
    }

    @Test("What is built in all collections is sent as one attempt, and answered as it landed")
    func lands() throws {
        var scene = Scene(seenAt: 1)
        scene.watched.append(Sample.body([50]))
        scene.begin()
        guard case .send(let attempt) = scene.settle() else {
            Issue.record("nothing is sent")
            return
        }
        #expect(attempt.writes.count == 1 && attempt.attempt.participants.count == 2)
        let read = attempt.attempt.part(of: scene.watched.tail.collection)
        #expect(read?.role == .reads && read?.target == Revision(2))
        scene.driver.attemptEnded(
            .committed(Revision(1), chainHash: .zero), identifier: .zero, now: scene.now)
        guard case .answer(.transacted(let parts)) = scene.settle() else {
            Issue.record("not answered")
            return
        }
        let revisions = Dictionary(uniqueKeysWithValues: parts.map { ($0.collection, $0.revision) })
        #expect(revisions[scene.home.tail.collection] == Revision(1))
        #expect(revisions[scene.watched.tail.collection] == Revision(1))
    }

    // protocol: dedupe-scan
    @Test("An earlier try that landed is told, whatever it relied on has become since")
    func landedEarlier() throws {
        // What it had looked at is another now: this try alone would be a conflict.
        var scene = Scene(seenAt: 0)
        scene.watched.append(Sample.body([50]))
        scene.home.append(Sample.body([7]))
        scene.begin()
        guard case .answer(.transacted(let parts)) = scene.settle() else {
            Issue.record("what has landed is not told")
            return
        }
        #expect(parts.map(\.revision) == [Revision(1)])
    }

    @Test("What it relied on is another: that is told once the home is known not to hold it")
    func conflict() throws {
        var scene = Scene(seenAt: 0)
        scene.watched.append(Sample.body([50]))
        scene.begin()
        // The diary that was looked at is read first, twice: the home is still waited for.
        let watched = scene.watched.tail
        for _ in 0..<2 where scene.tailsWanted.remove(watched.collection) != nil {
            scene.run(watched.collection) {
                $0.tailWasRead(.live(watched), of: watched.collection, &$1)
            }
            guard case .waits = scene.driver.next(0, now: scene.now) else {
                Issue.record("told before the home was looked at")
                return
            }
            if scene.driver.takeTick() {
                for collection in scene.driver.collections {
                    scene.run(collection) { $0.tick(collection, &$1) }
                }
            }
        }
        guard case .answer(.failed(let error)) = scene.settle() else {
            Issue.record("no conflict")
            return
        }
        #expect(error.code == .conflict && error.outcome == .notApplied)
    }

    @Test("A part that begins after another one has looked anew has each of its actions once")
    func beginsLater() throws {
        var scene = Scene(seenAt: 0)
        let (home, watched) = (scene.home.tail.collection, scene.watched.tail.collection)
        scene.watched.append(Sample.body([50]))
        // The one that is only looked at begins first, and finds that it is another.
        scene.run(watched) { $0.begin(watched, &$1) }
        scene.readTails()
        scene.run(home) { $0.begin(home, &$1) }
        guard case .answer(.failed(let error)) = scene.settle() else {
            Issue.record("no conflict")
            return
        }
        #expect(error.code == .conflict)
    }

    @Test("An attempt that was refused is made again; one without an answer stays in doubt")
    func again() throws {
        var scene = Scene(seenAt: 0)
        scene.begin()
        guard case .send(let first) = scene.settle() else {
            Issue.record("nothing is sent")
            return
        }
        scene.home.append(Sample.body([60]))
        let collection = scene.home.tail.collection
        scene.driver.attemptEnded(
            .refusedAt(collection, .moved(landing: .absent, .live(scene.home.tail))),
            identifier: Sample.action(99).rawValue, now: scene.now)
        for collection in scene.driver.collections {
            scene.run(collection) { $0.tick(collection, &$1) }
        }
        guard case .send(let second) = scene.settle() else {
            Issue.record("it is not made again")
            return
        }
        #expect(second.attempt.payload != first.attempt.payload)
        #expect(second.attempt.homePart.target == Revision(2))
        scene.now = scene.now.advanced(by: .seconds(10))
        guard case .answer(.failed(let error)) = scene.driver.next(0, now: scene.now) else {
            Issue.record("it waits beyond its time")
            return
        }
        #expect(error.outcome == .unknown)
    }
}
