import BlockDeployment
import BlockMeasurement
import BlockModel
import BlockOperations
import BlockRuntime
import BlockStorageRocksDB
import Optimystic

/// Whether memory stays flat while every kind of collection is used for a long time, and names that
/// do not exist are asked for: the memory of each process is printed every minute.
///
/// The first third of the time is for caches and stores to fill; what a process takes after that
/// must not grow by more than the caches of its kind may still take.
struct SoakBenchmark {
    static let title = "memory of each process while everything is used, minute by minute"

    private static let clientCount = 4
    /// Small, so that they are full when the warm-up ends.
    private static let proxyCacheSize = "4MiB"

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        let (cluster, removal) = try setting.startCluster(extra: { member in
            member.role == .clientProxy ? ["--cache", Self.proxyCacheSize] : []
        })
        defer { setting.cleanup.run(removal) }
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        let end = setting.environment.now().advanced(by: .seconds(60 * setting.minutes))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<Self.clientCount {
                group.addTask { try await work(client, database, until: end) }
            }
            let measurements = try await watch(cluster, until: end)
            try await group.waitForAll()
            return measurements
        }
    }

    // MARK: Work

    /// Uses everything, one thing after the other.
    private func work(_ client: Int, _ database: Database, until end: Instant) async throws {
        let tree = try await database.tree("soak-tree", key: Int.self, coding: .bytes)
        let diary = try await database.diary(named: "soak-diary-\(client % 2)")
        let queue = try await database.queue(named: "soak-queue")
        var generator = setting.environment.generator()
        var number = 0
        while setting.environment.now() < end {
            number += 1
            do {
                let value = Bytes(repeating: UInt8(truncatingIfNeeded: number), count: 200)
                switch generator.below(8) {
                case 0, 1: try await tree.set(generator.below(20_000), to: value)
                case 2: _ = try await tree.value(for: generator.below(20_000))
                case 3: _ = try await diary.append(value)
                case 4: _ = try await queue.enqueue(value)
                case 5: _ = try await queue.dequeue()
                case 6: try await page(of: tree, from: generator.below(20_000))
                default: try await visit(client, number, database)
                }
            } catch let error as DatabaseError {
                // What fails is for other tools; the memory must be flat all the same.
                guard error.code != .shuttingDown else { throw error }
            }
        }
    }

    private func page(of tree: Tree<Int, Bytes>, from key: Int) async throws {
        var count = 0
        for try await _ in tree.entries(in: key..<key + 500) {
            count += 1
            if count == 200 { return }
        }
    }

    /// A collection that is made, used and dropped, and one that never was.
    private func visit(_ client: Int, _ number: Int, _ database: Database) async throws {
        do {
            _ = try await database.openDiary(named: "soak-absent-\(client)-\(number)")
        } catch let error as DatabaseError where error.code == .collectionNotFound {}
        let name = "soak-visited-\(client)-\(number % 500)"
        let diary = try await database.diary(named: name)
        _ = try await diary.append([1])
        try await database.drop(name)
    }

    // MARK: Memory

    private func watch(
        _ cluster: LocalCluster, until end: Instant
    ) async throws -> [MeasuredFigure] {
        var memory: [LocalCluster.Member: [Int]] = [:]
        var minute = 0
        while setting.environment.now() < end {
            try await Task.sleep(for: .seconds(60))
            minute += 1
            var words: [String] = []
            for member in cluster.members {
                guard let bytes = cluster.process(of: member)?.residentBytes else {
                    throw DatabaseError(.internalError, "\(member) has ended")
                }
                memory[member, default: []].append(bytes)
                words.append("\(member) \(bytes >> 20)")
            }
            LineWriter.standardError.writeLine(
                "minute \(minute), MiB: " + words.joined(separator: ", "))
        }
        return try judge(cluster.members, memory)
    }

    /// - Throws: `.internalError` naming every process that grew after the warm-up.
    private func judge(
        _ members: [LocalCluster.Member], _ memory: [LocalCluster.Member: [Int]]
    ) throws -> [MeasuredFigure] {
        var samples = SampleSet()
        var grown: [String] = []
        for member in members {
            guard let all = memory[member], all.count >= 3 else { continue }
            let (before, after) = (all[all.count / 3], all.suffix(2).min() ?? 0)
            let growth = Double(after - before) / 1_048_576
            samples.add(
                Double(after) / 1_048_576,
                to: Figure("soak.\(member).end", "\(member) at the end", unit: "MiB"))
            samples.add(
                growth,
                to: Figure(
                    "soak.\(member).growth", "  grown since minute \(all.count / 3 + 1)",
                    unit: "MiB"))
            if growth > Self.growthMax(of: member.role, before) {
                grown.append("\(member) by \(Int(growth)) MiB")
            }
        }
        guard grown.isEmpty else {
            throw DatabaseError(
                .internalError, "memory grows after the warm-up: \(grown.joined(separator: ", "))")
        }
        return samples.measurements
    }

    /// MiB that may still come: the allocator's own unrest; at a peer, what the engine buffers
    /// before it sorts it out.
    private static func growthMax(of role: LocalCluster.Member.Role, _ before: Int) -> Double {
        let tenth = Double(before) / 1_048_576 / 10
        let buffer = Double(Limits.engineWriteBufferBytes) / 1_048_576
        return switch role {
        case .storagePeer: tenth + 2 * buffer
        case .coordinator, .clientProxy: tenth + 4
        }
    }
}
