import BlockNode
import BlockRuntime
import BlockStorageRocksDB
import BlockTransport
import OptimysticClient

/// The way of a connection to a whole cluster in this process, which runs on the connection's
/// thread: whatever was handed over while the last batch was synced is served together.
final class EmbeddedLink: ProxyLink {
    private let directory: DataDirectory
    private let environment: Environment
    private let doorbell: Doorbell
    private var cluster: EmbeddedCluster
    private var requests: [EmbeddedCluster.Request] = []

    /// Opens the data directory at `path`, and makes it when there is none.
    ///
    /// - Throws: What ``DataDirectory`` throws, and its refusal: a store that forgot or is damaged
    ///   is not served.
    init(at path: SystemPath, environment: Environment) throws(DatabaseError) {
        self.environment = environment
        doorbell = Doorbell(environment: environment)
        do {
            if try DataDirectory.isFree(at: path) {
                _ = try DataDirectory.initialize(at: path, environment: environment)
            }
            directory = try DataDirectory.open(at: path)
        } catch {
            throw EmbeddedLink.typed(error)
        }
        do {
            cluster = try EmbeddedLink.cluster(over: directory, environment)
        } catch {
            // What is wrong with it is the error to tell.
            try? directory.close()
            throw EmbeddedLink.typed(error)
        }
    }

    private static func cluster(
        over directory: DataDirectory, _ environment: Environment
    ) throws -> EmbeddedCluster {
        if let refusal = directory.refusal { throw refusal }
        // A directory that no cluster has used yet becomes a cluster of its own.
        let id = directory.cluster ?? ClusterID(rawValue: environment.identifier())
        try directory.bind(to: id)
        guard let repository = directory.repository else {
            throw DatabaseError(.internalError, "a data directory without refusal has a store")
        }
        let map = try EmbeddedCluster.map(cluster: id, peer: directory.peer)
        let cycle = StoragePeerCycle(
            identity: directory.peer, map: map, repository: repository, journal: directory.journal)
        return EmbeddedCluster(map: map, cycle: cycle, environment: environment)
    }

    var waker: Waker { doorbell.waker }

    /// There is one proxy, and it is here.
    func connect(to address: String) throws(DatabaseError) {}

    func send(
        _ request: ClientRequest, to proxy: Int, id: UInt64, deadline: Instant, cluster: ClusterID?
    ) -> Bool {
        requests.append(EmbeddedCluster.Request(token: id, request: request, deadline: deadline))
        return true
    }

    func receive(
        timeout: Duration?
    ) throws(DatabaseError) -> [LinkArrival] {
        if requests.isEmpty { doorbell.wait(timeout: timeUntilWake(atMost: timeout)) }
        do {
            let served = requests
            requests = []
            let replies = try cluster.turn(served, now: environment.now())
            try cluster.afterReplies(now: environment.now())
            return replies.map { .reply(id: $0.token, $0.reply) }
        } catch {
            throw EmbeddedLink.typed(error)
        }
    }

    private func timeUntilWake(atMost timeout: Duration?) -> Duration? {
        let own = cluster.nextWake.map { $0.since(environment.now()) }
        return [own, timeout].compactMap { $0 }.min()
    }

    func close() {
        // The journal may lag; a store that failed is as a crash leaves it.
        try? directory.close()
    }

    private static func typed(_ error: any Error) -> DatabaseError {
        error as? DatabaseError ?? DatabaseError(.ioFailed, "the store failed: \(error)")
    }
}
