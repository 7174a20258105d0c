import BlockModel
import BlockRuntime
import BlockWorkloads
import OptimysticClient

/// An application's process in a world: the SDK's session, driven by a workload.
final class ClientNode {
    private let index: Int
    private unowned let world: World
    private(set) var life = 0
    private var session: ClientSession?
    private var driver: any WorkloadClient
    private var lastToken: UInt64 = 0
    /// Of the request under way.
    private var openToken: UInt64?
    /// Each broken connection is followed by one to the next proxy.
    private var breakCount = 0
    private var wakeAt: Instant?
    private(set) var isFinished = false

    var collection: String { driver.collection }

    init(index: Int, world: World) {
        self.index = index
        self.world = world
        driver = world.plan.makeClient(index, generator: world.generator.fork())
        restart()
    }

    private var node: NodeID { .client(index) }

    func restart() {
        guard session == nil else { return }
        life += 1
        connect()
        world.schedule(
            .proceed(client: index, life: life), after: .milliseconds(world.generator.below(20)))
    }

    private func connect() {
        session = ClientSession(
            addresses: world.proxiesForClient(index + breakCount),
            clusterName: world.map.name,
            generator: world.generator.fork())
        openToken = nil
        wakeAt = nil
    }

    /// Breaks the connection in the middle of a request, and tells the workload no more than that.
    /// What was sent may be carried out all the same, also after it was sent again.
    func breakConnection(_ token: UInt64) {
        guard session != nil, openToken == token else { return }
        mark("world.connection.broken")
        world.note { "\(node) breaks its connection" }
        breakCount += 1
        connect()
        let error = DatabaseError(
            .endpointUnreachable, "the connection was broken", outcome: .unknown)
        driver.receive(.failed(error), &world.history, at: world.now)
        world.schedule(
            .proceed(client: index, life: life),
            after: .microseconds(100 + world.generator.below(2000)))
    }

    /// Reads everything a last time.
    func beginFinalReads() {
        driver.beginFinalReads()
        isFinished = false
        world.schedule(.proceed(client: index, life: life), after: .milliseconds(1))
    }

    func crash() {
        session = nil
        wakeAt = nil
        driver.crashed(&world.history, at: world.now)
        life += 1
    }

    /// Does the next thing of the workload.
    func proceed() {
        guard session != nil, !isFinished else { return }
        switch driver.next(&world.history, at: world.now) {
        case .request(let request, let timeout):
            lastToken += 1
            openToken = lastToken
            if world.isFaulty, world.plan.connectionBreakRate > 0,
                world.generator.chance(world.plan.connectionBreakRate, in: 1000)
            {
                world.schedule(
                    .breakConnection(client: index, life: life, token: lastToken),
                    after: .microseconds(world.generator.below(60_000)))
            }
            feed(.request(lastToken, request, deadline: world.now.advanced(by: timeout)))
        case .pause(let duration):
            world.schedule(.proceed(client: index, life: life), after: duration)
        case .finished:
            isFinished = true
        }
    }

    func receive(_ message: SimulatedMessage, from: NodeID) {
        guard case .clientReply(let id, let reply) = message else {
            return invariant(false, "a client gets no \(message)")
        }
        feed(.reply(id: id, reply))
    }

    func wake() {
        wakeAt = nil
        feed(.tick)
    }

    private func feed(_ event: ClientSession.Event) {
        guard let directives = session?.receive(event, now: world.now) else { return }
        for directive in directives {
            switch directive {
            case .connect: break
            case .send(let proxy, let id, let request, let deadline):
                world.send(
                    .clientRequest(id: id, request, time: deadline.since(world.now)), from: node,
                    to: .proxy(proxy))
            case .resolve(_, let reply):
                openToken = nil
                driver.receive(reply, &world.history, at: world.now)
                // A short while between operations, so that a client that fails at once does not
                // stop the clock.
                world.schedule(
                    .proceed(client: index, life: life),
                    after: .microseconds(100 + world.generator.below(2000)))
            }
        }
        scheduleWake(session?.nextWake)
    }

    private func scheduleWake(_ instant: Instant?) {
        guard let instant, wakeAt.map({ instant < $0 || $0 < world.now }) ?? true else { return }
        wakeAt = instant
        world.schedule(.wake(node, life: life), after: instant.since(world.now))
    }
}
