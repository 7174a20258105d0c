import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Optimystic

/// Whether a commit costs the same however long the history is, and what the services take of the
/// memory: one client, one entry after the other, through all services. Done once, however many
/// runs are asked for.
struct HistoryBenchmark {
    private static let sampleCount = 1000

    static let title =
        "commits of one client to one tree through all services, the last \(sampleCount) beside "
        + "the first"

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        let (cluster, removal) = try setting.startCluster()
        defer { setting.cleanup.run(removal) }
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        let tree = try await database.tree("history", key: Int.self, coding: .bytes)
        var samples = SampleSet()
        addMemory(of: cluster, "before", &samples)
        var latencies: [Double] = []
        for number in 0..<setting.historyCount {
            let value = Bytes(repeating: UInt8(truncatingIfNeeded: number), count: 256)
            let before = setting.environment.now()
            try await tree.set(number &* 7919 % 5000, to: value)
            latencies.append(setting.environment.now().since(before).microseconds)
        }
        addMemory(of: cluster, "after", &samples)
        samples.add(
            Double(setting.historyCount),
            to: Figure("history.commits", "commits", unit: "commits"))
        let first = Statistics.median(Array(latencies.prefix(Self.sampleCount))) ?? 0
        let last = Statistics.median(Array(latencies.suffix(Self.sampleCount))) ?? 0
        samples.add(first, to: Figure("history.first", "median of the first", unit: "us"))
        samples.add(last, to: Figure("history.last", "median of the last", unit: "us"))
        samples.add(
            first / last, to: Figure("history.ratio", "first by last", unit: "times", aim: 0.9))
        return samples.measurements
    }

    private func addMemory(of cluster: LocalCluster, _ when: String, _ samples: inout SampleSet) {
        for role in LocalCluster.Member.Role.allCases {
            let members = cluster.members.filter { $0.role == role }
            let most = members.compactMap { cluster.process(of: $0)?.residentBytes }.max() ?? 0
            samples.add(
                Double(most) / 1_048_576,
                to: Figure(
                    "history.memory.\(role.rawValue).\(when)",
                    "memory of a \(role.rawValue) \(when)", unit: "MiB"))
        }
    }
}
