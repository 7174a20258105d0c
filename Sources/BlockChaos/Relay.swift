import BlockDeployment
import BlockRuntime
import Glibc
import OptimysticClient
import Synchronization

/// A TCP relay on loopback with a port for each link of a cluster, run by a thread of its own:
/// cuts, slows, thins out and breaks what goes over each of them, as it is told.
package final class Relay: Sendable {
    /// Where a link begins and ends.
    package struct Route: Hashable, Sendable {
        package let link: Link
        package let port: UInt16
        package let targetPort: UInt16

        package init(_ link: Link, port: UInt16, targetPort: UInt16) {
            self.link = link
            self.port = port
            self.targetPort = targetPort
        }
    }

    /// What it did since it was started.
    package struct Counts: Hashable, Sendable {
        package var connections = 0
        package var relayedBytes = 0
        package var droppedMessages = 0
        package var resetConnections = 0
        package var halfOpenConnections = 0

        package init() {}
    }

    struct State {
        var conditions: [Link: LinkCondition] = [:]
        /// Links whose connections are to be broken once.
        var resets: Set<Link> = []
        var counts = Counts()
        var isClosing = false
        var isClosed = false
    }

    let state: Mutex<State> = Mutex(State())
    private let environment: Environment
    private static let pollMicroseconds: UInt32 = 2000

    private init(environment: Environment) { self.environment = environment }

    /// Listens at every port of `routes`.
    /// - Parameter generator: Draws which messages are lost and how late bytes are.
    /// - Throws: `.ioFailed` when a port is taken, or the system refuses a thread.
    package static func start(
        _ routes: [Route], environment: Environment, generator: SeededGenerator
    ) throws(DatabaseError) -> Relay {
        let relay = Relay(environment: environment)
        // The ports are taken here, so that the caller is told.
        let sockets = try routes.map { route throws(DatabaseError) in
            try RelaySocket.listening(at: route.port)
        }
        let listeners = Handover(zip(routes, sockets).map { ($0, $1) })
        let body: @Sendable () -> Void = {
            RelayLoop(
                listeners.take(), relay: relay, environment: environment, generator: generator
            ).run()
        }
        if let problem = BackgroundThread.start(body) { throw problem }
        return relay
    }

    package var counts: Counts { state.withLock { $0.counts } }

    /// Replaces the condition of each link named; the others are healthy from now on.
    package func apply(_ conditions: [Link: LinkCondition]) {
        state.withLock { $0.conditions = conditions }
    }

    /// Breaks every connection of the links, once. New ones are welcome.
    package func reset(_ links: [Link]) { state.withLock { $0.resets.formUnion(links) } }

    /// Ends every connection; returns when its thread has let go of every socket.
    package func close() {
        state.withLock { $0.isClosing = true }
        while !state.withLock({ $0.isClosed }) { usleep(Relay.pollMicroseconds) }
    }
}

/// Hands listening sockets over to the thread that they belong to from then on.
private final class Handover: @unchecked Sendable {
    // SAFETY: written before the thread is started, taken once by that thread.
    private var listeners: [(Relay.Route, RelaySocket)]

    init(_ listeners: [(Relay.Route, RelaySocket)]) { self.listeners = listeners }

    func take() -> [(Relay.Route, RelaySocket)] {
        defer { listeners = [] }
        return listeners
    }
}
