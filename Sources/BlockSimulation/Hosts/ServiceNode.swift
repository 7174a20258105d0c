import BlockModel
import BlockNode
import BlockRuntime
import BlockTransport
import BlockWire
import Logging

/// A service's process in a world: the host that ships, on a transport of the world.
///
/// What arrives waits for the next turn of the service's loop. What a turn sends is held until the
/// world takes it: the process may die between two messages.
class ServiceNode<Host: Service>: WorldProcess {
    final private(set) var host: Host?
    private var transport: SimulatedTransport?
    private var codec: any MessageCodec = WireCodec()
    /// The connections that others have made to this life.
    private var callers: [Route: (node: NodeID, life: Int)] = [:]
    /// What arrived since the last turn.
    private var inbox: [Inbound] = []
    /// Whether it was asked to stop.
    private var isDraining = false

    final override func restart() {
        guard !isRunning else { return }
        begin()
        codec = world.plan.sendsBytes ? WireCodec() : ValueCodec()
        let transport = SimulatedTransport(codec: codec)
        let handler = WorldLogHandler(of: self)
        let port = ServicePort(
            transport: transport, cluster: world.map.cluster,
            logger: Logger(label: "\(node)") { _ in handler }, codec: codec)
        self.transport = transport
        do {
            host = try makeHost(on: port)
            wake(at: host?.nextWake)
        } catch {
            died(error)
        }
    }

    override func crash() { stop() }

    /// Serves the callers that it owes answers, and no others.
    final override func beginDrain() -> Bool {
        guard let host, host.unansweredCount > 0 else { return false }
        node.markDrain()
        // Asked again, it goes on with what it has begun.
        if !isDraining { host.beginDrain(now: now) }
        isDraining = true
        sendDepartures()
        return true
    }

    /// Has no time left: its callers are told what is known.
    final override func endDrain() {
        guard let host else { return }
        host.endDrain()
        invariant(host.unansweredCount == 0, "\(node) drained and owes answers")
        sendDepartures()
        if isRunning { world.crash(node) }
    }

    /// Ends this life, with all that it had in memory.
    func stop() {
        host = nil
        isDraining = false
        transport = nil
        callers = [:]
        inbox = []
        end()
    }

    // MARK: Arrivals

    final override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        guard host != nil else { return }
        arriving(message, from: from, life: senderLife)
        let envelope = message.envelope(world.map.cluster, codec)
        if let link = link(to: from) {
            arrived(.message(from: .link(link), envelope))
        } else {
            let route = Self.route(from, senderLife)
            callers[route] = (from, senderLife)
            arrived(.message(from: .route(route), envelope))
        }
    }

    /// The connection of one life of a process.
    private static func route(_ node: NodeID, _ life: Int) -> Route {
        let number = UInt64(node.code) << 32 | UInt64(life)
        return withUnsafeBytes(of: number.bigEndian) { Route($0) }
    }

    final override func connectionBroke(with node: NodeID) {
        if let link = link(to: node) { arrived(.broken(.link(link))) }
    }

    private func arrived(_ arrival: Inbound) {
        guard host != nil else { return }
        inbox.append(arrival)
        if inbox.count == 1 { becameBusy() }
    }

    // MARK: Turns

    /// One turn of the service's loop, in which nothing leaves yet.
    /// - Throws: What ends the process.
    final func turn() throws {
        guard let host else { return }
        wallClock.follow(world.now)
        if inbox.count > 1 { node.markSharedTurn() }
        let arrivals = inbox
        inbox = []
        try host.turn(arrivals, now: now)
        host.checkInvariants()
        let troubles = host.port.troubles
        // Worlds damage no message on its way: its sender made it so.
        guard troubles[.malformed] == nil, troubles[.wrongCluster] == nil else {
            return world.alarms.append("\(node) got what it cannot read: \(troubles)")
        }
    }

    /// What the turns before have sent leaves.
    final func sendDepartures() {
        let departures = transport?.takeDepartures() ?? []
        let allowed = world.directiveCount(of: departures.count, at: node)
        for (message, endpoint) in departures.prefix(allowed) { send(message, to: endpoint) }
        if allowed < departures.count { world.crash(node) }
    }

    /// What is left once all that was sent has left.
    /// - Throws: What ends the process.
    final func endTurn() throws {
        guard let host else { return }
        try host.afterTurn(now: now)
        if isDraining, host.unansweredCount == 0 { return world.crash(node) }
        wake(at: host.nextWake)
    }

    private func send(_ message: SimulatedMessage, to endpoint: Endpoint) {
        switch endpoint {
        case .link(let link):
            let message = leaving(message, for: linked(link), life: nil)
            world.send(message, from: node, to: linked(link))
        case .route(let route):
            guard let caller = callers[route] else {
                return invariant(false, "\(node) answers a caller that it never heard of")
            }
            if let error = message.error { world.told(error, by: node) }
            let message = leaving(message, for: caller.node, life: caller.life)
            world.send(message, from: node, to: caller.node, life: caller.life)
        }
    }

    // MARK: What each role does

    /// Makes the service of a new life.
    /// - Throws: What ends the process at once.
    func makeHost(on port: ServicePort) throws -> Host {
        throw DatabaseError(.internalError, "\(node) is no service")
    }

    /// Something failed that ends the process.
    func died(_ error: any Error) {
        invariant(false, "\(node) has nothing that may fail: \(error)")
    }

    /// Something has arrived where nothing waited: a turn is due.
    func becameBusy() {
        // The loop is on its way round; whatever arrives meanwhile is served in the same turn.
        wake(at: now.advanced(by: .microseconds(world.generator.below(100))))
    }

    override func tick() {
        do {
            try turn()
            sendDepartures()
            try endTurn()
        } catch {
            died(error)
        }
    }

    /// The number of the link that this service has to another process; nil when it has none.
    func link(to node: NodeID) -> Int? { nil }

    /// Whom a link leads to.
    func linked(_ link: Int) -> NodeID {
        invariant(false, "\(node) has no link")
        return node
    }

    /// A message that the next turn will serve, seen by the world.
    func arriving(_ message: SimulatedMessage, from: NodeID, life: Int) {}

    /// A message as it really leaves, seen by the world.
    func leaving(
        _ message: SimulatedMessage, for receiver: NodeID, life: Int?
    ) -> SimulatedMessage {
        message
    }
}

extension NodeID {
    fileprivate func markSharedTurn() {
        switch self {
        case .peer: mark("peerHost.sharedTurn")
        case .coordinator: mark("coordinatorHost.sharedTurn")
        case .proxy: mark("proxyHost.sharedTurn")
        case .client: break
        }
    }

    fileprivate func markDrain() {
        switch self {
        case .coordinator: mark("coordinatorHost.drained")
        case .proxy: mark("proxyHost.drained")
        case .peer, .client: break
        }
    }
}
