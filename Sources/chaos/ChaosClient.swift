import BlockModel
import BlockRuntime
import BlockTransportZeroMQ
import BlockWorkloads
import OptimysticClient
import Synchronization

/// What the clients of a run share.
final class ChaosState: Sendable {
    let record = Mutex(ChaosHistory())
    /// Whether the faults are over.
    let isHealed = Atomic<Bool>(false)

    struct ChaosHistory: Sendable {
        var history = History()
        /// Requests of workloads that did not fail, openings aside.
        var successCount = 0
        var brokenConnectionCount = 0
        var crashCount = 0
        var undone: Set<Int> = []

        /// What a reply says of the lives of a collection.
        /// - Parameter life: The request, when it was to begin or to end one.
        mutating func note(
            _ reply: ClientReply, _ life: LivesHistory.RequestID?, of collection: String,
            at now: Instant
        ) {
            if let life { history.lives.tell(life, LivesHistory.Answer(reply), at: now) }
            guard case .collection(let info) = reply else { return }
            history.lives.see(info.incarnation, createdBy: info.createdBy, of: collection)
        }
    }
}

/// One client over a real connection: asks what its workload says, in real time.
struct ChaosClient: Sendable {
    /// Between a failure and the next request, so that a cluster that refuses everything is not
    /// asked as fast as it can refuse.
    private static let pauseAfterFailure = Duration.milliseconds(10)
    /// One of so many requests is cut short by its own client, where that is what a lane does.
    private static let breakEvery = 12
    /// One of so many requests ends with the death of the client.
    private static let crashEvery = 300

    let number: Int
    let lane: ChaosLane
    let addresses: [String]
    let clusterName: String
    let environment: Environment
    let state: ChaosState
    let generator: SeededGenerator

    /// Works on one collection after another until the faults are over, it has finished one, and
    /// something has succeeded since.
    func run() async throws {
        var generator = generator
        var addresses = addresses
        var connection = try await open(&addresses)
        defer { connection.close() }
        var round = 0
        var hasSucceededSince = false
        var readsLast = false
        while !(hasSucceededSince && state.isHealed.load(ordering: .acquiring)) {
            round += 1
            var workload = lane.makeClient(number, round: round, generator: generator.fork())
            var isDone = false
            defer {
                // Whoever is stopped in the middle of something has died, as far as anybody knows.
                if !isDone {
                    let now = environment.now()
                    state.record.withLock { workload.crashed(&$0.history, at: now) }
                }
            }
            while true {
                if lane.workload == .bank, !readsLast, state.isHealed.load(ordering: .acquiring) {
                    // What is there at the end is looked at by those who know how.
                    workload.beginFinalReads()
                    readsLast = true
                }
                let (step, life) = state.record.withLock {
                    let step = workload.next(&$0.history, at: environment.now())
                    guard case .request(let request, _) = step else {
                        return (step, LivesHistory.RequestID?.none)
                    }
                    let life = $0.history.lives.send(
                        request, of: request.collectionName ?? workload.collection,
                        at: environment.now())
                    return (step, life)
                }
                guard case .request(let request, let timeout) = step else {
                    guard case .pause(let duration) = step else { break }
                    try await Task.sleep(for: duration)
                    continue
                }
                let wasHealed = state.isHealed.load(ordering: .acquiring)
                let isCrash = generator.chance(1, in: ChaosClient.crashEvery)
                let isBreak =
                    lane.breaksConnections && generator.chance(1, in: ChaosClient.breakEvery)
                guard isCrash || isBreak else {
                    let reply = try await answer(connection.start(request, timeout: timeout))
                    if try await take(reply, to: request, life, &workload), wasHealed {
                        hasSucceededSince = true
                    }
                    continue
                }
                let pending = connection.start(request, timeout: timeout)
                try await Task.sleep(for: .microseconds(generator.below(8000)))
                connection.close()
                let reply = try await answer(pending)
                connection = try await open(&addresses)
                if isCrash {
                    state.record.withLock {
                        workload.crashed(&$0.history, at: environment.now())
                        $0.crashCount += 1
                    }
                } else {
                    state.record.withLock { $0.brokenConnectionCount += 1 }
                    _ = try await take(reply, to: request, life, &workload)
                }
            }
            isDone = true
        }
        state.record.withLock { _ = $0.undone.remove(number) }
    }

    /// Connects to the next proxy; a client that breaks no connections knows the others too.
    private func open(_ addresses: inout [String]) async throws -> Connection {
        addresses.append(addresses.removeFirst())
        let known = lane.breaksConnections ? Array(addresses.prefix(1)) : addresses
        return try await Connection.open(
            addresses: known, clusterName: clusterName, environment: environment
        ) { [environment] () throws(DatabaseError) in
            TransportLink(over: try ZeroMQTransport(), environment: environment)
        }
    }

    private func answer(_ pending: PendingReply) async throws -> ClientReply {
        do {
            return try await pending.value()
        } catch let error as DatabaseError {
            return .failed(error)
        }
    }

    /// - Returns: Whether something was done or read.
    private func take(
        _ reply: ClientReply, to request: ClientRequest, _ life: LivesHistory.RequestID?,
        _ workload: inout any WorkloadClient
    ) async throws -> Bool {
        var isFailure = false
        if case .failed = reply { isFailure = true }
        var isOpening = false
        if case .openCollection = request { isOpening = true }
        state.record.withLock {
            $0.note(
                reply, life, of: request.collectionName ?? workload.collection,
                at: environment.now())
            workload.receive(reply, &$0.history, at: environment.now())
            if !isFailure, !isOpening { $0.successCount += 1 }
        }
        if isFailure { try await Task.sleep(for: ChaosClient.pauseAfterFailure) }
        return !isFailure && !isOpening
    }
}
