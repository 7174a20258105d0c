import ArgumentParser
import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Foundation
import Synchronization

/// What can be measured on its own, in the order in which it is.
enum Benchmark: String, ExpressibleByArgument, CaseIterable {
    case tree
    case pend
    case disk
    case store
    case embedded
    case commit
    case transfer
    case read
    case history
    case fairness
    case soak
    case peers

    /// What is measured when nothing is named: for peers others must be installed first, and a soak
    /// takes its time.
    static let usual = allCases.filter { $0 != .peers && $0 != .soak }

    var title: String {
        switch self {
        case .tree: TreeBenchmark.title
        case .pend: PendBenchmark.title
        case .disk: DiskBenchmark.title
        case .store: StoreBenchmark.title
        case .embedded: EmbeddedBenchmark.title
        case .commit: CommitBenchmark.title
        case .transfer: CommitBenchmark.titleOfTransfers
        case .read: ReadBenchmark.title
        case .history: HistoryBenchmark.title
        case .fairness: FairnessBenchmark.title
        case .soak: SoakBenchmark.title
        case .peers: PeersBenchmark.title
        }
    }

    func run(_ setting: BenchSetting) async throws -> [MeasuredFigure] {
        switch self {
        case .tree: try TreeBenchmark(setting).run()
        case .pend: try PendBenchmark(setting).run()
        case .disk: try DiskBenchmark(setting).run()
        case .store: try StoreBenchmark(setting).run()
        case .embedded: try await EmbeddedBenchmark(setting).run()
        case .commit: try await CommitBenchmark(setting).run()
        case .transfer: try await CommitBenchmark(setting, [.transfer, .hotTransfer]).run()
        case .read: try await ReadBenchmark(setting).run()
        case .history: try await HistoryBenchmark(setting).run()
        case .fairness: try await FairnessBenchmark(setting).run()
        case .soak: try await SoakBenchmark(setting).run()
        case .peers: try await PeersBenchmark(setting).run()
        }
    }
}

/// What every benchmark is given.
struct BenchSetting: Sendable {
    let runs: Int
    let environment: BlockRuntime.Environment
    let cleanup: Cleanup
    /// Commits of the benchmark of a long history.
    let historyCount: Int
    /// How long a soak takes.
    let minutes: Int
    /// nil where others are not measured.
    let peers: PeerPrograms?
    /// The loads that were asked for by name, and the numbers of clients; empty for all.
    let loads: [String]
    let clientCounts: [Int]
    /// How long work that commits is measured.
    let measuredTime: Duration

    /// Those that were asked for.
    func chosen(_ loads: [CommitLoad]) -> [CommitLoad] {
        loads.filter { self.loads.isEmpty || self.loads.contains($0.name) }.map { load in
            var load = load
            if !clientCounts.isEmpty { load.clientCounts = clientCounts }
            return load
        }
    }

    /// Work per second.
    func rate(of count: Int, _ work: () throws -> Void) rethrows -> Double {
        Double(count) / (try seconds(work))
    }

    func seconds(_ work: () throws -> Void) rethrows -> Double {
        let start = environment.now()
        try work()
        return environment.now().since(start).seconds
    }

    /// A cluster of the executables beside this one.
    /// - Parameter extra: Settings of a service beside its usual ones.
    /// - Returns: What ends it, for ``Cleanup/run(_:)``, as well.
    func startCluster(
        shape: LocalCluster.Shape = LocalCluster.Shape(),
        extra: (LocalCluster.Member) -> [String] = { _ in [] }
    ) throws -> (LocalCluster, removal: Int) {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = (path as NSString).deletingLastPathComponent
        let cluster = try LocalCluster(executables: folder, shape: shape)
        let removal = cleanup.add { cluster.tearDown() }
        for member in cluster.members { try cluster.start(member, extra: extra(member)) }
        try cluster.startAll()
        return (cluster, removal)
    }

    /// Runs `body` with an empty directory, which is removed afterwards, also on an interrupt.
    func withDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
        let (path, removal) = try makeDirectory()
        defer { cleanup.run(removal) }
        return try body(path)
    }

    /// As ``withDirectory(_:)``, for a body that waits.
    func withDirectoryOfTask<Value>(
        _ body: (String) async throws -> Value
    ) async throws -> Value {
        let (path, removal) = try makeDirectory()
        defer { cleanup.run(removal) }
        return try await body(path)
    }

    private func makeDirectory() throws -> (path: String, removal: Int) {
        let path =
            FileManager.default.temporaryDirectory.path
            + "/optimystic-bench-\(environment.identifier())"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        return (path, cleanup.add { try? FileManager.default.removeItem(atPath: path) })
    }
}

extension Duration {
    /// At least a nanosecond, so that a rate is a number.
    var seconds: Double { Double(max(1, nanoseconds)) / 1_000_000_000 }
    var microseconds: Double { seconds * 1_000_000 }
}

/// What must not be left behind when this process ends, however it does.
final class Cleanup: Sendable {
    private struct State {
        var actions: [Int: @Sendable () -> Void] = [:]
        var count = 0
    }
    private let state = Mutex(State())

    /// - Returns: For ``run(_:)``.
    func add(_ action: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.count += 1
            state.actions[state.count] = action
            return state.count
        }
    }

    /// Runs one action, once.
    func run(_ number: Int) {
        state.withLock { $0.actions.removeValue(forKey: number) }?()
    }

    /// Runs all that are left, once. From any thread.
    func run() {
        let actions = state.withLock { state in
            defer { state.actions = [:] }
            return state.actions
        }
        for action in actions.values { action() }
    }
}
