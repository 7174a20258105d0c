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
            baseRevision: Revision(base), writeNumber: revision, transform: [9],
            resultHash: Digest(domain: "test", [UInt8(revision)]), content: .image([1, 2]))
    }

    private func pend(_ bound: UInt64...) -> PendRecord {
        PendRecord(
            transform: [4, 5], baseRevision: Revision(1), basePayload: payload(1),
            baseHash: .zero, resultHash: .zero, bound: bound.map { Revision($0) })
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

    @Test("A damaged version is never replaced by an older one, and is counted")
    func damagedVersion() throws {
        let engine = MemoryEngine()
        let repository = try StorageRepository(engine: engine)
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
}
