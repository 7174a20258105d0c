import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime

/// A coordinator's process in a world.
final class CoordinatorNode: WorldProcess {
    private var machine: Coordinator?
    /// Who asked, by the machine's token.
    private var askers: [UInt64: (node: NodeID, life: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    /// What a coordinator that draws no new id after a restart would have.
    private let reusedIdentifier: Identifier128
    /// What it does of its own accord; nil where it does nothing.
    private var background: BackgroundWork?

    init(index: Int, world: World) {
        reusedIdentifier = Identifier128(UInt128(index + 1))
        super.init(node: .coordinator(index), world: world)
        restart()
    }

    override func restart() {
        guard machine == nil else { return }
        begin()
        let drawn = world.generator.identifier()
        let isReused = planted(.proposerReused)
        machine = Coordinator(
            map: world.map,
            proposer: ProposerID(rawValue: isReused ? reusedIdentifier : drawn),
            generator: world.generator.fork(),
            policy: drawPolicy())
        if world.plan.hasWalks {
            let place = UInt64(world.generator.below(world.map.shards.count))
            background = BackgroundWork(
                map: world.map, intervals: BackgroundWork.Intervals(), now: now
            ) { place }
        }
        wakeWhenDue()
    }

    /// Coordinators need not agree on when to seal: what one cut off and lost, another cuts
    /// elsewhere, and two segments of one index come to be.
    private func drawPolicy() -> TailPolicy {
        let most = world.plan.openEntryCountMax
        return TailPolicy(openEntryCountMax: most > 4 ? most : 1 + world.generator.below(most + 1))
    }

    override func crash() {
        machine = nil
        background = nil
        askers = [:]
        end()
    }

    /// Begins nothing of its own accord any more.
    func stopWalking() { background = nil }

    override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        switch message {
        case .repositoryRequest(let id, let request, let time):
            lastToken += 1
            askers[lastToken] = (from, senderLife, id)
            var client: Coordinator.Client = 0
            if case .proxy(let index) = from { client = UInt64(index) + 1 }
            feed([
                .request(
                    Coordinator.Token(rawValue: lastToken), request, client: client,
                    deadline: now.advanced(by: time))
            ])
        case .peerReplies(let peer, let epoch, let items):
            feed(items.map { .reply(id: $0.id, peer: peer, epoch: epoch, $0.reply) })
        default: invariant(false, "a coordinator gets no \(message)")
        }
    }

    override func tick() {
        feed([.tick])
        while let event = background?.next(now: now) { feed([event]) }
        wakeWhenDue()
    }

    private func feed(_ events: [Coordinator.Event]) {
        var directives: [Coordinator.Directive] = []
        for event in events { directives += machine?.receive(event, now: now) ?? [] }
        let allowed = world.directiveCount(of: directives.count, at: node)
        // All that goes to one peer at one moment is one message, as in the service.
        var batches: [(peer: PeerID, items: [(id: UInt64, request: PeerRequest)])] = []
        for directive in directives.prefix(allowed) {
            switch directive {
            case .send(let peer, let id, let request):
                if let position = batches.firstIndex(where: { $0.peer == peer }) {
                    batches[position].items.append((id, request))
                } else {
                    batches.append((peer, [(id, request)]))
                }
            case .discarded(let token): background?.discarded(token, now: now)
            case .respond(let token, let reply):
                if background?.received(reply, for: token, now: now) == true { continue }
                guard let asker = askers.removeValue(forKey: token.rawValue) else { continue }
                if case .failed(let error) = reply { world.told(error, by: node) }
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
        if allowed < directives.count { return world.crash(node) }
        wakeWhenDue()
    }

    private func wakeWhenDue() {
        wake(at: [machine?.nextWake, background?.dueAt].compactMap { $0 }.min())
    }

    override var leftovers: [String] {
        guard let machine, machine.requestCount > 0 || machine.roundCount > 0 else { return [] }
        return ["\(node) has \(machine.requestCount) requests, \(machine.roundCount) rounds"]
    }
}
