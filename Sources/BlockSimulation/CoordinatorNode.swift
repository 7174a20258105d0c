import BlockConsensus
import BlockModel
import BlockRuntime

/// A coordinator's process in a world.
final class CoordinatorNode {
    private let index: Int
    private unowned let world: World
    private(set) var life = 0
    private var machine: Coordinator?
    /// Who asked, by the machine's token.
    private var askers: [UInt64: (node: NodeID, life: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    private var wakeAt: Instant?

    init(index: Int, world: World) {
        self.index = index
        self.world = world
        restart()
    }

    private var node: NodeID { .coordinator(index) }

    func restart() {
        guard machine == nil else { return }
        life += 1
        machine = Coordinator(
            map: world.map, proposer: ProposerID(rawValue: world.generator.identifier()),
            generator: world.generator.fork(),
            policy: drawPolicy())
    }

    /// Coordinators need not agree on when to seal: what one cut off and lost, another cuts
    /// elsewhere, and two segments of one index come to be.
    private func drawPolicy() -> TailPolicy {
        let most = world.plan.openEntryCountMax
        return TailPolicy(openEntryCountMax: most > 4 ? most : 1 + world.generator.below(most + 1))
    }

    func crash() {
        machine = nil
        askers = [:]
        wakeAt = nil
        life += 1
    }

    func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        switch message {
        case .repositoryRequest(let id, let request, let time):
            lastToken += 1
            askers[lastToken] = (from, senderLife, id)
            feed(
                .request(
                    Coordinator.Token(rawValue: lastToken), request,
                    deadline: world.now.advanced(by: time)))
        case .peerReplies(let peer, let epoch, let items):
            for item in items { feed(.reply(id: item.id, peer: peer, epoch: epoch, item.reply)) }
        default: invariant(false, "a coordinator gets no \(message)")
        }
    }

    func wake() {
        wakeAt = nil
        feed(.tick)
    }

    private func feed(_ event: Coordinator.Event) {
        guard let directives = machine?.receive(event, now: world.now) else { return }
        // All that goes to one peer at one moment is one message, as in the service.
        var batches: [(peer: PeerID, items: [(id: UInt64, request: PeerRequest)])] = []
        for directive in directives {
            switch directive {
            case .send(let peer, let id, let request):
                if let position = batches.firstIndex(where: { $0.peer == peer }) {
                    batches[position].items.append((id, request))
                } else {
                    batches.append((peer, [(id, request)]))
                }
            case .respond(let token, let reply):
                guard let asker = askers.removeValue(forKey: token.rawValue) else { continue }
                world.send(
                    .repositoryReply(id: asker.id, reply), from: node, to: asker.node,
                    life: asker.life)
            }
        }
        for batch in batches {
            guard let peer = world.map.peers.firstIndex(where: { $0.id == batch.peer }) else {
                continue
            }
            world.send(.peerBatch(batch.items), from: node, to: .peer(peer))
        }
        scheduleWake(machine?.nextWake)
    }

    private func scheduleWake(_ instant: Instant?) {
        guard let instant, wakeAt.map({ instant < $0 || $0 < world.now }) ?? true else { return }
        wakeAt = instant
        world.schedule(.wake(node, life: life), after: instant.since(world.now))
    }
}
