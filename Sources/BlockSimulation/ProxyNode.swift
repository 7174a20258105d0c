import BlockModel
import BlockNode
import BlockRuntime

/// A client proxy's process in a world.
final class ProxyNode: WorldProcess {
    private let index: Int
    private var machine: ClientProxy?
    private var askers: [UInt64: (node: NodeID, life: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    let wallClock = WallClock()

    init(index: Int, world: World) {
        self.index = index
        super.init(node: .proxy(index), world: world)
        restart()
    }

    override func restart() {
        guard machine == nil else { return }
        begin()
        let clock = wallClock
        let identifiers = SeededIdentifiers(seed: world.generator.next())
        machine = ClientProxy(
            map: world.mapForProxy(index), release: "simulated", generator: world.generator.fork(),
            makeIdentifier: identifiers.next, wallMilliseconds: { clock.milliseconds },
            cacheBytesMax: 1 << 17)
    }

    override func crash() {
        machine = nil
        askers = [:]
        end()
    }

    override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        switch message {
        case .clientRequest(let id, let request, let time):
            lastToken += 1
            askers[lastToken] = (from, senderLife, id)
            var client: UInt64 = 0
            if case .client(let index) = from { client = UInt64(index) }
            feed(.request(lastToken, request, client: client, deadline: now.advanced(by: time)))
        case .repositoryReply(let id, let reply): feed(.reply(id: id, reply))
        default: invariant(false, "a proxy gets no \(message)")
        }
    }

    override func connectionBroke(with node: NodeID) {
        if case .coordinator(let coordinator) = node { feed(.broken(coordinator: coordinator)) }
    }

    override func tick() { feed(.tick) }

    private func feed(_ event: ClientProxy.Event) {
        wallClock.follow(world.now)
        guard let directives = machine?.receive(event, now: now) else { return }
        let allowed = world.directiveCount(of: directives.count, at: node)
        for directive in directives.prefix(allowed) {
            switch directive {
            case .send(let coordinator, let id, let request, let deadline):
                world.send(
                    .repositoryRequest(id: id, request, time: deadline.since(now)),
                    from: node, to: .coordinator(coordinator))
            case .respond(let token, let reply):
                guard let asker = askers.removeValue(forKey: token) else { continue }
                if case .failed(let error) = reply { world.told(error, by: node) }
                world.send(
                    .clientReply(id: asker.id, reply), from: node, to: asker.node, life: asker.life)
            }
        }
        if allowed < directives.count { return world.crash(node) }
        wake(at: machine?.takeNextWake() ?? nil)
    }

    override var leftovers: [String] {
        guard let machine, machine.requestCount > 0 else { return [] }
        return ["\(node) has \(machine.requestCount) requests under way"]
    }
}

extension ClientProxy {
    /// Mutating, so that it is asked where it lies: an optional's getter is asked of a copy.
    fileprivate mutating func takeNextWake() -> Instant? { nextWake }
}
