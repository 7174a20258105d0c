import BlockModel
import BlockNode
import BlockRuntime
import BlockTransport
import BlockWire
import Logging

/// A client proxy's process in a world: the host that ships, on a transport of the world.
final class ProxyNode: WorldProcess {
    private let index: Int
    private var host: ClientProxyHost?
    private var transport: SimulatedTransport?
    private let codec: any MessageCodec
    /// The connections that clients have made to this life.
    private var callers: [Route: (node: NodeID, life: Int)] = [:]
    /// What arrived since the last turn.
    private var inbox: [Inbound] = []
    let wallClock = WallClock()

    init(index: Int, world: World) {
        self.index = index
        codec = world.plan.sendsBytes ? WireCodec() : ValueCodec()
        super.init(node: .proxy(index), world: world)
        restart()
    }

    override func restart() {
        guard host == nil else { return }
        begin()
        let transport = SimulatedTransport(codec: codec, answerKind: .clientReply)
        let port = ServicePort(
            transport: transport, cluster: world.map.cluster,
            logger: Logger(label: "\(node)") { _ in SwiftLogNoOpLogHandler() }, codec: codec)
        do throws(DatabaseError) {
            host = try ClientProxyHost(
                port: port, map: world.mapForProxy(index), release: "simulated",
                environment: environment(), cacheBytesMax: 1 << 17)
        } catch {
            invariant(false, "the address of a coordinator was sound before: \(error)")
        }
        self.transport = transport
    }

    private func environment() -> Environment {
        let started = now
        let clock = wallClock
        let entropy = SeededEntropy(world.generator.fork())
        return Environment(
            now: { started }, wallMilliseconds: { clock.milliseconds },
            entropy: { entropy.next() })
    }

    override func crash() {
        if world.isFaulty, world.generator.chance(1, in: 4) { stopInOrder() }
        host = nil
        transport = nil
        callers = [:]
        inbox = []
        end()
    }

    /// Was asked to stop, and has no time left: its callers are told what is known.
    private func stopInOrder() {
        guard let host, host.unansweredCount > 0 else { return }
        mark("proxyHost.drained")
        host.beginDrain(now: now)
        host.endDrain()
        invariant(host.unansweredCount == 0, "\(node) drained and owes answers")
        for (message, endpoint) in transport?.takeDepartures() ?? [] { send(message, to: endpoint) }
    }

    override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        let envelope = message.envelope(world.map.cluster, codec)
        switch from {
        case .client:
            let route = Self.route(from, senderLife)
            callers[route] = (from, senderLife)
            arrived(.message(from: .route(route), envelope))
        case .coordinator(let coordinator): arrived(.message(from: .link(coordinator), envelope))
        case .peer, .proxy: invariant(false, "a proxy gets nothing from \(from)")
        }
    }

    /// The connection of one life of a client.
    private static func route(_ node: NodeID, _ life: Int) -> Route {
        let number = UInt64(node.code) << 32 | UInt64(life)
        return withUnsafeBytes(of: number.bigEndian) { Route($0) }
    }

    override func connectionBroke(with node: NodeID) {
        if case .coordinator(let coordinator) = node { arrived(.broken(.link(coordinator))) }
    }

    private func arrived(_ arrival: Inbound) {
        guard host != nil else { return }
        inbox.append(arrival)
        guard inbox.count == 1 else { return }
        // The loop is on its way round; whatever arrives meanwhile is served in the same turn.
        wake(at: now.advanced(by: .microseconds(world.generator.below(100))))
    }

    /// One turn of the service's loop.
    override func tick() {
        guard let host, let transport else { return }
        wallClock.follow(world.now)
        if inbox.count > 1 { mark("proxyHost.sharedTurn") }
        let arrivals = inbox
        inbox = []
        host.turn(arrivals, now: now)
        host.checkInvariants()
        let departures = transport.takeDepartures()
        let allowed = world.directiveCount(of: departures.count, at: node)
        for (message, endpoint) in departures.prefix(allowed) { send(message, to: endpoint) }
        if allowed < departures.count { return world.crash(node) }
        wake(at: host.nextWake)
    }

    private func send(_ message: SimulatedMessage, to endpoint: Endpoint) {
        switch endpoint {
        case .link(let coordinator): world.send(message, from: node, to: .coordinator(coordinator))
        case .route(let route):
            guard let caller = callers[route] else {
                return invariant(false, "\(node) answers a caller that it never heard of")
            }
            if case .clientReply(_, .failed(let error)) = message { world.told(error, by: node) }
            world.send(message, from: node, to: caller.node, life: caller.life)
        }
    }

    override var leftovers: [String] {
        guard let host, host.requestCount > 0 || host.unansweredCount > 0 else { return [] }
        return [
            "\(node) has \(host.requestCount) requests under way, owes \(host.unansweredCount)"
        ]
    }
}
