import BlockModel
import BlockNode
import BlockRuntime

/// A client proxy's process in a world.
final class ProxyNode {
    private let index: Int
    private unowned let world: World
    private(set) var life = 0
    private var machine: ClientProxy?
    private var askers: [UInt64: (node: NodeID, life: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    private var wakeAt: Instant?

    init(index: Int, world: World) {
        self.index = index
        self.world = world
        restart()
    }

    private var node: NodeID { .proxy(index) }

    func restart() {
        guard machine == nil else { return }
        life += 1
        machine = ClientProxy(
            map: world.mapForProxy(index), release: "simulated", generator: world.generator.fork(),
            wallMilliseconds: { 1_700_000_000_000 }, cacheBytesMax: 1 << 17)
    }

    func crash() {
        machine = nil
        askers = [:]
        wakeAt = nil
        life += 1
    }

    func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        switch message {
        case .clientRequest(let id, let request, let time):
            lastToken += 1
            askers[lastToken] = (from, senderLife, id)
            var client: UInt64 = 0
            if case .client(let index) = from { client = UInt64(index) }
            feed(
                .request(
                    lastToken, request, client: client, deadline: world.now.advanced(by: time)))
        case .repositoryReply(let id, let reply): feed(.reply(id: id, reply))
        default: invariant(false, "a proxy gets no \(message)")
        }
    }

    func wake() {
        wakeAt = nil
        feed(.tick)
    }

    private func feed(_ event: ClientProxy.Event) {
        guard let directives = machine?.receive(event, now: world.now) else { return }
        for directive in directives {
            switch directive {
            case .send(let coordinator, let id, let request, let deadline):
                world.send(
                    .repositoryRequest(id: id, request, time: deadline.since(world.now)),
                    from: node, to: .coordinator(coordinator))
            case .respond(let token, let reply):
                guard let asker = askers.removeValue(forKey: token) else { continue }
                world.send(
                    .clientReply(id: asker.id, reply), from: node, to: asker.node, life: asker.life)
            }
        }
        scheduleWake(machine?.nextWake)
    }

    private func scheduleWake(_ instant: Instant?) {
        guard let instant, wakeAt.map({ instant < $0 || $0 < world.now }) ?? true else { return }
        wakeAt = instant
        world.schedule(.wake(node, life: life), after: instant.since(world.now))
    }
}
