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
        session = ClientSession(
            addresses: world.proxiesForClient(index),
            clusterName: world.map.name,
            generator: world.generator.fork())
        world.schedule(
            .proceed(client: index, life: life), after: .milliseconds(world.generator.below(20)))
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
