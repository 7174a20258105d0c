import BlockModel
import BlockRuntime
import BlockStorage
import Testing

/// A peer that commits cycle after cycle, each with several records, and notes what it answered.
private struct Peer {
    static let cycleCount = 6

    let repository: StorageRepository
    let journal: AckJournal
    /// The last cycle whose replies left.
    private(set) var answered: UInt64 = 0

    init(on engine: FaultEngine) throws {
        repository = try StorageRepository(engine: engine)
        journal = try AckJournal.open(
            on: engine.journalFile, owner: Sample.peer, recovered: repository.writeSequence)
    }

    /// Commits the rest of the cycles, each 10 ms after the one before it.
    mutating func run() throws {
        while repository.writeSequence < UInt64(Self.cycleCount) {
            let cycle = repository.writeSequence + 1
            try repository.apply(.register(Sample.collection(1), Sample.record(cycle)))
            try repository.apply(.register(Sample.collection(2), Sample.record(cycle, bytes: 300)))
            try repository.apply(Sample.contentWrite(Int(cycle)))
            try repository.apply(Sample.segmentWrite(index: cycle, "segment \(cycle)"))
            try repository.commitCycle()
            answered = cycle
            try journal.acknowledge(
                cycle, at: .origin.advanced(by: .milliseconds(10) * Int(cycle)))
        }
    }

    /// Everything of the cycles up to the store's sequence is there, and nothing of a later one.
    func expectWhole() throws {
        let sequence = repository.writeSequence
        for number in 1...2 {
            let record = try repository.register(Sample.collection(number))
            #expect(record.accepted == (sequence == 0 ? .zero : Sample.ballot(sequence)))
        }
        for cycle in 1...UInt64(Self.cycleCount) {
            let content = Sample.content(Int(cycle))
            let segment = Bytes("segment \(cycle)".utf8)
            let isThere = cycle <= sequence
            #expect(try (repository.content(BlockID(content: content)) != nil) == isThere)
            let key = Sample.segmentKey(index: cycle, segment)
            #expect(try (repository.segment(key) != nil) == isThere)
        }
        #expect(repository.statistics.contentCount == sequence)
    }
}

@Suite("A peer that crashes")
struct CrashTests {
    private static let fates: [FaultPlan.UnsyncedFate] = [
        .survive, .lost, .prefixSurvives, .anySubsetSurvives,
    ]

    /// A plan for every write and every sync of the run, and every write of the journal.
    private var crashPlans: [FaultPlan] {
        var plans: [FaultPlan] = []
        for fate in Self.fates {
            for point in 1...UInt64(Peer.cycleCount) {
                for place in [\FaultPlan.crashAtWrite, \.crashAtSync, \.crashAtJournalWrite] {
                    var plan = FaultPlan()
                    plan.unsyncedFate = fate
                    plan[keyPath: place] = point
                    plans.append(plan)
                }
            }
        }
        return plans
    }

