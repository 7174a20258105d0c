import BlockDeployment
import BlockMeasurement
import BlockModel
import BlockRuntime
import Optimystic

/// Reads through the SDK, a proxy, a coordinator and three storage peers while no client writes.
struct ReadBenchmark {
    static let title =
        "reads of a tree of 10,000 entries of 256 bytes through 1 proxy, from tasks over one "
        + "connection"

    private static let clientCounts = [1, 16, 64, 256, 1024]
    private static let rangeCount = 100
    private static let warmUpTime = Duration.milliseconds(200)
    private static let measuredTime = Duration.seconds(1)

    /// One kind of read.
    struct Kind: Sendable {
        let name: String
        let title: String
        private let read: @Sendable (Tree<Int, Bytes>, Revision, _ place: Int) async throws -> Bool

        /// Reads one place after the other, spread over the tree, the same in every run.
        func operation(on tree: Tree<Int, Bytes>) -> CommitLoad.Operation {
            let revision = tree.revision
            return { client, number in
                guard try await read(tree, revision, CommitLoad.place(client, number)) else {
                    throw DatabaseError(.internalError, "what was written is not there")
                }
                return CommitLoad.Completion(revision: revision)
            }
        }

        static let get = Kind(name: "get", title: "linearizable get") { tree, _, place in
            try await tree.value(for: place) != nil
        }
        static let snapshot = Kind(
            name: "snapshot", title: "get as of a revision"
        ) { tree, revision, place in
            try await tree.asOf(revision: revision).value(for: place) != nil
        }
        static let range = Kind(
            name: "range", title: "linearizable range of 100 entries"
        ) { tree, _, place in
            let first = place % (CommitLoad.treeEntryCount - rangeCount)
            var count = 0
            for try await _ in tree.entries(in: first..<first + rangeCount) { count += 1 }
            return count == rangeCount
        }
    }

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        let (cluster, removal) = try setting.startCluster()
        defer { setting.cleanup.run(removal) }
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        let tree = try await CommitLoad.makeTree("reads", in: database)
        var samples = SampleSet()
        for kind in [Kind.get, .snapshot, .range] {
            for clients in Self.clientCounts {
                for _ in 1...setting.runs { try await measure(kind, clients, tree, &samples) }
            }
        }
        return samples.measurements
    }

    private func measure(
        _ kind: Kind, _ clients: Int, _ tree: Tree<Int, Bytes>, _ samples: inout SampleSet
    ) async throws {
        let operation = kind.operation(on: tree)
        for duration in [Self.warmUpTime, Self.measuredTime] {
            let result = try await CommitLoad.drive(
                operation, clients: clients, duration: duration, environment: setting.environment)
            guard duration == Self.measuredTime else { continue }
            let name = "read.\(kind.name).\(clients)"
            samples.add(
                Double(result.latencies.count) / result.seconds,
                to: Figure(
                    name, "\(kind.title), \(clients) client\(clients == 1 ? "" : "s")",
                    unit: "reads/s"))
            for percent in [50, 99] {
                samples.add(
                    Statistics.percentile(Double(percent), of: result.latencies) ?? 0,
                    to: Figure("\(name).p\(percent)", "  p\(percent) of one", unit: "us"))
            }
        }
    }
}
