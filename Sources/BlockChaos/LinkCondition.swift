import BlockDeployment
import BlockRuntime

/// The way from one process, or from the clients, to one service.
package struct Link: Hashable, Sendable, CustomStringConvertible {
    /// nil: the clients.
    package let source: LocalCluster.Member?
    package let target: LocalCluster.Member

    package init(from source: LocalCluster.Member?, to target: LocalCluster.Member) {
        self.source = source
        self.target = target
    }

    package var description: String { "\(source?.description ?? "clients") -> \(target)" }

    /// Every link of a cluster: clients ask proxies, proxies coordinators, coordinators peers.
    package static func all(of members: [LocalCluster.Member]) -> [Link] {
        func of(_ role: LocalCluster.Member.Role) -> [LocalCluster.Member] {
            members.filter { $0.role == role }
        }
        func links(
            _ sources: [LocalCluster.Member?], _ targets: [LocalCluster.Member]
        ) -> [Link] {
            sources.flatMap { source in targets.map { Link(from: source, to: $0) } }
        }
        return links([nil], of(.clientProxy)) + links(of(.clientProxy), of(.coordinator))
            + links(of(.coordinator), of(.storagePeer))
    }
}

/// How a link treats what goes over it. Conditions add up.
package struct LinkCondition: Hashable, Sendable {
    /// Every byte comes later by this, and by a random part up to ``jitter``; order is kept.
    package var delay = Duration.zero
    package var jitter = Duration.zero
    /// Messages left out, of a thousand, in either direction.
    package var lossRate = 0
    /// What is under way to the target, or back, waits, as when cables are cut and TCP tries on.
    package var holdsRequests = false
    package var holdsReplies = false
    /// The target has lost its connections and their sources do not know: what they send vanishes.
    package var isHalfOpen = false

    package init() {}

    package static let healthy = LinkCondition()

    /// Both at once.
    package func adding(_ other: LinkCondition) -> LinkCondition {
        var sum = self
        sum.delay += other.delay
        sum.jitter += other.jitter
        sum.lossRate = max(lossRate, other.lossRate)
        sum.holdsRequests = holdsRequests || other.holdsRequests
        sum.holdsReplies = holdsReplies || other.holdsReplies
        sum.isHalfOpen = isHalfOpen || other.isHalfOpen
        return sum
    }
}
