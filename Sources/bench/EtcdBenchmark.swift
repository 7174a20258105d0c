import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Optimystic

/// This database and etcd on one machine in one run: each load on the one, then the same on the
/// other, so that what else the machine does meets both. The services of both run all the time.
struct EtcdBenchmark {
    static let title =
        "this database beside three etcd servers: 256-byte values, 10,000 keys, turn by turn"

    private static let warmUpTime = Duration.milliseconds(300)
    private static let measuredTime = Duration.seconds(2)
    private static let keyCount = CommitLoad.treeEntryCount

    /// Something to be done, and what stands beside it.
    private struct Pair {
        let name: String
        let title: String
        let operation: CommitLoad.Operation
        var clientCounts = [1, 16, 64, 256, 1024]
        /// The kind of load of etcd.
        let peer: String
        /// How many times etcd's rate is aimed at, by the number of clients.
        let aims: [Int: Double]
        /// Whether clients can be in each other's way.
        var meetsConflicts = false
    }

    private static let writeAims = [64: 3.0, 256: 5.0, 1024: 5.0]
    private static let readAims = [64: 2.0, 256: 2.0]

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        guard let load = setting.etcdLoad else {
            throw DatabaseError(.invalidArgument, "the program that loads etcd was not named")
        }
        return try await setting.withDirectoryOfTask { directory in
            let etcd = try EtcdCluster(setting, load: load, directory: directory)
            let ending = setting.cleanup.add { etcd.stop() }
            defer { setting.cleanup.run(ending) }
            try etcd.fill(keyCount: Self.keyCount)
            let (cluster, removal) = try setting.startCluster()
            defer { setting.cleanup.run(removal) }
            let database = try await Database.connect(cluster.url)
            defer { database.close() }
            var samples = SampleSet()
            for pair in try await pairs(database) {
                for clients in pair.clientCounts {
                    for _ in 1...setting.runs { try await measure(pair, clients, etcd, &samples) }
                }
            }
            return samples.measurements
        }
    }

    private func pairs(_ database: Database) async throws -> [Pair] {
        let reads = try await CommitLoad.makeTree("reads", in: database)
        let transfers = CommitLoad.transfer
        return [
            Pair(
                name: "append", title: "diary append",
                operation: try await CommitLoad.diaryAppend.begin(database, "appends"),
                peer: "put", aims: Self.writeAims),
            Pair(
                name: "update", title: "tree update",
                operation: try await CommitLoad.treeUpdate.begin(database, "updates"),
                peer: "put", aims: Self.writeAims),
            Pair(
                name: "get", title: "linearizable get",
                operation: ReadBenchmark.Kind.get.operation(on: reads), peer: "get",
                aims: Self.readAims),
            Pair(
                name: "range", title: "range of 100",
                operation: ReadBenchmark.Kind.range.operation(on: reads), peer: "range", aims: [:]),
            Pair(
                name: transfers.name, title: "transfer, two trees",
                operation: try await transfers.begin(database, "transfers"),
                clientCounts: transfers.clientCounts, peer: "transfer", aims: [:],
                meetsConflicts: transfers.meetsConflicts),
        ]
    }

    private func measure(
        _ pair: Pair, _ clients: Int, _ etcd: EtcdCluster, _ samples: inout SampleSet
    ) async throws {
        let own = try await measureOwn(pair, clients)
        _ = try etcd.measure(
            pair.peer, clients: clients, duration: Self.warmUpTime, keyCount: Self.keyCount)
        let peer = try etcd.measure(
            pair.peer, clients: clients, duration: Self.measuredTime, keyCount: Self.keyCount)
        let (ownRate, peerRate) = (
            Double(own.latencies.count) / own.seconds, Double(peer.count) / peer.seconds
        )
        func add(_ sample: Double, _ part: String, _ title: String, _ unit: String, aim: Double?) {
            samples.add(
                sample,
                to: Figure(
                    "etcd.\(pair.name).\(clients)\(part)", title, unit: unit, aim: aim))
        }
        let count = "\(clients) client\(clients == 1 ? "" : "s")"
        add(ownRate, "", "\(pair.title), \(count)", "ops/s", aim: nil)
        add(peerRate, ".etcd", "  etcd \(pair.peer)", "ops/s", aim: nil)
        add(ownRate / peerRate, ".ratio", "  ratio", "times", aim: pair.aims[clients])
        if pair.meetsConflicts {
            let ownPart = Double(own.conflictCount) / Double(own.latencies.count)
            let peerPart = Double(peer.conflicts) / Double(peer.count)
            add(ownPart, ".conflicts", "  conflicts of one", "conflicts", aim: nil)
            add(peerPart, ".etcd.conflicts", "  etcd's", "conflicts", aim: nil)
        }
        for (percent, peerLatency) in [(50.0, peer.p50), (99.0, peer.p99)] {
            let latency = Statistics.percentile(percent, of: own.latencies) ?? 0
            add(latency, ".p\(Int(percent))", "  p\(Int(percent)) of one", "us", aim: nil)
            add(peerLatency, ".etcd.p\(Int(percent))", "  etcd's", "us", aim: nil)
        }
    }

    private func measureOwn(_ pair: Pair, _ clients: Int) async throws -> LoadResult {
        func drive(_ duration: Duration) async throws -> LoadResult {
            try await CommitLoad.drive(
                pair.operation, clients: clients, duration: duration,
                environment: setting.environment)
        }
        _ = try await drive(Self.warmUpTime)
        return try await drive(Self.measuredTime)
    }
}
