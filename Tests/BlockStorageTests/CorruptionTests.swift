import BlockModel
import BlockRuntime
import BlockStorage
import Testing

@Suite("A damaged record")
struct CorruptionTests {
    private func storedValue(_ engine: MemoryEngine, _ key: Bytes) throws -> Bytes {
        try #require(engine.table[key])
    }

    private func put(_ value: Bytes, _ key: Bytes, in table: SortedTable) -> MemoryEngine {
        var table = table
        table[key] = value
        return MemoryEngine(table: table)
    }

    /// `value` with each of its bits flipped, one at a time.
    private func everyFlip(of value: Bytes) -> [Bytes] {
        (0..<value.count * 8).map { bit in
            var copy = value
            copy[bit / 8] ^= 1 << UInt8(bit % 8)
            return copy
        }
    }

    @Test("A damaged record of a register is corrupted, whichever bit is flipped or byte missing")
    func register() throws {
        let engine = MemoryEngine()
        try StorageRepository(engine: engine).commit(
            .register(Sample.collection(1), Sample.record(1)),
            .register(Sample.collection(2), Sample.record(2)))
        let key = StorageKeys.register(Sample.collection(1))
        let value = try storedValue(engine, key)
        let truncations = (0..<value.count).map { Bytes(value[..<$0]) }
        for damaged in everyFlip(of: value) + truncations + [value + [0]] {
            let repository = try StorageRepository(engine: put(damaged, key, in: engine.table))
            let error = #expect(throws: DatabaseError.self) {
                try repository.register(Sample.collection(1))
            }
            #expect(error?.code == .corrupted)
            #expect(throws: DatabaseError.self) {
                try repository.registers(from: CollectionID(.zero), countMax: 9)
            }
            #expect(try repository.register(Sample.collection(2)) == Sample.record(2))
        }
    }

    @Test("A damaged record that belongs to another register is corrupted")
    func misplaced() throws {
        let engine = MemoryEngine()
        try StorageRepository(engine: engine).commit(
            .register(Sample.collection(1), Sample.record(1)))
        let value = try storedValue(engine, StorageKeys.register(Sample.collection(1)))
        let other = put(value, StorageKeys.register(Sample.collection(2)), in: engine.table)
        let repository = try StorageRepository(engine: other)
        let error = #expect(throws: DatabaseError.self) {
            try repository.register(Sample.collection(2))
        }
        #expect(error?.code == .corrupted)
    }

    // protocol: hash-on-every-read
    @Test(
        "A damaged record of a content or segment is absent and counted, and can be written again")
    func blocks() throws {
        let engine = MemoryEngine()
        let segment = Bytes("segment".utf8)
        let segmentKey = Sample.segmentKey(index: 0, segment)
        let block = BlockID(content: Sample.content(1))
        let writes = [Sample.contentWrite(1), PeerWrite.segment(segmentKey, segment)]
        try StorageRepository(engine: engine).commit(writes[0], writes[1])
        let keys = [StorageKeys.content(block), StorageKeys.segment(segmentKey)]
        for (key, write) in zip(keys, writes) {
            let value = try storedValue(engine, key)
            for damaged in everyFlip(of: value) + [[], value + [0]] {
                let repository = try StorageRepository(engine: put(damaged, key, in: engine.table))
                let isContent = key == keys[0]
                let read = {
                    isContent ? try repository.content(block) : try repository.segment(segmentKey)
                }
                #expect(try read() == nil)
                #expect(repository.corruptBlockCount == 1)
                try repository.commit(write)
                #expect(try read() == value)
                #expect(repository.statistics.contentCount == 1)
                #expect(repository.statistics.segmentCount == 1)
            }
        }
    }

    @Test("A damaged record of the store's progress keeps it from being opened")
    func progress() throws {
        let engine = MemoryEngine()
        try StorageRepository(engine: engine).commit(Sample.contentWrite(1))
        let value = try storedValue(engine, StorageKeys.progress)
        for damaged in everyFlip(of: value) + [[], value + [0]] {
            let other = put(damaged, StorageKeys.progress, in: engine.table)
            let error = #expect(throws: DatabaseError.self) {
                try StorageRepository(engine: other)
            }
            #expect(error?.code == .corrupted)
        }
    }

    @Test("Records lie under the keys that the layout documents")
    func keyLayout() {
        let digest = Digest(domain: "test", [])
        #expect(StorageKeys.register(CollectionID(digest)) == [0x72] + digest.bytes)
        #expect(StorageKeys.content(BlockID(digest)) == [0x63] + digest.bytes)
        #expect(StorageKeys.progress == Bytes("mprogress".utf8))
        let key = SegmentKey(
            collection: CollectionID(digest),
            incarnation: Incarnation(generation: 2, nonce: Identifier128(3)), index: 258,
            hash: digest)
        let position =
            [0x73] + digest.bytes + [0, 0, 0, 0, 0, 0, 0, 2]
            + Bytes(repeating: 0, count: 15) + [3] + [0, 0, 0, 0, 0, 0, 1, 2]
        #expect(StorageKeys.segmentPosition(key) == position)
        #expect(StorageKeys.segment(key) == position + digest.bytes)
        #expect(StorageKeys.collection(ofRegister: [0x72] + digest.bytes) == CollectionID(digest))
        #expect(StorageKeys.collection(ofRegister: [0x63] + digest.bytes) == nil)
        #expect(StorageKeys.end(ofPrefix: [1, 2]) == [1, 3])
        #expect(StorageKeys.end(ofPrefix: [1, 255, 255]) == [2])
    }
}
