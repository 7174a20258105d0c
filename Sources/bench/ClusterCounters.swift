import BlockDeployment
import BlockModel
import BlockRuntime
import Glibc
import Optimystic

/// What the processes of a cluster have used since they were started.
struct ClusterCounters {
    /// Microseconds of processor time of all processes of a role.
    private(set) var processor: [LocalCluster.Member.Role: Double] = [:]
    /// The same of this process, where the clients are.
    private(set) var ownProcessor: Double
    /// Batches that each storage peer has synced, on average.
    private(set) var syncedBatches: Double

    init(_ cluster: LocalCluster, _ database: Database) async throws {
        let tickMicroseconds = 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
        for member in cluster.members {
            let ticks = cluster.process(of: member)?.processorTicks ?? 0
            processor[member.role, default: 0] += Double(ticks) * tickMicroseconds
        }
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        ownProcessor = Double(time.tv_sec) * 1_000_000 + Double(time.tv_nsec) / 1000
        let sequences = try await database.status().compactMap { $0.status?.writeSequence }
        guard sequences.count == cluster.shape.peers else {
            throw DatabaseError(.quorumUnavailable, "not every storage peer says what it did")
        }
        syncedBatches = Double(sequences.reduce(0, +)) / Double(sequences.count)
    }

    /// What was used after `earlier`.
    func since(_ earlier: ClusterCounters) -> ClusterCounters {
        var used = self
        for (role, time) in earlier.processor { used.processor[role, default: 0] -= time }
        used.ownProcessor -= earlier.ownProcessor
        used.syncedBatches -= earlier.syncedBatches
        return used
    }
}
