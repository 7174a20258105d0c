import BlockModel
import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

@Suite("A data directory whose process was killed")
struct KilledDirectoryTests {
    /// An open directory with cycles answered, and the log file of its store.
    private func running(in scratch: Scratch, cycles: Int) throws -> (DataDirectory, String) {
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let directory = try DataDirectory.open(at: path)
        let repository = try #require(directory.repository)
        for cycle in 1...UInt64(cycles) {
            try repository.commit(
                .register(Sample.collection(1), Sample.record(cycle, bytes: 1000)))
            try directory.journal?.acknowledge(
                cycle, at: .origin.advanced(by: .milliseconds(10) * Int(cycle)))
        }
        let log = try #require(
            FileManager.default.contentsOfDirectory(atPath: path + "/store")
                .filter { $0.hasSuffix(".log") }.max())
        return (directory, "store/" + log)
    }

    @Test("A directory that was never closed has every answered cycle")
    func survivesKill() throws {
        let scratch = try Scratch()
        let (directory, _) = try running(in: scratch, cycles: 20)
        let killed = try scratch.copy(of: directory.pathText, named: "killed")
        let reopened = try DataDirectory.open(at: killed)
        #expect(reopened.refusal == nil)
        #expect(reopened.repository?.writeSequence == 20)
        #expect(
            try reopened.repository?.register(Sample.collection(1))
                == Sample.record(20, bytes: 1000))
        try reopened.close()
        try directory.close()
    }

    @Test("RocksDB itself counts at least one sync of its log for each answered cycle")
    func countsSyncs() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        let directory = try DataDirectory.open(at: path)
        let repository = try #require(directory.repository)
        let before = directory.walSyncs
        for cycle in 1...UInt64(50) {
            try repository.commit(.register(Sample.collection(1), Sample.record(cycle)))
            #expect(directory.walSyncs - before >= cycle)
        }
        #expect(repository.engineCounters.syncs == 51)
        #expect(repository.engineCounters.writes == 50)
        try directory.close()
    }

    @Test("A log with a torn, unanswered end is opened without that end")
    func tornTail() throws {
        let scratch = try Scratch()
        let (directory, log) = try running(in: scratch, cycles: 5)
        // The sixth cycle is written and not answered.
        try directory.repository?.commit(.register(Sample.collection(1), Sample.record(6)))
        let torn = try scratch.copy(of: directory.pathText, named: "torn")
        try edit(torn + "/" + log) { $0.removeLast(10) }
        let reopened = try DataDirectory.open(at: torn)
        #expect(reopened.refusal == nil)
        #expect(reopened.repository?.writeSequence == 5)
        try reopened.close()
        try directory.close()
    }

    // protocol: a-peer-that-forgot-is-a-new-peer, stale-registers-are-out-of-scope
    @Test("A log cut below an answered cycle is amnesia")
    func cutLog() throws {
        let scratch = try Scratch()
        let (directory, log) = try running(in: scratch, cycles: 5)
        let size = try Data(
            contentsOf: URL(fileURLWithPath: directory.pathText + "/" + log)
        ).count
        // Each cycle takes more than 1000 bytes of the log.
        for lost in [10, 1000, size / 2, size] {
            let cut = try scratch.copy(of: directory.pathText, named: "cut-\(lost)")
            try edit(cut + "/" + log) { $0.removeLast(lost) }
            let reopened = try DataDirectory.open(at: cut)
            #expect(reopened.refusal?.code == .amnesia)
            #expect(reopened.repository == nil)
            try reopened.close()
        }
        try directory.close()
    }

    @Test("Damage inside the log refuses the vote, wherever it is")
    func damagedLog() throws {
        let scratch = try Scratch()
        let (directory, log) = try running(in: scratch, cycles: 5)
        let size = try Data(
            contentsOf: URL(fileURLWithPath: directory.pathText + "/" + log)
        ).count
        for offset in stride(from: 0, to: size, by: size / 23) {
            let damaged = try scratch.copy(of: directory.pathText, named: "damaged-\(offset)")
            try edit(damaged + "/" + log) { $0[offset] ^= 0x40 }
            let reopened = try DataDirectory.open(at: damaged)
            let code = try #require(reopened.refusal?.code)
            #expect(code == .corrupted || code == .amnesia)
            try reopened.close()
        }
        try directory.close()
    }

    @Test("RocksDB runs with the settings that cannot drop a synced end silently")
    func logSettings() throws {
        let scratch = try Scratch()
        let (directory, _) = try running(in: scratch, cycles: 1)
        let store = directory.pathText + "/store/"
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: store)
                .filter { $0.hasPrefix("OPTIONS-") }.max())
        let options = try String(contentsOfFile: store + name, encoding: .utf8)
            .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        for line in [
            "wal_recovery_mode=kTolerateCorruptedTailRecords", "recycle_log_file_num=0",
            "track_and_verify_wals_in_manifest=true", "paranoid_checks=true",
            "manual_wal_flush=false", "allow_mmap_writes=false",
        ] {
            #expect(options.contains(line))
        }
        try directory.close()
    }

    @Test("A damaged table file never gives other bytes than were written")
    func damagedTable() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/data"
        _ = try DataDirectory.initialize(at: path, environment: .live())
        var generator = SeededGenerator(seed: 8)
        let contents = (0..<40).map { _ in (0..<500).map { _ in UInt8(generator.below(256)) } }
        let first = try DataDirectory.open(at: path)
        for (number, bytes) in contents.enumerated() {
            try first.repository?.commit(
                .register(Sample.collection(number), Sample.record(UInt64(number))),
                .content(BlockID(content: bytes), bytes))
        }
        try first.close()
        // Recovery turns the log into a table file.
        try DataDirectory.open(at: path).close()
        let tables = try FileManager.default.contentsOfDirectory(atPath: path + "/store")
            .filter { $0.hasSuffix(".sst") }.sorted()
        let table = "store/" + (try #require(tables.last))
        let size = try Data(contentsOf: URL(fileURLWithPath: path + "/" + table)).count
        var found = 0
        for offset in stride(from: 0, to: size, by: size / 40) {
            let damaged = try scratch.copy(of: path, named: "damaged-\(offset)")
            try edit(damaged + "/" + table) { $0[offset] ^= 0x10 }
            found += try damageFound(in: damaged, contents)
            try FileManager.default.removeItem(atPath: damaged)
        }
        #expect(found >= 35)
    }

    /// Reads everything; what can be read must be right.
    /// - Returns: 1 when opening or reading found damage, else 0.
    private func damageFound(in path: String, _ contents: [Bytes]) throws -> Int {
        guard let directory = try? DataDirectory.open(at: path) else { return 1 }
        defer { try? directory.close() }
        guard let repository = directory.repository else {
            #expect(directory.refusal?.code == .corrupted)
            return 1
        }
        var damage = 0
        for (number, bytes) in contents.enumerated() {
            if let stored = try repository.content(BlockID(content: bytes)) {
                #expect(stored == bytes)
            } else {
                damage = 1
            }
            do {
                let record = try repository.register(Sample.collection(number))
                #expect(record == Sample.record(UInt64(number)))
            } catch {
                #expect(error.code == .corrupted)
                damage = 1
            }
        }
        return damage
    }
}
