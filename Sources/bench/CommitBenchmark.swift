import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Foundation
import Optimystic

/// Commits through the SDK, a proxy, a coordinator and three storage peers: real processes on
/// loopback, real disks. Where the time goes is told by what can be counted: how many operations
/// share an entry, how often peers sync, what a sync takes, and each role's processor time.
struct CommitBenchmark {
    static let title = "commits " + way
    static let titleOfTransfers = "transactions over two trees " + way
    private static let way =
        "through 1 proxy, 2 coordinators and 3 peers on loopback, from tasks over one connection"

    static let warmUpTime = Duration.milliseconds(300)

    /// The figures of one load with one number of clients.
    private struct Figures {
        let rate: Figure
        let p50: Figure
        let p99: Figure
        let together: Figure
        /// nil where there are none.
        let conflicts: Figure?
        let batches: Figure
        let client: Figure
        let proxy: Figure
        let coordinators: Figure
        let peers: Figure

        init(_ load: CommitLoad, clients: Int) {
            let name = "commit.\(load.name).\(clients)"
            func figure(_ part: String, _ title: String, _ unit: String) -> Figure {
                Figure("\(name).\(part)", "  " + title, unit: unit)
            }
            rate = Figure(
                name, "\(load.title), \(clients) client\(clients == 1 ? "" : "s")",
                unit: "commits/s")
            p50 = figure("p50", "p50 of one", "us")
            p99 = figure("p99", "p99 of one", "us")
            together = figure("together", "commits in one entry of the log", "commits")
            conflicts =
                load.meetsConflicts
                ? figure("conflicts", "conflicts of a commit", "conflicts") : nil
            batches = figure("batches", "synced batches of a peer for a commit", "batches")
            client = figure("cpu.client", "processor time of a commit: clients", "us")
            proxy = figure("cpu.proxy", "                            proxy", "us")
            coordinators = figure(
                "cpu.coordinators", "                            coordinators", "us")
            peers = figure("cpu.peers", "                            all peers", "us")
        }
    }

    let setting: BenchSetting
    let loads: [CommitLoad]

    init(_ setting: BenchSetting, _ loads: [CommitLoad] = CommitLoad.ofOneCollection) {
        self.setting = setting
        self.loads = loads
    }

    func run() async throws -> [MeasuredFigure] {
        let (cluster, removal) = try setting.startCluster()
        defer { setting.cleanup.run(removal) }
        let database = try await Database.connect(cluster.url)
        defer { database.close() }

        var samples = SampleSet()
        for load in setting.chosen(loads) {
            for clients in load.clientCounts {
                for run in 1...setting.runs {
                    let operation = try await load.begin(database, "\(load.name)-\(clients)-\(run)")
                    try await measure(
                        operation, clients, Figures(load, clients: clients), cluster, database,
                        &samples)
                }
            }
        }
        // The services' directories are in the same temporary directory.
        return samples.measurements + (try DiskBenchmark(setting).run())
    }

    private func measure(
        _ operation: @escaping CommitLoad.Operation, _ clients: Int, _ figures: Figures,
        _ cluster: LocalCluster, _ database: Database, _ samples: inout SampleSet
    ) async throws {
        func drive(_ duration: Duration) async throws -> LoadResult {
            try await CommitLoad.drive(
                operation, clients: clients, duration: duration, environment: setting.environment)
        }
        _ = try await drive(CommitBenchmark.warmUpTime)
        let before = try await ClusterCounters(cluster, database)
        let result = try await drive(setting.measuredTime)
        let used = try await ClusterCounters(cluster, database).since(before)

        let count = Double(result.latencies.count)
        samples.add(count / result.seconds, to: figures.rate)
        samples.add(Statistics.percentile(50, of: result.latencies) ?? 0, to: figures.p50)
        samples.add(Statistics.percentile(99, of: result.latencies) ?? 0, to: figures.p99)
        samples.add(count / Double(result.revisions.count), to: figures.together)
        if let conflicts = figures.conflicts {
            samples.add(Double(result.conflictCount) / count, to: conflicts)
        }
        samples.add(used.syncedBatches / count, to: figures.batches)
        samples.add(used.ownProcessor / count, to: figures.client)
        let roles: [(LocalCluster.Member.Role, Figure)] = [
            (.clientProxy, figures.proxy), (.coordinator, figures.coordinators),
            (.storagePeer, figures.peers),
        ]
        for (role, figure) in roles { samples.add((used.processor[role] ?? 0) / count, to: figure) }
    }
}
