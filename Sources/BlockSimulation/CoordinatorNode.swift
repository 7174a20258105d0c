import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockWire

/// A coordinator's process in a world.
final class CoordinatorNode: ServiceNode<CoordinatorHost> {
    private let index: Int

    init(index: Int, world: World) {
        self.index = index
        super.init(node: .coordinator(index), world: world)
        restart()
    }

    override func makeHost(on port: ServicePort) throws -> CoordinatorHost {
        try CoordinatorHost(
            port: port, map: world.map, environment: environment(drawEntropy()),
            policy: drawPolicy(), validates: world.plan.validates,
            intervals: world.plan.hasWalks ? BackgroundWork.Intervals() : nil)
    }

    private func drawEntropy() -> SeededEntropy {
        let drawn = world.generator.fork()
        // A machine whose random bits are the same after each start.
        let isReused = planted(.proposerReused)
        return SeededEntropy(isReused ? SeededGenerator(seed: UInt64(index)) : drawn)
    }

    /// Coordinators need not agree on when to seal: what one cut off and lost, another cuts
    /// elsewhere, and two segments of one index come to be.
    private func drawPolicy() -> TailPolicy {
        let most = world.plan.openEntryCountMax
        return TailPolicy(openEntryCountMax: most > 4 ? most : 1 + world.generator.below(most + 1))
    }

    /// Begins nothing any more, as when it is asked to stop and has all the time it wants.
    func drain() { host?.beginDrain(now: now) }

    override func link(to node: NodeID) -> Int? {
        if case .peer(let index) = node { index } else { nil }
    }

    override func linked(_ link: Int) -> NodeID { .peer(link) }

    /// Shows the world which ballots are asked for.
    override func leaving(
        _ message: SimulatedMessage, for receiver: NodeID, life _: Int?
    ) -> SimulatedMessage {
        guard case .peerBatch(_, let items) = message else { return message }
        for item in items {
            guard case .prepare(let collection, let ballot) = item.request.operation else {
                continue
            }
            let problem = world.askedBallots.asked(ballot, of: collection, by: node, life: life)
            if let problem { world.alarms.append(problem) }
        }
        return message
    }

    override var leftovers: [String] {
        guard let host else { return [] }
        let counts = [host.requestCount, host.roundCount, host.unansweredCount]
        guard counts.contains(where: { $0 > 0 }) else { return [] }
        return ["\(node) has \(counts[0]) requests, \(counts[1]) rounds, owes \(counts[2])"]
    }
}
