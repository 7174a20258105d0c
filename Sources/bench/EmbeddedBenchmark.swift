import BlockMeasurement
import BlockRuntime
import Optimystic
import OptimysticEmbedded

/// The work of ``CommitBenchmark`` on a database in this process: what is left when there are no
/// other processes and one disk.
struct EmbeddedBenchmark {
    static let title = "commits in an embedded database, RocksDB in the temporary directory"

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        var samples = SampleSet()
        for load in setting.chosen(CommitLoad.ofOneCollection) {
            for clients in load.clientCounts {
                for _ in 1...setting.runs {
                    try await setting.withDirectoryOfTask { directory in
                        let database = try await Database.embedded(at: directory)
                        try await measure(database, load, clients, &samples)
                        await database.closeAndWait()
                    }
                }
            }
        }
        return samples.measurements
    }

    private func measure(
        _ database: Database, _ load: CommitLoad, _ clients: Int, _ samples: inout SampleSet
    ) async throws {
        let operation = try await load.begin(database, load.name)
        _ = try await CommitLoad.drive(
            operation, clients: clients, duration: CommitBenchmark.warmUpTime,
            environment: setting.environment)
        let result = try await CommitLoad.drive(
            operation, clients: clients, duration: setting.measuredTime,
            environment: setting.environment)
        let count = Double(result.latencies.count)
        let name = "embedded.\(load.name).\(clients)"
        samples.add(
            count / result.seconds,
            to: Figure(
                name, "\(load.title), \(clients) task\(clients == 1 ? "" : "s")",
                unit: "commits/s"))
        samples.add(
            Statistics.percentile(50, of: result.latencies) ?? 0,
            to: Figure("\(name).p50", "  p50 of one", unit: "us"))
        samples.add(
            count / Double(result.revisions.count),
            to: Figure("\(name).together", "  commits in one entry of the log", unit: "commits"))
    }
}
