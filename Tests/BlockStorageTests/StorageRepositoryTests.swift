import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("The storage repository")
struct StorageRepositoryTests {
    @Test("The storage repository shows a staged write at once and keeps a committed one")
    func stagedAndCommitted() throws {
        let disk = SimulatedDisk()
        let segment = Bytes("segment".utf8)
        let key = Sample.segmentKey(index: 0, segment)
        let block = BlockID(content: Sample.content(1))
        let first = try StorageRepository(engine: FaultEngine(on: disk))
        #expect(try first.register(Sample.collection(1)) == .untouched)
        #expect(try first.content(block) == nil)
        #expect(try first.segment(key) == nil)
        try first.apply(.register(Sample.collection(1), Sample.record(1)))
        try first.apply(Sample.contentWrite(1))
        try first.apply(.segment(key, segment))
        for repository in [first, try committed(first, on: disk)] {
            #expect(try repository.register(Sample.collection(1)) == Sample.record(1))
            #expect(try repository.content(block) == Sample.content(1))
            #expect(try repository.segment(key) == segment)
            #expect(repository.statistics.registerCount == 1)
            #expect(repository.statistics.contentCount == 1)
            #expect(repository.statistics.segmentCount == 1)
            #expect(repository.writeSequence == 1)
        }
    }

    /// Commits and opens the disk with another process, which loses what was not synced.
    private func committed(
        _ repository: StorageRepository, on disk: SimulatedDisk
    ) throws -> StorageRepository {
        try repository.commitCycle()
        var plan = FaultPlan()
        plan.unsyncedFate = .lost
        var generator = SeededGenerator(seed: 1)
        disk.crash(plan, using: &generator)
        return try StorageRepository(engine: FaultEngine(on: disk))
    }

    @Test(
        "The storage repository makes one batch and one sync of a cycle, and none of an empty one")
    func oneBatchPerCycle() throws {
        let engine = MemoryEngine()
        let repository = try StorageRepository(engine: engine)
        // What was recovered is synced once, before anything is answered from it.
        let opening = engine.counters.syncs
        #expect(opening == 1)
        try repository.commitCycle()
        #expect(engine.counters.writes == 0)
        #expect(engine.counters.syncs == opening)
        for cycle in 1...5 {
            for number in 0..<20 {
                try repository.apply(
                    .register(Sample.collection(number), Sample.record(UInt64(cycle))))
                try repository.apply(Sample.contentWrite(cycle * 100 + number))
            }
            try repository.commitCycle()
            #expect(engine.counters.writes == UInt64(cycle))
            #expect(engine.counters.syncs == opening + UInt64(cycle))
            #expect(repository.writeSequence == UInt64(cycle))
            #expect(!repository.hasStagedWrites)
        }
    }

