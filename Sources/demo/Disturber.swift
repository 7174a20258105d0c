import BlockDeployment
import BlockRuntime
import Optimystic

/// Kills one service of each role while the imports are at work, and starts them again.
struct Disturber {
    /// Shares of the records that have landed when something happens, in percent.
    private static let peerKilledAt = 15
    private static let coordinatorKilledAt = 35
    private static let proxyKilledAt = 55
    private static let restartedAt = 75

    let cluster: LocalCluster
    let narrator: Narrator

    func disturb(_ imports: Imports, _ database: Database) async throws {
        var victims: [LocalCluster.Member] = []
        for (percent, role) in [
            (Disturber.peerKilledAt, LocalCluster.Member.Role.storagePeer),
            (Disturber.coordinatorKilledAt, .coordinator), (Disturber.proxyKilledAt, .clientProxy),
        ] {
            let landed = try await imports.reach(percent, in: database)
            let victim = busiest(role)
            cluster.kill(victim)
            victims.append(victim)
            narrator.tell("\(landed) records have landed: SIGKILL to \(victim).")
        }
        let landed = try await imports.reach(Disturber.restartedAt, in: database)
        for victim in victims { try cluster.start(victim) }
        narrator.tell("\(landed) records have landed: all three are started again.")
    }

    /// Killing an idle one would show nothing.
    private func busiest(_ role: LocalCluster.Member.Role) -> LocalCluster.Member {
        let members = cluster.members.filter { $0.role == role }
        let busiest = members.max { left, right in
            let times = [left, right].map { cluster.process(of: $0)?.processorTicks ?? 0 }
            return times[0] < times[1]
        }
        return busiest ?? LocalCluster.Member(role, 1)
    }
}
