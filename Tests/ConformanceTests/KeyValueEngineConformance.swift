import BlockRuntime
import BlockStorage
import BlockStorageRocksDB
import Foundation
import Testing

/// The engines that the suite runs over.
enum EngineKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, fault, rocksDB

    var testDescription: String { rawValue }
}

/// One place that engines of a kind are opened on, one after another, as processes do.
final class EngineHome {
    private let kind: EngineKind
    private var table = SortedTable()
    private let disk = SimulatedDisk()
    private let directory: String
    private var isCreated = false

    init(_ kind: EngineKind) throws {
        self.kind = kind
        directory =
            FileManager.default.temporaryDirectory.path
            + "/engine-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Runs `body` with an engine that is opened before and closed after it.
    func withEngine<Result>(_ body: (any KeyValueEngine) throws -> Result) throws -> Result {
        let engine = try open()
        defer {
            if let memory = engine as? MemoryEngine { table = memory.table }
            engine.close()
        }
        return try body(engine)
    }

    private func open() throws -> any KeyValueEngine {
        switch kind {
        case .memory: return MemoryEngine(table: table)
        case .fault: return FaultEngine(disk: disk, generator: SeededGenerator(seed: 1))
        case .rocksDB:
            defer { isCreated = true }
            return try RocksDBEngine(at: SystemPath(directory + "/store"), creating: !isCreated)
        }
    }
}

func batch(_ operations: WriteBatch.Operation...) -> WriteBatch {
    var batch = WriteBatch()
    for operation in operations {
        switch operation {
        case .put(let key, let value): batch.put(value, for: key)
        case .delete(let key): batch.delete(key)
        }
    }
    return batch
}

func keys(_ records: [(key: Bytes, value: Bytes)]) -> [Bytes] { records.map(\.key) }

@Suite("Every key-value engine")
struct KeyValueEngineConformance {
    @Test(
        "Every key-value engine reads what it wrote before any sync",
        arguments: EngineKind.allCases)
    func readsItsWrites(kind: EngineKind) throws {
        try EngineHome(kind).withEngine { engine in
            #expect(try engine.get([1]) == nil)
            try engine.write(batch(.put([1], [10]), .put([2], [])))
            #expect(try engine.get([1]) == [10])
            #expect(try engine.get([2]) == [])
            #expect(try engine.get([1, 0]) == nil)
            try engine.write(batch(.put([1], [11]), .delete([2])))
            #expect(try engine.get([1]) == [11])
            #expect(try engine.get([2]) == nil)
            #expect(engine.counters.writes == 2)
            #expect(engine.counters.syncs == 0)
        }
    }

    @Test(
        "Every key-value engine applies a batch in order, the last operation on a key wins",
        arguments: EngineKind.allCases)
    func lastOperationWins(kind: EngineKind) throws {
        try EngineHome(kind).withEngine { engine in
            try engine.write(
                batch(.put([1], [1]), .delete([1]), .put([1], [2]), .put([2], [1]), .delete([2])))
            #expect(try engine.get([1]) == [2])
            #expect(try engine.get([2]) == nil)
            try engine.write(batch(.delete([7])))
            #expect(try engine.get([7]) == nil)
        }
    }

    @Test(
        "Every key-value engine orders keys as unsigned bytes, a prefix first",
        arguments: EngineKind.allCases)
    func ordersKeys(kind: EngineKind) throws {
        let ascending: [Bytes] = [[0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]]
        try EngineHome(kind).withEngine { engine in
            for key in ascending.reversed() { try engine.write(batch(.put(key, key))) }
            let all = try engine.scan(from: [], below: [255, 255], countMax: 100)
            #expect(keys(all) == ascending)
            #expect(all.map(\.value) == ascending)
        }
    }

    @Test(
        "Every key-value engine scans from its lower bound to below its upper bound",
        arguments: EngineKind.allCases)
    func scanBounds(kind: EngineKind) throws {
        try EngineHome(kind).withEngine { engine in
            for byte in UInt8(10)..<20 { try engine.write(batch(.put([byte], [byte]))) }
            let three = try engine.scan(from: [12], below: [15], countMax: 9)
            #expect(keys(three) == [[12], [13], [14]])
            #expect(keys(try engine.scan(from: [12], below: [15], countMax: 2)) == [[12], [13]])
            #expect(keys(try engine.scan(from: [12, 0], below: [14], countMax: 9)) == [[13]])
            #expect(keys(try engine.scan(from: [0], below: [11], countMax: 9)) == [[10]])
            #expect(keys(try engine.scan(from: [19], below: [255], countMax: 9)) == [[19]])
            #expect(try engine.scan(from: [12], below: [12], countMax: 9).isEmpty)
            #expect(try engine.scan(from: [15], below: [12], countMax: 9).isEmpty)
            #expect(try engine.scan(from: [30], below: [40], countMax: 9).isEmpty)
            #expect(try engine.scan(from: [], below: [], countMax: 9).isEmpty)
            #expect(try engine.scan(from: [12], below: [15], countMax: 0).isEmpty)
            try engine.write(batch(.delete([13])))
            #expect(keys(try engine.scan(from: [12], below: [15], countMax: 9)) == [[12], [14]])
        }
    }

