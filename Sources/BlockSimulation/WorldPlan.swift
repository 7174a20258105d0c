import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWorkloads

/// What a world is made of and what goes wrong in it: all drawn from the seed.
///
/// Each fault family is off in half of the seeds: a fault that is always there hides others.
package struct WorldPlan: Sendable {
    package var peerCount: Int
    package var replicaCount: Int
    package var coordinatorCount: Int
    package var proxyCount: Int
    package var clientCount: Int
    package var shardCount: Int
    package var operationCount: Int
    /// Collections; the clients are dealt out over them.
    package var collectionCount: Int
    /// What each collection is, and for trees and queues what is done with it.
    package var structures: [StructurePlan?] = []
    /// What is done in transactions, by the number of the collection.
    package var transactions: [Int: TransactionPlan] = [:]
    /// What takes the place of the first collection: transactions over several.
    package var bank: BankPlan?
    /// Likewise: lists in several trees.
    package var spread: SpreadPlan?
    /// Likewise: what hunts for one anomaly.
    package var anomalies: AnomalyPlan?
    /// The message of coordinators and proxies before which its sender dies, counted from the
    /// moment at which a transaction is sent: this one at the first such transaction, the one after
    /// it at the second, and so on; nil: at none.
    package var crashAtStep: Int?
    /// What is done with custom collections, by their numbers.
    package var customs: [Int: CustomPlan] = [:]
    package var valueBytesMax: Int
    /// Open entries of a tail before it is sealed: small, so that seals are frequent.
    package var openEntryCountMax: Int

    /// Messages lost, of a thousand.
    package var lossRate: Int
    /// Messages doubled, of a thousand.
    package var duplicationRate: Int
    /// Mean of the random part of a message's delay.
    package var delayMean: Duration
    /// Messages that take many times the mean, of a thousand: they are overtaken by whole rounds.
    package var stragglerRate: Int
    /// Messages delayed by seconds, of a thousand.
    package var clogRate: Int
    /// How often some peer dies between two cycles, or in the middle of one.
    package var peerCrashEvery: Duration?
    /// Whether crashes hit single writes and syncs, not only the moments between cycles.
    package var crashesInsideCycles: Bool
    /// Whether all peers sometimes die at once, as when the power goes.
    package var hasPowerCuts: Bool
    /// How often the network breaks for a while, and in which shapes.
    package var partitionEvery: Duration?
    var partitionShapes: [NetworkPartition.Shape] = []
    package var coordinatorCrashEvery: Duration?
    package var proxyCrashEvery: Duration?
    package var clientCrashEvery: Duration?
    /// Requests, of a thousand, in the middle of which the client breaks its connection, to go on
    /// through another proxy.
    package var connectionBreakRate = 0
    package var unsyncedFate: FaultPlan.UnsyncedFate
    /// How long the faults go on.
    package var faultTime: Duration
    /// Whether only what peers send and get is lost, doubled, late and cut: more is done then, and
    /// more at the same time.
    package var sparesClients = false
    /// Whether links are fast or slow for a while each, so that quorums differ from one coordinator
    /// to another.
    package var hasWeather = false
    /// Links that are slow at any time, of a thousand, and how many times slower at most.
    package var slowLinkRate = 333
    package var slownessMax = 40
    /// Whether each proxy turns to another coordinator, and each client to another proxy.
    package var isSpread = false
    /// How often a process stands still for a while, and for how long at most.
    package var pauseEvery: Duration?
    package var pauseMax = Duration.seconds(1)
    /// How many times slower clients are, so that more time passes.
    package var pace = 1
    /// Whether every process has a clock of its own, which drifts; and how often one is moved.
    package var hasClockFaults = false
    package var clockMoveEvery: Duration?
    /// Whether coordinators and proxies die between two of the things that one event has them do.
    package var crashesInsideTurns = false
    /// How often the disk of some peer takes up to seconds for each sync, for a while.
    package var slowDiskEvery: Duration?
    package var hasFullDisks = false
    package var hasSyncErrors = false
    package var hasReadErrors = false
    /// The peers whose disks damage or lose what they hold: a minority of every shard, so that
    /// every object has an intact copy elsewhere (the fault atlas).
    package var frailPeers: [Int] = []
    package var damagesDisks = false
    package var losesDisks = false
    /// Bytes of blocks and records that a peer keeps ready: a few, so that most are made from the
    /// disk, which may have been damaged, or as many as there are.
    package var memoBytesMax = 1024
    /// Whether tails are inspected at the end, which brings every replica up to date.
    package var hasInspections = false
    /// Whether only a quorum core is healed.
    package var staysBroken = false
    /// Whether buggify points fire.
    package var hasOdds = false
    /// Whether coordinators walk over versions and pends.
    package var hasWalks = false
    /// Whether coordinators execute attempts again before they take them.
    package var validates = false
    /// Whether coordinators fight over one diary.
    package var isDuel = false
    /// Whether messages travel as bytes: encoded, and decoded by whom they reach.
    package var sendsBytes = false
    /// Whether the database is embedded in the process of its clients.
    package var isEmbedded = false

    /// - Parameter operationCountOfClient: What each client does, instead of what the seed says.
    package init(seed: UInt64, operationCount operationCountOfClient: Int? = nil) {
        var generator = SeededGenerator(seed: seed ^ 0x5EED_0F9A_11)
        func flip() -> Bool { generator.chance(1, in: 2) }
        func every(_ seconds: Int) -> Duration? {
            flip() ? .milliseconds(200 + generator.below(seconds * 1000)) : nil
        }
        replicaCount = generator.chance(1, in: 4) ? 5 : 3
        peerCount = replicaCount + generator.below(flip() ? 2 : 10 - replicaCount)
        coordinatorCount = 1 + generator.below(4)
        proxyCount = 1 + generator.below(3)
        clientCount = 2 + generator.below(flip() ? 5 : 15)
        shardCount = 1 + generator.below(8)
        operationCount = max(12, (400 + generator.below(600)) / clientCount)
        collectionCount = 1 + generator.below(3)
        valueBytesMax = generator.chance(1, in: 3) ? 6000 : 400
        openEntryCountMax = flip() ? 1 + generator.below(3) : 32
        lossRate = flip() ? generator.below(200) : 0
        duplicationRate = flip() ? generator.below(200) : 0
        delayMean = flip() ? .milliseconds(1 + generator.below(60)) : .microseconds(300)
        stragglerRate = flip() ? generator.below(100) : 0
        clogRate = flip() ? generator.below(20) : 0
        peerCrashEvery = every(3)
        crashesInsideCycles = flip()
        hasPowerCuts = flip()
        partitionEvery = every(2)
        coordinatorCrashEvery = every(3)
        proxyCrashEvery = every(4)
        clientCrashEvery = every(6)
        let fates: [FaultPlan.UnsyncedFate] = [
            .lost, .prefixSurvives, .anySubsetSurvives, .survive,
        ]
        unsyncedFate = fates[generator.below(fates.count)]
        faultTime = .milliseconds(2000 + generator.below(12_000))
        if flip() { makeStormy(&generator) }
        var other = SeededGenerator(seed: seed ^ 0xD0E1)
        // Themes are pure in most cases: every fault more hides what they are for.
        var isPure = other.chance(3, in: 4)
        var transactionsOneIn: Int?
        switch other.below(12) {
        case 0, 1:
            makeDuel(&other)
            isDuel = true
        case 2...4:
            makeHot(&other)
            transactionsOneIn = 2
        default:
            operationCount = operationCountOfClient ?? operationCount
            structures = drawStructures(seed)
            transactionsOneIn = 4
            isPure = false
        }
        operationCount = operationCountOfClient ?? operationCount
        if let transactionsOneIn { drawTransactions(seed, oneIn: transactionsOneIn) }
        drawCustoms(seed)
        drawBank(seed)
        drawSpread(seed)
        drawValidation(seed)
        drawAnomalies(seed)
        drawBrokenConnections(seed)
        drawAtlas(seed)
        if !isPure {
            drawProcessFaults(seed)
            drawDiskFaults(seed)
        }
        hasOdds = other.chance(1, in: 2)
        drawEmbedding(seed)
        var last = SeededGenerator(seed: seed ^ 0xB17E5)
        sendsBytes = last.chance(1, in: 4)
    }

    /// A third of the worlds are of diaries; in the others each collection is a diary, a tree or a
    /// queue: nil stands for a diary.
    private func drawStructures(_ seed: UInt64) -> [StructurePlan?] {
        var generator = SeededGenerator(seed: seed ^ 0x7EE_5EED)
        let hasStructures = generator.chance(2, in: 3)
        return (0..<collectionCount).map { number in
            guard hasStructures, generator.chance(5, in: 6) else { return nil }
            let kind: CollectionKind = generator.chance(3, in: 4) ? .tree : .queue
            return StructurePlan(
                name: "\(kind)-\(number)", kind: kind,
                capacity: kind == .tree ? UInt32(4 + generator.below(5)) : nil,
                keyCount: generator.chance(1, in: 3) ? 20 : 60 + generator.below(140),
                operationCount: operationCount, valueBytesMax: min(valueBytesMax, 1000),
                largeValueEvery: generator.chance(1, in: 6) ? 3 : nil,
                dropEvery: generator.chance(1, in: 3) ? 25 : nil)
        }
    }

    /// The name of the collection of a number.
    func name(ofCollection number: Int) -> String {
        if number == 0, let bank { return bank.ledgerName }
        if number == 0, let spread { return spread.treeNames[0] }
        if number == 0, let anomalies { return anomalies.collectionNames[0] }
        return customs[number]?.name ?? transactions[number]?.name ?? structures[number]?.name
            ?? "diary-\(number)"
    }

    /// The names of all collections that clients use.
    var names: [String] {
        (0..<collectionCount).map(name(ofCollection:)) + (bank?.branchNames ?? [])
            + (spread?.treeNames.dropFirst() ?? [])
            + (anomalies?.collectionNames.dropFirst() ?? [])
    }

    /// Asks whether a collection is served.
    func probe(of name: String) -> ClientRequest {
        if hasInspections { return .inspectTail(name: name) }
        return .openCollection(
            OpenCollection(name: name, kind: kind(of: name), encoding: nil))
    }

    private func kind(of name: String) -> CollectionKind {
        if customs.values.contains(where: { $0.name == name }) { return .custom }
        if let spread, let tree = spread.treeNames.firstIndex(of: name) {
            return spread.kind(of: tree)
        }
        if let anomalies, let place = anomalies.collectionNames.firstIndex(of: name) {
            return anomalies.kind(of: place)
        }
        if transactions.values.contains(where: { $0.name == name }) { return .tree }
        return structures.compactMap { $0 }.first { $0.name == name }?.kind ?? .diary
    }

    /// The client of a number: they are dealt out over the collections.
    func makeClient(_ index: Int, generator: SeededGenerator) -> any WorkloadClient {
        let number = index % collectionCount
        if number == 0, let bank {
            return BankClient(number: index, plan: bank, generator: generator)
        }
        if number == 0, let spread {
            return SpreadClient(number: index, plan: spread, generator: generator)
        }
        if number == 0, let anomalies {
            return AnomalyClient(number: index, plan: anomalies, generator: generator)
        }
        if let custom = customs[number] {
            return CustomClient(number: index, plan: custom, generator: generator)
        }
        if let transactions = transactions[number] {
            return TransactionClient(number: index, plan: transactions, generator: generator)
        }
        if let structure = structures[number] {
            return StructureClient(number: index, plan: structure, generator: generator)
        }
        return DiaryClient(
            number: index, collection: name(ofCollection: number), operationCount: operationCount,
            valueBytesMax: valueBytesMax, generator: generator)
    }

    /// The cluster of this plan: every shard's members drawn from the peers.
    func makeMap(using generator: inout SeededGenerator) throws(DatabaseError) -> ClusterMap {
        if isEmbedded {
            return try EmbeddedCluster.map(
                cluster: ClusterID(rawValue: Identifier128(0xC1)),
                peer: PeerID(rawValue: Identifier128(1)))
        }
        let peers = (0..<peerCount).map { index in
            ClusterMap.Peer(
                id: PeerID(rawValue: Identifier128(UInt128(index + 1))), name: "peer-\(index)",
                address: "sim://peer-\(index)")
        }
        let shards = (0..<shardCount).map { _ in
            var ids = peers.map(\.id)
            while ids.count > replicaCount { ids.remove(at: generator.below(ids.count)) }
            return ids
        }
        return try ClusterMap(
            cluster: ClusterID(rawValue: Identifier128(0xC1)), name: "simulated", peers: peers,
            shards: shards,
            coordinators: (0..<coordinatorCount).map {
                ClusterMap.Service(name: "coordinator-\($0)", address: "sim://coordinator-\($0)")
            },
            proxies: (0..<proxyCount).map {
                ClusterMap.Service(name: "proxy-\($0)", address: "sim://proxy-\($0)")
            })
    }
}
