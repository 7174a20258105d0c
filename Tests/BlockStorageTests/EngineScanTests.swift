import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Testing

@Suite("Scans of RocksDB")
struct EngineScanTests {
    @Test("A scan does not go over what was removed above its end")
    func removedRecords() throws {
        let scratch = try Scratch()
        let engine = try RocksDBEngine(at: SystemPath(scratch.path + "/store"), creating: true)
        defer { engine.close() }
        var puts = WriteBatch()
        var removals = WriteBatch()
        for number in 0..<1000 {
            let key: Bytes = [2, UInt8(number / 256), UInt8(number % 256)]
            puts.put([1], for: key)
            removals.delete(key)
        }
        try engine.write(puts)
        try engine.write(removals)
        #expect(try engine.scan(from: [2], below: [3], countMax: 1).isEmpty)
        let inside = engine.scanSkips
        #expect(inside >= 1000)
        #expect(try engine.scan(from: [1], below: [2], countMax: 1).isEmpty)
        #expect(engine.scanSkips - inside <= 1)
    }
}
