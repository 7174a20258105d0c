import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Optimystic

/// This database and etcd on one machine in one run: each load on the one, then the same on the
/// other, so that what else the machine does meets both. The services of both run all the time.
///
/// Each load twice: through the client library of each, and with requests that were encoded
/// beforehand (``WireLoad``), where the clients cost the servers next to nothing.
struct PeersBenchmark {
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
        /// The same without client libraries; nil: there is none.
        var wire: (kind: WireLoad.Kind, collection: CollectionInfo)?
        /// How many times etcd's rate is aimed at, by the number of clients.
        let aims: [Int: Double]
        /// Whether clients can be in each other's way.
        var meetsConflicts = false
    }

    private static let appendAims = [1: 1.0, 16: 1.5, 64: 3.0, 256: 5.0, 1024: 5.0]
    private static let updateAims = [1: 1.0, 16: 1.2, 64: 1.5, 256: 2.0, 1024: 3.0]
    private static let readAims = [1: 1.0, 16: 1.5, 64: 2.0, 256: 2.0, 1024: 2.0]

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        guard let programs = setting.peers else {
            throw DatabaseError(.invalidArgument, "the programs of peers were not named")
        }
        return try await setting.withDirectoryOfTask { directory in
            let etcd = try EtcdCluster(setting, programs, directory: directory)
            let ending = setting.cleanup.add { etcd.stop() }
            defer { setting.cleanup.run(ending) }
            try etcd.fill(keyCount: Self.keyCount)
            let (cluster, removal) = try setting.startCluster()
            defer { setting.cleanup.run(removal) }
            let database = try await Database.connect(cluster.url)
            defer { database.close() }
            var samples = SampleSet()
            let wire = WireLoad(
                programs: programs, directory: directory, environment: setting.environment)
            for pair in try await pairs(database) {
                let address = try prepare(pair, wire, cluster, database)
                let counts = setting.clientCounts.isEmpty ? pair.clientCounts : setting.clientCounts
                for clients in counts {
                    for _ in 1...setting.runs {
                        try await measure(pair, clients, etcd, &samples)
                        guard let address, let kind = pair.wire?.kind else { continue }
                        let servers = Servers(
                            etcd: etcd, cluster: cluster, database: database, address: address)
                        try await measure(kind, pair, clients, wire, servers, &samples)
                    }
                }
            }
            return samples.measurements
        }
    }

    private func pairs(_ database: Database) async throws -> [Pair] {
        let reads = try await CommitLoad.makeTree("reads", in: database)
        let transfers = CommitLoad.transfer
        let diary = try await database.diary(named: "wire-appends").info
        let tree = try await CommitLoad.makeTree("wire-updates", in: database).info
        return [
            Pair(
                name: "append", title: "diary append",
                operation: try await CommitLoad.diaryAppend.begin(database, "appends"),
                peer: "put", wire: (.append, diary), aims: Self.appendAims),
            Pair(
                name: "update", title: "tree update",
                operation: try await CommitLoad.treeUpdate.begin(database, "updates"),
                peer: "put", wire: (.update, tree), aims: Self.updateAims),
            Pair(
                name: "get", title: "linearizable get",
                operation: ReadBenchmark.Kind.get.operation(on: reads), peer: "get",
                wire: (.get, reads.info), aims: Self.readAims),
            Pair(
                name: "range", title: "range of 100",
                operation: ReadBenchmark.Kind.range.operation(on: reads), peer: "range",
                wire: (.range, reads.info), aims: Self.readAims),
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
                    "peers.\(pair.name).\(clients)\(part)", title, unit: unit, aim: aim))
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

    // MARK: Without client libraries

    /// What is loaded, and what says how much it worked.
    private struct Servers {
        let etcd: EtcdCluster
        let cluster: LocalCluster
        let database: Database
        /// Of the proxy.
        let address: String
    }

    /// - Returns: The address of the proxy; nil when there is nothing to be loaded.
    private func prepare(
        _ pair: Pair, _ wire: WireLoad, _ cluster: LocalCluster, _ database: Database
    ) throws -> String? {
        guard let (kind, collection) = pair.wire,
            let proxy = cluster.members.first(where: { $0.role == .clientProxy })
        else { return nil }
        try wire.prepare(kind, clusterName: database.cluster.clusterName, of: collection)
        return cluster.address(of: proxy)
    }

    private func measure(
        _ kind: WireLoad.Kind, _ pair: Pair, _ clients: Int, _ wire: WireLoad, _ servers: Servers,
        _ samples: inout SampleSet
    ) async throws {
        _ = try wire.run(kind, on: servers.address, clients: clients, for: Self.warmUpTime)
        let before = try await ClusterCounters(servers.cluster, servers.database)
        let own = try wire.run(kind, on: servers.address, clients: clients, for: Self.measuredTime)
        let used = try await ClusterCounters(servers.cluster, servers.database).since(before)
        // One server of three leads: the one that answers most is the strongest peer.
        let leader = try servers.etcd.endpoints.map { endpoint in
            (
                endpoint,
                try wire.runEtcd(kind, on: endpoint, clients: clients, for: Self.warmUpTime).rate
            )
        }.max { $0.1 < $1.1 }
        let start = servers.etcd.processor
        let peer = try wire.runEtcd(
            kind, on: leader?.0 ?? "", clients: clients, for: Self.measuredTime)
        let peerUsed = servers.etcd.processor - start
        func add(_ sample: Double, _ part: String, _ title: String, _ unit: String, aim: Double?) {
            let name = "peers.wire.\(pair.name).\(clients)\(part)"
            samples.add(sample, to: Figure(name, title, unit: unit, aim: aim))
        }
        let count = "\(clients) in flight, no library"
        add(own.rate, "", "\(pair.title), \(count)", "ops/s", aim: nil)
        add(peer.rate, ".etcd", "  etcd \(pair.peer)", "ops/s", aim: nil)
        add(own.rate / peer.rate, ".ratio", "  ratio", "times", aim: pair.aims[clients])
        for (name, mine, other) in [("p50", own.p50, peer.p50), ("p99", own.p99, peer.p99)] {
            add(mine, ".\(name)", "  \(name) of one", "us", aim: nil)
            add(other, ".etcd.\(name)", "  etcd's", "us", aim: nil)
        }
        for (role, title) in [
            (LocalCluster.Member.Role.storagePeer, "peers"), (.coordinator, "coordinators"),
            (.clientProxy, "proxy"),
        ] {
            let time = used.processor[role, default: 0] / Double(own.count)
            add(time, ".cpu.\(title)", "  processor time of one: \(title)", "us", aim: nil)
        }
        add(
            peerUsed / Double(peer.count), ".etcd.cpu", "  etcd's servers", "us", aim: nil)
    }
}
