import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("A fault engine")
struct FaultEngineTests {
    private func put(_ number: UInt8) -> WriteBatch {
        var batch = WriteBatch()
        batch.put([number], for: [number])
        batch.put([number, number], for: [number, 0])
        return batch
    }

    /// Which of the batches 1 to 6 a new process finds; a batch is there as a whole or not at all.
    private func survivors(on disk: SimulatedDisk) throws -> [UInt8] {
        let engine = FaultEngine(on: disk)
        var found: [UInt8] = []
        for number in UInt8(1)...6 {
            let halves = [try engine.get([number]), try engine.get([number, 0])]
            #expect((halves[0] == nil) == (halves[1] == nil))
            if halves[0] != nil { found.append(number) }
        }
        return found
    }

    /// Writes 1 to 6, synced after the second, and crashes.
    private func crashed(
        _ fate: FaultPlan.UnsyncedFate, seed: UInt64, droppedSyncs: Int = 0
    ) throws -> [UInt8] {
        let disk = SimulatedDisk()
        var plan = FaultPlan()
        plan.unsyncedFate = fate
        plan.droppedSyncCount = droppedSyncs
        let engine = FaultEngine(on: disk, plan: plan, seed: seed)
        for number in UInt8(1)...6 {
            try engine.write(put(number))
            if number <= 2 { try engine.sync() }
        }
        engine.crash()
        #expect(throws: DatabaseError.self) { try engine.get([1]) }
        #expect(throws: DatabaseError.self) { try engine.write(put(9)) }
        return try survivors(on: disk)
    }

    @Test("A fault engine keeps synced batches in a crash, and of the others what the plan says")
    func fates() throws {
        #expect(try crashed(.survive, seed: 1) == [1, 2, 3, 4, 5, 6])
        #expect(try crashed(.lost, seed: 1) == [1, 2])
        var prefixes: Set<[UInt8]> = []
        var subsets: Set<[UInt8]> = []
        for seed in UInt64(0)..<400 {
            prefixes.insert(try crashed(.prefixSurvives, seed: seed))
            subsets.insert(try crashed(.anySubsetSurvives, seed: seed))
        }
        let everyPrefix = (2...6).map { last in Array(1...UInt8(last)) }
        #expect(prefixes == Set(everyPrefix))
        #expect(subsets.count == 16)
        #expect(subsets.allSatisfy { $0.starts(with: [1, 2]) })
    }

    @Test("A fault engine takes synced batches away only when the plan says so")
    func droppedSyncs() throws {
        #expect(try crashed(.survive, seed: 1, droppedSyncs: 1) == [1])
        #expect(try crashed(.survive, seed: 1, droppedSyncs: 2) == [])
        #expect(try crashed(.survive, seed: 1, droppedSyncs: 3) == [])
    }

