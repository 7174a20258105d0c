import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("Versions and pends in the storage repository")
struct VersionStoreTests {
    private let key = BlockKey(
        block: BlockID(content: [1]),
        incarnation: Incarnation(generation: 1, nonce: Identifier128(7)))

    private func payload(_ number: Int) -> PayloadID {
        PayloadID(
            action: ActionID(rawValue: Identifier128(UInt128(number))), execution: 0)
    }

    private func version(_ revision: UInt64, base: UInt64) -> VersionRecord {
        VersionRecord(
            revision: Revision(revision), payload: payload(Int(revision)),
            baseRevision: Revision(base), transform: [9],
            resultHash: Digest(domain: "test", [UInt8(revision)]), content: .image([1, 2]))
    }

    private func pend(_ bound: UInt64...) -> PendRecord {
        PendRecord(
            transform: [4, 5], baseRevision: Revision(1), basePayload: payload(1),
            baseHash: .zero, resultHash: .zero, collection: CollectionID(name: "x"),
            bound: bound.map { Revision($0) })
    }

    @Test("The newest version not above a revision is found, staged or stored")
    func newestVersion() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        let other = BlockKey(
            block: key.block, incarnation: Incarnation(generation: 2, nonce: .zero))
        try repository.apply(.version(key, version(3, base: 0)))
        try repository.apply(.version(other, version(5, base: 0)))
        try repository.commitCycle()
        try repository.apply(.version(key, version(9, base: 3)))
        func newest(_ revision: UInt64) throws -> Revision? {
            try repository.newestVersion(of: key, through: Revision(revision))?.revision
        }
        for _ in 0..<2 {
            #expect(try newest(2) == nil)
            #expect(try newest(3) == Revision(3))
            #expect(try newest(8) == Revision(3))
            #expect(try newest(9) == Revision(9))
            #expect(try newest(Limits.counterMax) == Revision(9))
            #expect(try repository.version(of: key, at: Revision(5)) == nil)
            #expect(try repository.version(of: key, at: Revision(9)) == version(9, base: 3))
            try repository.commitCycle()
        }
        #expect(repository.statistics.versionCount == 3)
    }

    // protocol: pend-stays-until-version, version-and-pend-change-places
    @Test("A pend and the version it becomes change places in one batch, or not at all")
    func promotionIsAtomic() throws {
        for crashes in [false, true] {
            let disk = SimulatedDisk()
            let first = try StorageRepository(engine: FaultEngine(on: disk))
            let pendKey = PendKey(key, payload: payload(2))
            try first.apply(.pend(pendKey, pend(2)))
            try first.commitCycle()
            try first.apply(.version(key, version(2, base: 1)))
            try first.apply(.removePend(pendKey))
            #expect(try first.pend(pendKey) == nil)
            #expect(try first.pends(of: key).isEmpty)
            if !crashes { try first.commitCycle() }
            var plan = FaultPlan()
            plan.unsyncedFate = .lost
            var generator = SeededGenerator(seed: 1)
            disk.crash(plan, using: &generator)
            let second = try StorageRepository(engine: FaultEngine(on: disk))
            let hasPend = try second.pend(pendKey) != nil
            let hasVersion = try second.version(of: key, at: Revision(2)) != nil
            #expect(hasPend == crashes)
            #expect(hasVersion != hasPend)
            #expect(second.statistics.pendCount == (crashes ? 1 : 0))
            #expect(second.statistics.versionCount == (crashes ? 0 : 1))
        }
    }

    @Test("Pends of one block are listed in the order of their payloads, staged over stored")
    func pendsOfBlock() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        for number in [5, 1, 3] {
            try repository.apply(.pend(PendKey(key, payload: payload(number)), pend(2)))
        }
        try repository.commitCycle()
        try repository.apply(.pend(PendKey(key, payload: payload(3)), pend(2, 4)))
        try repository.apply(.removePend(PendKey(key, payload: payload(1))))
        try repository.apply(.pend(PendKey(key, payload: payload(2)), pend(7)))
        for _ in 0..<2 {
            let pends = try repository.pends(of: key)
            #expect(pends.map(\.payload) == [payload(2), payload(3), payload(5)])
            #expect(pends.map(\.record) == [pend(7), pend(2, 4), pend(2)])
            try repository.commitCycle()
        }
        #expect(repository.statistics.pendCount == 3)
    }

    @Test("Pends are counted by block, whatever is staged, committed, discarded or reopened")
    func pendCounts() throws {
        let engine = MemoryEngine()
        var repository = try StorageRepository(engine: engine)
        let keys = (0..<3).map { number in
            BlockKey(block: BlockID(content: [UInt8(number)]), incarnation: key.incarnation)
        }
        var random = SeededGenerator(seed: 12)
        var committed: Set<PendKey> = []
        var staged: Set<PendKey> = []
        var most = 0
        for _ in 0..<5000 {
            let pendKey = PendKey(keys[random.below(3)], payload: payload(random.below(400)))
            switch random.below(40) {
            case 0:
                try repository.commitCycle()
                committed = staged
            case 1:
                repository.discardCycle()
                staged = committed
            case 2:
                repository = try StorageRepository(engine: engine)
                staged = committed
            case 3..<25:
                try repository.apply(.pend(pendKey, pend(2)))
                staged.insert(pendKey)
            default:
                let removed =
                    staged.filter { $0.key == pendKey.key }
                    .min { $0.payload < $1.payload } ?? pendKey
                try repository.apply(.removePend(removed))
                staged.remove(removed)
            }
            for key in keys {
                let count = staged.count { $0.key == key }
                #expect(try repository.pendLoad(of: key).count == count)
                most = max(most, count)
            }
            let bytes = try keys.reduce(0) { try $0 + repository.pendLoad(of: $1).bytes }
            #expect(repository.statistics.pendBytes == UInt64(bytes))
            #expect(repository.statistics.pendCount == staged.count)
            repository.checkInvariants()
            if !repository.hasStagedWrites { try repository.checkTotals() }
        }
        // More than are read at a time when a store is opened.
        try (0..<700).forEach { number in
            try repository.apply(.pend(PendKey(keys[0], payload: payload(number)), pend(2)))
        }
        try repository.commitCycle()
        let load = try repository.pendLoad(of: keys[0])
        #expect(load.count == 700)
        #expect(try StorageRepository(engine: engine).pendLoad(of: keys[0]) == load)
        #expect(most > 10)
    }

    @Test("Pends are listed in order, and their bytes are counted through every change")
    func pendKeys() throws {
        let repository = try StorageRepository(engine: MemoryEngine())
        let other = BlockKey(block: BlockID(content: [2]), incarnation: key.incarnation)
        let keys = [
            PendKey(key, payload: payload(1)), PendKey(key, payload: payload(2)),
            PendKey(other, payload: payload(1)),
        ].sorted()
        for key in keys { try repository.apply(.pend(key, pend(2))) }
        try repository.commitCycle()
        let size = repository.statistics.pendBytes / 3
        #expect(size > 0 && repository.statistics.pendBytes == 3 * size)
        try repository.apply(.pend(keys[0], pend(2, 4)))
        #expect(repository.statistics.pendBytes == 3 * size + 8, "one revision more")
        try repository.apply(.removePend(keys[1]))
        #expect(repository.statistics.pendBytes == 2 * size + 8)
        repository.discardCycle()
        #expect(repository.statistics.pendBytes == 3 * size)
        let lowest = BlockID(.zero)
        #expect(try repository.pendKeys(from: lowest, after: nil, countMax: 9) == keys)
        #expect(try repository.pendKeys(from: lowest, after: keys[0], countMax: 1) == [keys[1]])
        #expect(try repository.pendKeys(from: lowest, after: keys[2], countMax: 9) == [])
        try repository.apply(.removePend(keys[0]))
        #expect(try repository.pendKeys(from: lowest, after: nil, countMax: 1) == [keys[1]])
    }

    @Test("Versions are listed by block and life, the newest first, damaged and staged ones too")
    func positions() throws {
        let other = BlockKey(block: BlockID(content: [2]), incarnation: key.incarnation)
        let engine = MemoryEngine()
        let repository = try StorageRepository(engine: engine)
        for number: UInt64 in [1, 4, 9] {
            try repository.apply(.version(key, version(number, base: 0)))
        }
        try repository.apply(.version(other, version(5, base: 0)))
        try repository.commitCycle()
        var batch = WriteBatch()
        batch.put([1, 2, 3], for: StorageKeys.version(key, at: Revision(4)))
        try engine.write(batch)
        try repository.apply(.version(key, version(7, base: 0)))
        let ours = [9, 7, 4, 1].map { VersionPosition(key: key, revision: Revision($0)) }
        let all = (ours + [VersionPosition(key: other, revision: Revision(5))]).sorted()
        let lowest = BlockID(.zero)
        #expect(try repository.versionPositions(from: lowest, after: nil, countMax: 9) == all)
        for index in all.indices {
            let rest = try repository.versionPositions(
                from: lowest, after: all[index], countMax: 2)
            #expect(rest == Array(all[(index + 1)...].prefix(2)))
        }
        let above = try repository.versionPositions(
            from: max(key, other).block, after: nil, countMax: 9)
        #expect(above == all.filter { $0.key.block >= max(key, other).block })
    }

    @Test("A damaged version is never replaced by an older one, and is counted")
    func damagedVersion() throws {
        let engine = MemoryEngine()
        let repository = try StorageRepository(engine: engine, recentBytesMax: 0)
        try repository.apply(.version(key, version(1, base: 0)))
        try repository.commitCycle()
        let storageKey = StorageKeys.version(key, at: Revision(1))
        var bytes = try #require(try engine.get(storageKey))
        bytes[bytes.count / 2] ^= 1
        var batch = WriteBatch()
        batch.put(bytes, for: storageKey)
        try engine.write(batch)
        #expect(try repository.version(of: key, at: Revision(1)) == nil)
        #expect(throws: DatabaseError.self) {
            try repository.newestVersion(of: key, through: Revision(9))
        }
        #expect(repository.corruptBlockCount == 2)
    }

    @Test("Pends whose records were damaged can be bound and removed, and are counted no less")
    func damagedPends() throws {
        let disk = SimulatedDisk()
        let engine = FaultEngine(on: disk)
        let repository = try StorageRepository(engine: engine, recentBytesMax: 0)
        var long = pend(2)
        long.bound = (2...60).map { Revision($0) }
        let keys = (1...4).map { PendKey(key, payload: payload($0)) }
        for pendKey in keys.dropLast() { try repository.apply(.pend(pendKey, pend(2))) }
        try repository.apply(.pend(keys[3], long))
        try repository.commitCycle()
        engine.plan.misdirectionRate = FaultPlan.rateScale
        engine.plan.damagedKeyPrefix = StorageKeys.pend(keys[2])
        // What is under its key is now the longest of all, under another key's checksum.
        #expect(try repository.pend(keys[2]) == nil)
        engine.plan = FaultPlan()
        try repository.apply(.pend(keys[2], pend(3)))
        try repository.commitCycle()
        #expect(try repository.pend(keys[2]) == pend(3))
        for pendKey in keys { try repository.apply(.removePend(pendKey)) }
        try repository.commitCycle()
        #expect(try repository.pends(of: key).isEmpty)
        #expect(try repository.pendLoad(of: key).count == 0)
        #expect(repository.statistics.pendCount == 0)
        #expect(try StorageRepository(engine: FaultEngine(on: disk)).pends(of: key).isEmpty)
    }
}
