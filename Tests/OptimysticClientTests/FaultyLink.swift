import BlockModel
import BlockRuntime
import BlockTransport
import BlockTransportLoopback
import Optimystic
import OptimysticClient
import Synchronization

/// A link to real proxies that does to single requests what a test says.
final class FaultyLink: ProxyLink {
    enum Fate: Sendable {
        case pass
        /// It gets there, and is told to have been answered with this, when the true answer comes.
        case passButAnswer(ClientReply)
        /// It gets nowhere, and is told to have been answered with this.
        case answer(ClientReply)
        /// The network does not take it.
        case notTaken
    }

    /// What becomes of requests, for a test to change.
    final class Script: Sendable {
        private let decide = Mutex<@Sendable (ClientRequest) -> Fate>({ _ in .pass })

        func set(_ decision: @escaping @Sendable (ClientRequest) -> Fate) {
            decide.withLock { $0 = decision }
        }

        /// Every attempt has this fate, everything else passes.
        func setCommits(_ fate: Fate) {
            set { if case .commit = $0 { fate } else { .pass } }
        }

        func fate(of request: ClientRequest) -> Fate { decide.withLock { $0 }(request) }
    }

    private let inner: TransportLink
    private let script: Script
    private var substitutes: [UInt64: ClientReply] = [:]
    private var ready: [LinkArrival] = []

    init(_ inner: TransportLink, _ script: Script) {
        self.inner = inner
        self.script = script
    }

    var waker: Waker { inner.waker }

    func connect(to address: String) throws(DatabaseError) { try inner.connect(to: address) }

    func send(
        _ request: ClientRequest, to proxy: Int, id: UInt64, deadline: Instant, cluster: ClusterID?
    ) -> Bool {
        switch script.fate(of: request) {
        case .pass: break
        case .passButAnswer(let reply): substitutes[id] = reply
        case .answer(let reply):
            ready.append(.reply(id: id, reply))
            return true
        case .notTaken: return false
        }
        return inner.send(request, to: proxy, id: id, deadline: deadline, cluster: cluster)
    }

    func receive(timeout: Duration?) throws(DatabaseError) -> [LinkArrival] {
        let own = ready
        ready = []
        let arrivals = try inner.receive(timeout: own.isEmpty ? timeout : .zero)
        return own
            + arrivals.map { arrival in
                guard case .reply(let id, _) = arrival,
                    let substitute = substitutes.removeValue(forKey: id)
                else { return arrival }
                return .reply(id: id, substitute)
            }
    }

    func close() { inner.close() }
}

extension LoopbackCluster {
    /// As ``connect(to:name:timeout:)``, over a link that does what `script` says.
    func connect(
        through script: FaultyLink.Script, timeout: Duration = TestTime.generous
    ) async throws -> Database {
        let connection = try await Connection.open(
            addresses: ["loopback://proxy0"], clusterName: "demo", environment: environment
        ) { [network, environment] () throws(DatabaseError) in
            FaultyLink(
                TransportLink(
                    over: try LoopbackTransport(network: network), environment: environment),
                script)
        }
        return try await Database(
            over: connection, clusterName: "demo", connectTimeout: timeout, timeout: timeout,
            environment: environment)
    }
}