    @Test("A fault engine crashes exactly at the write or sync of its plan")
    func crashPoints() throws {
        for point in UInt64(1)...3 {
            var atWrite = FaultPlan()
            atWrite.crashAtWrite = point
            let writing = FaultEngine(on: SimulatedDisk(), plan: atWrite)
            var atSync = FaultPlan()
            atSync.crashAtSync = point
            let syncing = FaultEngine(on: SimulatedDisk(), plan: atSync)
            for number in 1..<point {
                try writing.write(put(UInt8(number)))
                try writing.sync()
                try syncing.write(put(UInt8(number)))
                try syncing.sync()
            }
            #expect(throws: SimulatedCrash(at: "write \(point)")) {
                try writing.write(put(UInt8(point)))
            }
            try syncing.write(put(UInt8(point)))
            #expect(throws: SimulatedCrash(at: "sync \(point)")) { try syncing.sync() }
            #expect(writing.counters.writes == point - 1)
            #expect(syncing.counters.syncs == point - 1)
        }
    }

    @Test("A fault engine loses what was not synced when a sync fails")
    func failedSync() throws {
        let disk = SimulatedDisk()
        var plan = FaultPlan()
        plan.failAtSync = 2
        let engine = FaultEngine(on: disk, plan: plan)
        try engine.write(put(1))
        try engine.sync()
        try engine.write(put(2))
        #expect(throws: DatabaseError.self) { try engine.sync() }
        #expect(try survivors(on: disk) == [1])
    }

    @Test("A fault engine refuses the batch that does not fit its disk, and everything after it")
    func fullDisk() throws {
        let disk = SimulatedDisk()
        var plan = FaultPlan()
        plan.capacityBytes = put(1).byteCount * 2
        let engine = FaultEngine(on: disk, plan: plan)
        try engine.write(put(1))
        try engine.write(put(2))
        let error = #expect(throws: DatabaseError.self) { try engine.write(put(3)) }
        #expect(error?.code == .noSpace)
        #expect(throws: DatabaseError.self) { try engine.sync() }
        #expect(try survivors(on: disk) == [1, 2])
    }

    @Test("A fault engine fails reads at its rate and stays usable")
    func readErrors() throws {
        var plan = FaultPlan()
        plan.readErrorRate = FaultPlan.rateScale / 4
        let engine = FaultEngine(on: SimulatedDisk(), plan: plan)
        try engine.write(put(1))
        var failures = 0
        for _ in 0..<1000 {
            do {
                #expect(try engine.get([1]) == [1])
            } catch {
                failures += 1
            }
        }
        #expect((150...350).contains(failures))
        engine.plan.readErrorRate = 0
        try engine.sync()
        #expect(try engine.get([1]) == [1])
    }

    @Test("A fault engine flips single bits of the values its plan names, for good")
    func bitFlips() throws {
        let disk = SimulatedDisk()
        var plan = FaultPlan()
        plan.bitFlipRate = FaultPlan.rateScale
        plan.damagedKeyPrefix = [2]
        let engine = FaultEngine(on: disk, plan: plan)
        try engine.write(put(1))
        try engine.sync()
        try engine.write(put(2))
        #expect(try engine.get([1]) == [1])
        let flipped = try #require(try engine.get([2])?.first)
        #expect((flipped ^ 2).nonzeroBitCount == 1)
        try engine.sync()
        #expect(try FaultEngine(on: disk).get([2]) == [flipped])
    }

    @Test("A misdirected sector is another key's value, a stale one an earlier one or none at all")
    func badSectors() throws {
        let disk = SimulatedDisk()
        let engine = FaultEngine(on: disk)
        for number in UInt8(1)...3 {
            var batch = WriteBatch()
            batch.put([number], for: [7, number])
            batch.put([100 + number], for: [8, 1])
            try engine.write(batch)
            try engine.sync()
        }
        engine.plan.damagedKeyPrefix = [7, 2]
        engine.plan.misdirectionRate = FaultPlan.rateScale
        #expect(try engine.get([7, 1]) == [1])
        #expect(try engine.get([7, 2]) == [3])
        engine.plan.misdirectionRate = 0
        engine.plan.staleRate = FaultPlan.rateScale
        engine.plan.damagedKeyPrefix = [8]
        #expect(try engine.get([8, 1]) == [102])
        engine.plan.damagedKeyPrefix = [7, 3]
        #expect(try engine.get([7, 3]) == nil)
        #expect(disk.damageCount == 3)
        let after = FaultEngine(on: disk)
        #expect(try after.get([7, 2]) == [3])
        #expect(try after.get([7, 3]) == nil)
    }

    @Test("A disk that is put back to an earlier state has less than its journal acknowledged")
    func rollback() throws {
        let disk = SimulatedDisk()
        let owner = PeerID(rawValue: Identifier128(5))
        let repository = try StorageRepository(engine: FaultEngine(on: disk))
        let engine = FaultEngine(on: disk)
        let journal = try AckJournal.create(on: engine.journalFile, owner: owner)
        for number in UInt8(1)...6 {
            try repository.apply(.content(BlockID(content: [number]), [number]))
            try repository.commitCycle()
        }
        try journal.acknowledge(repository.writeSequence, at: .origin)
        #expect(disk.rollBack(before: journal.written))
        let restored = FaultEngine(on: disk)
        let sequence = try StorageRepository(engine: restored).writeSequence
        #expect(sequence == 5)
        #expect {
            try AckJournal.open(on: restored.journalFile, owner: owner, recovered: sequence)
        } throws: { ($0 as? DatabaseError)?.code == .amnesia }
        #expect(!SimulatedDisk().rollBack(before: 1), "there is nothing older than nothing")
    }

    @Test("A fault engine repeats its history for the same seed, and not for another")
    func determinism() throws {
        func history(_ seed: UInt64) throws -> [String] {
            let disk = SimulatedDisk()
            var plan = FaultPlan()
            plan.unsyncedFate = .anySubsetSurvives
            plan.readErrorRate = 300_000
            plan.bitFlipRate = 300_000
            plan.syncErrorRate = 100_000
            var events: [String] = []
            for process in UInt64(0)..<8 {
                let engine = FaultEngine(on: disk, plan: plan, seed: seed + process * 1000)
                do {
                    for number in UInt8(1)...20 {
                        try engine.write(put(number))
                        if number.isMultiple(of: 3) { try engine.sync() }
                        events.append("\(String(describing: try? engine.get([number])))")
                    }
                } catch { events.append("\(error)") }
                engine.crash()
            }
            return events
        }
        #expect(try history(5) == history(5))
        #expect(try history(5) != history(6))
    }
}