    @Test(
        "Every key-value engine keeps synced data when it is opened again",
        arguments: EngineKind.allCases)
    func keepsSyncedData(kind: EngineKind) throws {
        let home = try EngineHome(kind)
        try home.withEngine { engine in
            try engine.write(batch(.put([1], [1]), .put([2], Bytes(repeating: 7, count: 300_000))))
            try engine.sync()
            try engine.write(batch(.delete([1])))
            try engine.sync()
            #expect(engine.counters.syncs == 2)
        }
        try home.withEngine { engine throws in
            #expect(try engine.get([1]) == nil)
            #expect(try engine.get([2]) == Bytes(repeating: 7, count: 300_000))
            #expect(engine.counters.syncs == 0)
        }
    }

    @Test(
        "Every key-value engine takes an empty batch and a sync without a write",
        arguments: EngineKind.allCases)
    func nothingToDo(kind: EngineKind) throws {
        try EngineHome(kind).withEngine { engine in
            try engine.sync()
            try engine.write(WriteBatch())
            try engine.sync()
            #expect(try engine.scan(from: [], below: [255], countMax: 9).isEmpty)
        }
    }

    @Test(
        "Every key-value engine refuses every call after it was closed",
        arguments: EngineKind.allCases)
    func refusesAfterClose(kind: EngineKind) throws {
        let home = try EngineHome(kind)
        try home.withEngine { engine in
            try engine.write(batch(.put([1], [1])))
            engine.close()
            engine.close()
            expectRefused(engine)
        }
    }

    @Test(
        "Every key-value engine agrees with a dictionary over random operations",
        arguments: EngineKind.allCases)
    func agreesWithAModel(kind: EngineKind) throws {
        var generator = SeededGenerator(seed: 42)
        var model: [Bytes: Bytes] = [:]
        let home = try EngineHome(kind)
        for _ in 0..<3 {
            try home.withEngine { engine in
                for _ in 0..<150 {
                    var batch = WriteBatch()
                    for _ in 0..<generator.below(6) {
                        let key = (0...generator.below(3)).map { _ in UInt8(generator.below(8)) }
                        if generator.chance(1, in: 4) {
                            batch.delete(key)
                            model[key] = nil
                        } else {
                            let value = Bytes(repeating: UInt8(generator.below(256)), count: 5)
                            batch.put(value, for: key)
                            model[key] = value
                        }
                    }
                    try engine.write(batch)
                    if generator.chance(1, in: 3) { try engine.sync() }
                }
                let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
                let all = try engine.scan(from: [], below: [255], countMax: 10_000)
                #expect(keys(all) == sorted)
                #expect(all.map(\.value) == sorted.map { model[$0] })
                let middle = sorted[sorted.count / 2]
                let above = try engine.scan(from: middle, below: [255], countMax: 10)
                #expect(keys(above) == Array(sorted[(sorted.count / 2)...].prefix(10)))
            }
        }
    }

    @Test(
        "Every key-value engine refuses every call after a failed write",
        arguments: [EngineKind.fault, .rocksDB])
    func poisonedByAFailedWrite(kind: EngineKind) throws {
        let engine = try failing(kind, at: .write)
        try engine.write(batch(.put([1], [1])))
        try engine.sync()
        try breakIfReal(engine, with: "/dev/full")
        let error = #expect(throws: DatabaseError.self) {
            try engine.write(batch(.put([2], [2])))
        }
        #expect(error?.code == .ioFailed || error?.code == .noSpace)
        expectRefused(engine)
    }

    @Test(
        "Every key-value engine refuses every call after a failed sync",
        arguments: [EngineKind.fault, .rocksDB])
    func poisonedByAFailedSync(kind: EngineKind) throws {
        let engine = try failing(kind, at: .sync)
        try engine.write(batch(.put([1], [1])))
        try engine.sync()
        try breakIfReal(engine, with: "/dev/null")
        try engine.write(batch(.put([2], [2])))
        let error = #expect(throws: DatabaseError.self) { try engine.sync() }
        #expect(error?.code == .ioFailed)
        #expect(error?.outcome == .unknown)
        expectRefused(engine)
    }

    private enum Step { case write, sync }

    private func failing(_ kind: EngineKind, at step: Step) throws -> any KeyValueEngine {
        guard kind == .fault else { return try WatchedRocksDB.open() }
        var plan = FaultPlan()
        if step == .write { plan.failAtWrite = 2 } else { plan.failAtSync = 2 }
        return FaultEngine(
            disk: SimulatedDisk(), plan: plan, generator: SeededGenerator(seed: 1))
    }

    private func breakIfReal(_ engine: any KeyValueEngine, with device: String) throws {
        if let watched = engine as? WatchedRocksDB { try watched.redirectLog(to: device) }
    }

    private func expectRefused(_ engine: any KeyValueEngine) {
        #expect(throws: DatabaseError.self) { try engine.get([1]) }
        #expect(throws: DatabaseError.self) { try engine.scan(from: [], below: [9], countMax: 1) }
        #expect(throws: DatabaseError.self) { try engine.write(batch(.put([3], [3]))) }
        #expect(throws: DatabaseError.self) { try engine.sync() }
    }
}