    // protocol: sync-before-reply
    @Test("A peer that crashes anywhere comes back with all it answered and at most one more")
    func crashEverywhere() throws {
        for plan in crashPlans {
            for seed in UInt64(0)..<8 {
                let disk = SimulatedDisk()
                var answered: UInt64 = 0
                #expect(throws: SimulatedCrash.self) {
                    var peer = try Peer(on: FaultEngine(on: disk, plan: plan, seed: seed))
                    defer { answered = peer.answered }
                    try peer.run()
                }
                var restarted = try Peer(on: FaultEngine(on: disk))
                let recovered = restarted.repository.writeSequence
                #expect(recovered >= answered)
                #expect(recovered <= answered + 1)
                try restarted.expectWhole()
                try restarted.run()
                try restarted.expectWhole()
            }
        }
    }

    @Test("A peer whose disk lacks an answered cycle after a crash is amnesiac")
    func amnesia() throws {
        for dropped in 1...Peer.cycleCount {
            let disk = SimulatedDisk()
            var plan = FaultPlan()
            plan.droppedSyncCount = dropped
            let engine = FaultEngine(on: disk, plan: plan)
            var peer = try Peer(on: engine)
            try peer.run()
            engine.crash()
            let error = #expect(throws: DatabaseError.self) {
                try Peer(on: FaultEngine(on: disk))
            }
            #expect(error?.code == .amnesia)
            #expect(error?.message.contains("keep it as it is") == true)
        }
    }

    @Test("A peer whose sync failed forgets only what it had not answered")
    func failedSyncs() throws {
        for point in 1...UInt64(Peer.cycleCount) {
            let disk = SimulatedDisk()
            var plan = FaultPlan()
            // The first sync is that of the opening.
            plan.failAtSync = point + 1
            var peer = try Peer(on: FaultEngine(on: disk, plan: plan))
            #expect(throws: DatabaseError.self) { try peer.run() }
            let restarted = try Peer(on: FaultEngine(on: disk))
            #expect(restarted.repository.writeSequence == peer.answered)
            try restarted.expectWhole()
        }
    }
}

#if SIMULATION_HOOKS
@Suite("The simulation hooks of storage")
struct StorageHookTests {
    private let first = Bytes("first".utf8)
    private let second = Bytes("second".utf8)

    private func repositoryWithTwoSegments() throws -> StorageRepository {
        let repository = try StorageRepository(engine: MemoryEngine())
        try repository.commit(.segment(Sample.segmentKey(index: 3, first), first))
        try repository.commit(.segment(Sample.segmentKey(index: 3, second), second))
        return repository
    }

    // protocol: segment-is-a-pure-function, segment-key-has-the-hash, orphan-needs-a-fact
    @Test("A segment key without its hash makes one segment stand for another")
    func segmentKeyWithoutHash() throws {
        try SimulationHooks.$plantedBug.withValue(.segmentKeyWithoutHash) {
            let repository = try repositoryWithTwoSegments()
            #expect(try repository.segment(Sample.segmentKey(index: 3, first)) == second)
        }
    }

    @Test("An index that is enough drops the segment that comes second")
    func segmentIndexExistsIsEnough() throws {
        try SimulationHooks.$plantedBug.withValue(.segmentIndexExistsIsEnough) {
            let repository = try repositoryWithTwoSegments()
            #expect(try repository.segment(Sample.segmentKey(index: 3, first)) == first)
            #expect(try repository.segment(Sample.segmentKey(index: 3, second)) == nil)
        }
    }

    @Test("A promise that is not durable is forgotten, an accepted value is not")
    func promiseNotDurable() throws {
        try SimulationHooks.$plantedBug.withValue(.promiseNotDurable) {
            let disk = SimulatedDisk()
            let repository = try StorageRepository(engine: FaultEngine(on: disk))
            try repository.commit(.register(Sample.collection(1), Sample.record(1)))
            var promise = Sample.record(1)
            promise.promised = Sample.ballot(5)
            try repository.commit(.register(Sample.collection(1), promise))
            #expect(try repository.register(Sample.collection(1)) == promise)
            let restarted = try StorageRepository(engine: FaultEngine(on: disk))
            #expect(try restarted.register(Sample.collection(1)) == Sample.record(1))
        }
    }

    @Test("A mark is passed when a damaged content is read")
    func marksDamage() throws {
        let recorder = MarkRecorder()
        try SimulationHooks.$marks.withValue(recorder) {
            let engine = FaultEngine(on: SimulatedDisk())
            let repository = try StorageRepository(engine: engine)
            try repository.commit(Sample.contentWrite(1))
            let block = BlockID(content: Sample.content(1))
            engine.flipBit(3, ofValueUnder: StorageKeys.content(block))
            #expect(try repository.content(block) == nil)
        }
        #expect(recorder.counts["storage.content.corrupt"] == 1)
    }
}
#endif
