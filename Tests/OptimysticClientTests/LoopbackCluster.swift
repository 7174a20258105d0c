import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockTransport
import BlockTransportLoopback
import BlockTransportZeroMQ
import Logging
import Optimystic
import OptimysticClient
import Synchronization

/// A whole cluster in this process: the real services, each on its thread, over a loopback network
/// or over real sockets; storage in memory.
final class LoopbackCluster: Sendable {
    /// One service that can be stopped.
    private final class Running: Sendable {
        let waker = Mutex<Waker?>(nil)
        let isStopped = Atomic<Bool>(false)
        let hasEnded = Atomic<Bool>(false)

        func stop() {
            isStopped.store(true, ordering: .sequentiallyConsistent)
            waker.withLock { $0?.wake() }
        }
    }

    let map: ClusterMap
    let network: LoopbackNetwork
    let environment: Environment
    private let makeTransport: @Sendable (String) throws -> any Transport
    private let services = Mutex<[String: Running]>([:])

    /// Three peers, two coordinators, two proxies.
    /// - Parameter usesSockets: Whether they talk over TCP on free ports of 127.0.0.1.
    init(usesSockets: Bool = false) throws {
        let environment = Environment.live()
        let network = LoopbackNetwork(environment: environment)
        self.environment = environment
        self.network = network
        makeTransport = { address in
            if usesSockets { return try ZeroMQTransport(address: address) }
            return try LoopbackTransport(network: network, address: address)
        }
        func address(_ name: String) throws -> String {
            guard usesSockets else { return "loopback://\(name)" }
            // A port that was free a moment ago: everybody has to know it before anybody listens.
            let probe = try ZeroMQTransport(address: "tcp://127.0.0.1:*")
            defer { probe.close() }
            return probe.boundAddress ?? ""
        }
        let peers = try (0..<3).map {
            ClusterMap.Peer(
                id: PeerID(rawValue: Identifier128(UInt128($0 + 1))), name: "peer\($0)",
                address: try address("peer\($0)"))
        }
        func make(_ name: String) throws -> [ClusterMap.Service] {
            try (0..<2).map {
                ClusterMap.Service(name: "\(name)\($0)", address: try address("\(name)\($0)"))
            }
        }
        map = try ClusterMap(
            cluster: ClusterID(rawValue: Identifier128(99)), name: "demo", peers: peers,
            shards: Array(repeating: peers.map(\.id), count: 4),
            coordinators: try make("coordinator"), proxies: try make("proxy"))
        for peer in map.peers { startPeer(peer) }
        for service in map.coordinators { startCoordinator(service) }
        for service in map.proxies { startProxy(service) }
    }

    func startPeer(_ peer: ClusterMap.Peer) {
        start(peer.name, peer.address) { [map] port in
            let cycle = StoragePeerCycle(
                identity: peer.id, map: map,
                repository: try StorageRepository(engine: MemoryEngine()), journal: nil)
            return StoragePeerHost(port: port, cycle: cycle)
        }
    }

    func startCoordinator(_ service: ClusterMap.Service) {
        start(service.name, service.address) { [map, environment] port in
            try CoordinatorHost(port: port, map: map, environment: environment)
        }
    }

    func startProxy(_ service: ClusterMap.Service) {
        start(service.name, service.address) { [map, environment] port in
            try ClientProxyHost(
                port: port, map: map, release: "test", environment: environment)
        }
    }

    private func start(
        _ name: String, _ address: String,
        _ make: @escaping @Sendable (ServicePort) throws -> any Service
    ) {
        let running = Running()
        services.withLock { $0[name] = running }
        let problem = BackgroundThread.start { [makeTransport, map, environment] in
            defer { running.hasEnded.store(true, ordering: .sequentiallyConsistent) }
            do {
                let transport = try makeTransport(address)
                defer { transport.close() }
                running.waker.withLock { $0 = transport.waker }
                let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
                let port = ServicePort(
                    transport: transport, cluster: map.cluster, logger: logger)
                let loop = ServiceLoop(try make(port), environment: environment)
                try loop.run { running.isStopped.load(ordering: .sequentiallyConsistent) }
            } catch {
                invariant(false, "\(name) cannot run: \(error)")
            }
        }
        invariant(problem == nil, "no thread for \(name)")
    }

    /// Waits until every service listens: on a loaded machine its thread may begin late.
    private func waitUntilBound() async {
        while services.withLock({ services in
            services.values.contains { $0.waker.withLock { $0 == nil } }
        }) { try? await Task.sleep(for: .milliseconds(1)) }
    }

    /// Stops a service and waits until it is gone.
    func stop(_ name: String) async {
        guard let running = services.withLock({ $0.removeValue(forKey: name) }) else { return }
        running.stop()
        while !running.hasEnded.load(ordering: .sequentiallyConsistent) {
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    func stopAll() async {
        for name in services.withLock({ $0.keys.sorted() }) { await stop(name) }
    }

    func connect(
        to addresses: [String] = ["loopback://proxy0"], name: String = "demo",
        timeout: Duration = TestTime.generous
    ) async throws -> Database {
        let connection = try await Connection.open(
            addresses: addresses, clusterName: name, environment: environment
        ) { [network, environment] () throws(DatabaseError) in
            TransportLink(
                over: try LoopbackTransport(network: network), environment: environment)
        }
        return try await Database(
            over: connection, clusterName: name, connectTimeout: timeout, timeout: timeout,
            environment: environment)
    }

    /// Runs `body` in a cluster that is gone afterwards.
    static func run(
        usesSockets: Bool = false, _ body: @Sendable (LoopbackCluster) async throws -> Void
    ) async throws {
        let cluster = try LoopbackCluster(usesSockets: usesSockets)
        await cluster.waitUntilBound()
        do {
            try await body(cluster)
        } catch {
            await cluster.stopAll()
            throw error
        }
        await cluster.stopAll()
    }
}