    @Test("The storage repository forgets a discarded cycle, counts included")
    func discard() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        try repository.commit(.register(Sample.collection(1), Sample.record(1)))
        let before = repository.statistics
        try repository.apply(.register(Sample.collection(1), Sample.record(2)))
        try repository.apply(.register(Sample.collection(2), Sample.record(2)))
        try repository.apply(Sample.contentWrite(1))
        try repository.apply(Sample.segmentWrite(index: 0, "x"))
        #expect(repository.hasStagedWrites)
        #expect(repository.statistics != before)
        repository.discardCycle()
        #expect(repository.statistics == before)
        #expect(!repository.hasStagedWrites)
        #expect(try repository.register(Sample.collection(1)) == Sample.record(1))
        #expect(try repository.register(Sample.collection(2)) == .untouched)
        #expect(try repository.content(BlockID(content: Sample.content(1))) == nil)
        try repository.commitCycle()
        #expect(repository.writeSequence == 1)
    }

    @Test("The storage repository keeps segments of one index and different hashes apart")
    func segmentsByHash() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        let texts = ["one", "two", "three"]
        for text in texts { try repository.commit(Sample.segmentWrite(index: 4, text)) }
        for text in texts {
            let bytes = Bytes(text.utf8)
            #expect(try repository.segment(Sample.segmentKey(index: 4, bytes)) == bytes)
            #expect(try repository.segment(Sample.segmentKey(index: 5, bytes)) == nil)
        }
        #expect(repository.statistics.segmentCount == 3)
    }

    @Test("The storage repository does not write again what is stored unharmed")
    func sameContentTwice() throws {
        let engine = MemoryEngine()
        let repository = try StorageRepository(engine: engine)
        try repository.commit(Sample.contentWrite(1), Sample.contentWrite(1))
        try repository.commit(Sample.contentWrite(1))
        #expect(engine.counters.writes == 1)
        #expect(repository.statistics.contentCount == 1)
    }

    @Test("The storage repository pages registers as if stored and staged ones were one list")
    func pagesRegisters() throws {
        let collections = (0..<4).map(Sample.collection).sorted()
        // Each collection is absent, stored, staged, or stored and then staged anew.
        for assignment in 0..<256 {
            let repository = try StorageRepository(engine: MemoryEngine())
            var expected: [CollectionID: RegisterRecord] = [:]
            for (bit, collection) in collections.enumerated()
            where assignment >> (2 * bit) & 1 == 1 {
                try repository.commit(.register(collection, Sample.record(1)))
                expected[collection] = Sample.record(1)
            }
            for (bit, collection) in collections.enumerated()
            where assignment >> (2 * bit + 1) & 1 == 1 {
                try repository.apply(.register(collection, Sample.record(2)))
                expected[collection] = Sample.record(2)
            }
            for lowest in [CollectionID(.zero)] + collections {
                for count in 0...5 {
                    let page = try repository.registers(from: lowest, countMax: count)
                    let wanted = collections.filter { $0 >= lowest && expected[$0] != nil }
                    #expect(page.map(\.0) == Array(wanted.prefix(count)))
                    #expect(page.allSatisfy { expected[$0.0] == $0.1 })
                }
            }
        }
    }

    @Test("The storage repository agrees with a model over random cycles, discards and restarts")
    func agreesWithAModel() throws {
        var generator = SeededGenerator(seed: 3)
        let disk = SimulatedDisk()
        var repository = try StorageRepository(engine: FaultEngine(on: disk))
        var durable = Model()
        for _ in 0..<400 {
            var staged = durable
            for _ in 0..<generator.below(5) {
                try repository.apply(staged.randomWrite(using: &generator))
                repository.checkInvariants()
            }
            let isChanged = repository.hasStagedWrites
            if generator.chance(1, in: 5) {
                repository.discardCycle()
            } else {
                try repository.commitCycle()
                if isChanged { staged.sequence += 1 }
                durable = staged
            }
            if generator.chance(1, in: 20) {
                repository = try StorageRepository(engine: FaultEngine(on: disk))
            }
            try durable.expectEqual(to: repository)
            repository.checkInvariants()
            try repository.checkTotals()
        }
    }

    @Test("The storage repository answers nothing after a cycle that could not be synced")
    func failedSync() throws {
        let disk = SimulatedDisk()
        var plan = FaultPlan()
        plan.failAtSync = 3
        let repository = try StorageRepository(engine: FaultEngine(on: disk, plan: plan))
        try repository.commit(.register(Sample.collection(1), Sample.record(1)))
        let error = #expect(throws: DatabaseError.self) {
            try repository.commit(.register(Sample.collection(1), Sample.record(2)))
        }
        #expect(error?.code == .ioFailed)
        #expect(repository.writeSequence == 1)
        #expect(throws: DatabaseError.self) { try repository.register(Sample.collection(1)) }
        #expect(throws: DatabaseError.self) {
            try repository.commit(.register(Sample.collection(1), Sample.record(3)))
        }
        let restarted = try StorageRepository(engine: FaultEngine(on: disk))
        #expect(try restarted.register(Sample.collection(1)) == Sample.record(1))
    }
}

/// What a repository should hold.
private struct Model {
    var registers: [CollectionID: RegisterRecord] = [:]
    var contents: [BlockID: Bytes] = [:]
    var segments: [SegmentKey: Bytes] = [:]
    var sequence: UInt64 = 0

    mutating func randomWrite(using generator: inout SeededGenerator) -> PeerWrite {
        switch generator.below(3) {
        case 0:
            let collection = Sample.collection(generator.below(20))
            let record = Sample.record(generator.next() >> 8)
            registers[collection] = record
            return .register(collection, record)
        case 1:
            let bytes = Sample.content(generator.below(100))
            contents[BlockID(content: bytes)] = bytes
            return .content(BlockID(content: bytes), bytes)
        default:
            let bytes = Bytes("\(generator.below(10))".utf8)
            let key = Sample.segmentKey(index: UInt64(generator.below(5)), bytes)
            segments[key] = bytes
            return .segment(key, bytes)
        }
    }

    func expectEqual(to repository: StorageRepository) throws {
        let statistics = repository.statistics
        #expect(statistics.registerCount == UInt64(registers.count))
        #expect(statistics.contentCount == UInt64(contents.count))
        #expect(statistics.segmentCount == UInt64(segments.count))
        #expect(statistics.writeSequence == sequence)
        let page = try repository.registers(from: CollectionID(.zero), countMax: 100)
        #expect(page.count == registers.count)
        for (collection, record) in registers {
            #expect(try repository.register(collection) == record)
        }
        for (block, bytes) in contents { #expect(try repository.content(block) == bytes) }
        for (key, bytes) in segments { #expect(try repository.segment(key) == bytes) }
    }
}
