import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

/// The real engine, whose log file a test can replace under its feet by a device that fails as real
/// disks do: `/dev/full` takes no byte, `/dev/null` cannot be synced.
final class WatchedRocksDB: KeyValueEngine {
    private let engine: RocksDBEngine
    private let directory: String

    private init(engine: RocksDBEngine, directory: String) {
        self.engine = engine
        self.directory = directory
    }

    deinit {
        // An open database writes files until it is closed.
        engine.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func open() throws -> WatchedRocksDB {
        let directory =
            FileManager.default.temporaryDirectory.path
            + "/engine-\(UUID().uuidString)"
        let engine = try RocksDBEngine(at: SystemPath(directory), creating: true)
        return WatchedRocksDB(engine: engine, directory: directory)
    }

    /// Puts `device` in the place of the log file that the engine has open.
    func redirectLog(to device: String) throws {
        let logs = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .compactMap { Int32($0) }
            .filter { descriptor in
                let target = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/fd/\(descriptor)")
                return target.map { $0.hasPrefix(directory) && $0.hasSuffix(".log") } ?? false
            }
        let log = try #require(logs.first)
        #expect(logs.count == 1)
        let replacement = Glibc.open(device, O_WRONLY)
        #expect(replacement >= 0)
        #expect(dup2(replacement, log) == log)
        Glibc.close(replacement)
    }

    var counters: EngineCounters { engine.counters }

    func get(_ key: Bytes) throws(DatabaseError) -> Bytes? { try engine.get(key) }

    func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        try engine.scan(from: lowest, below: end, countMax: countMax)
    }

    func write(_ batch: WriteBatch) throws { try engine.write(batch) }
    func sync() throws { try engine.sync() }
    func close() { engine.close() }
}

@Suite("RocksDB on a device that fails")
struct KeyValueEngineRealFaults {
    @Test("A full disk is the error noSpace, and the outcome of the write is unknown")
    func fullDisk() throws {
        let engine = try WatchedRocksDB.open()
        try engine.redirectLog(to: "/dev/full")
        let error = #expect(throws: DatabaseError.self) {
            try engine.write(batch(.put([1], [1])))
        }
        #expect(error?.code == .noSpace)
        #expect(error?.outcome == .unknown)
    }

    // protocol: failed-sync-ends-the-process
    @Test("A failed sync is not tried again")
    func failedSyncIsNotRepeated() throws {
        let engine = try WatchedRocksDB.open()
        try engine.write(batch(.put([1], [1])))
        try engine.redirectLog(to: "/dev/null")
        #expect(throws: DatabaseError.self) { try engine.sync() }
        let second = #expect(throws: DatabaseError.self) { try engine.sync() }
        #expect(second?.cause is DatabaseError)
        #expect(engine.counters.syncs == 0)
    }
}
