import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockWorkloads
import HeapModule
import OptimysticClient

/// A whole cluster and its clients in one thread under virtual time: the machines that ship, over a
/// simulated network and simulated disks. One seed is one run.
package final class World {
    /// Something that will happen.
    enum Event {
        case deliver(SimulatedMessage, from: NodeID, to: NodeID, life: Int?, senderLife: Int)
        /// The peer's event loop comes round.
        case cycle(peer: Int, life: Int)
        case wake(NodeID, life: Int)
        case crash(NodeID)
        case powerCut
        case partition
        case restart(NodeID)
        /// The client's pause is over.
        case proceed(client: Int, life: Int)
        /// The client breaks its connection, unless this request has been answered.
        case breakConnection(client: Int, life: Int, token: UInt64)
    }

    private struct Scheduled: Comparable {
        let instant: Instant
        let order: UInt64
        let event: Event

        static func < (left: Scheduled, right: Scheduled) -> Bool {
            (left.instant, left.order) < (right.instant, right.order)
        }
        static func == (left: Scheduled, right: Scheduled) -> Bool { left.order == right.order }
    }

    package let seed: UInt64
    package let plan: WorldPlan
    let map: ClusterMap
    private(set) var now = Instant.origin
    var generator: SeededGenerator
    var history = History()
    var chosenTails = ChosenTails()
    var cuts: [NetworkCut] = []
    var weather: [NetworkLink: LinkWeather] = [:]
    /// Whether faults may still happen.
    var isFaulty = true
    package private(set) var trace = TraceHash()
    package private(set) var eventCount = 0
    /// The last events, for the report of a failure.
    package private(set) var recentEvents: [String] = []
    /// Broken invariants that a machine itself reported.
    var alarms: [String] = []
    let isTraced: Bool

    var peers: [PeerNode] = []
    var coordinators: [CoordinatorNode] = []
    var proxies: [ProxyNode] = []
    var clients: [ClientNode] = []

    private var queue = Heap<Scheduled>()
    private var scheduledCount: UInt64 = 0

    /// - Parameter isTraced: Keep the last events as text.
    package init(seed: UInt64, isTraced: Bool = false) throws(DatabaseError) {
        self.seed = seed
        self.isTraced = isTraced
        let plan = WorldPlan(seed: seed)
        self.plan = plan
        var generator = SeededGenerator(seed: seed)
        map = try plan.makeMap(using: &generator)
        self.generator = generator
        for index in 0..<plan.peerCount { peers.append(PeerNode(index: index, world: self)) }
        for index in 0..<plan.coordinatorCount {
            coordinators.append(CoordinatorNode(index: index, world: self))
        }
        for index in 0..<plan.proxyCount { proxies.append(ProxyNode(index: index, world: self)) }
        for index in 0..<plan.clientCount {
            clients.append(ClientNode(index: index, world: self))
        }
    }

    /// The map as one proxy sees it: the coordinators' addresses, which decide the preferred one,
    /// differ from proxy to proxy, so that several coordinators work on one register.
    func mapForProxy(_ index: Int) -> ClusterMap {
        let addresses = spread(map.coordinators.map(\.address), index, hotCollection.bytes)
        let coordinators = zip(map.coordinators, addresses).map {
            ClusterMap.Service(name: $0.name, address: $1)
        }
        do throws(DatabaseError) {
            return try ClusterMap(
                cluster: map.cluster, name: map.name, peers: map.peers, shards: map.shards,
                coordinators: coordinators, proxies: [])
        } catch {
            invariant(false, "the map was sound before: \(error)")
            return map
        }
    }

    private var hotCollection: Digest {
        CollectionID(name: plan.name(ofCollection: 0)).digest
    }

    /// The proxies' addresses as one client sees them.
    func proxiesForClient(_ index: Int) -> [String] {
        spread(map.proxies.map(\.address), index, hotCollection.bytes)
    }

    /// Addresses that differ from one service to another, so that each ranks others first; in a
    /// spread world for the first collection the one after the one that its neighbour prefers.
    private func spread(_ addresses: [String], _ index: Int, _ affinity: Bytes) -> [String] {
        var salt = 0
        while true {
            let named = addresses.map { "\($0)#\(index)" + (salt == 0 ? "" : ".\(salt)") }
            let order = ServiceRanking(addresses: named).order(for: affinity, at: .origin)
            if !plan.isSpread || order[0] == index % addresses.count { return named }
            salt += 1
        }
    }

    // MARK: Time

    func schedule(_ event: Event, after delay: Duration) {
        scheduledCount += 1
        queue.insert(
            Scheduled(instant: now.advanced(by: delay), order: scheduledCount, event: event))
    }

    /// Runs until nothing is left to happen, the limit is reached, or `isDone` says so.
    func run(until limit: Instant, isDone: () -> Bool) {
        while let next = queue.min, next.instant <= limit, !isDone() {
            _ = queue.popMin()
            now = next.instant
            eventCount += 1
            trace.add(now.nanoseconds)
            perform(next.event)
        }
        if !isDone(), now < limit { now = limit }
    }

    private func perform(_ event: Event) {
        switch event {
        case .deliver(let message, let from, let to, let life, let senderLife):
            trace.add(to.code)
            message.add(to: &trace)
            guard life == nil || life == self.life(of: to) else { return }
            note { "\(from) -> \(to)  \(message.summary)" }
            deliver(message, from: from, to: to, senderLife: senderLife)
        case .cycle(let index, let life):
            if peers[index].life == life { peers[index].cycle() }
        case .wake(let node, let life):
            trace.add(node.code)
            guard life == self.life(of: node) else { return }
            wake(node)
        case .crash(let node): crash(node)
        case .powerCut:
            mark("world.powerCut")
            for index in peers.indices { crash(.peer(index)) }
        case .partition: partition()
        case .restart(let node):
            note { "\(node) restarts" }
            restart(node)
        case .proceed(let index, let life):
            if clients[index].life == life { clients[index].proceed() }
        case .breakConnection(let index, let life, let token):
            if clients[index].life == life { clients[index].breakConnection(token) }
        }
    }

    /// Keeps one line for the report.
    func note(_ line: () -> String) {
        guard isTraced else { return }
        recentEvents.append("\(now.nanoseconds / 1000) µs  \(line())")
        if recentEvents.count > 40_000 { recentEvents.removeFirst(20_000) }
    }

    // MARK: Processes

    func life(of node: NodeID) -> Int {
        switch node {
        case .peer(let index): peers[index].life
        case .coordinator(let index): coordinators[index].life
        case .proxy(let index): proxies[index].life
        case .client(let index): clients[index].life
        }
    }

    private func deliver(
        _ message: SimulatedMessage, from: NodeID, to: NodeID, senderLife: Int
    ) {
        switch to {
        case .peer(let index): peers[index].receive(message, from: from, senderLife: senderLife)
        case .coordinator(let index):
            coordinators[index].receive(message, from: from, senderLife: senderLife)
        case .proxy(let index): proxies[index].receive(message, from: from, senderLife: senderLife)
        case .client(let index): clients[index].receive(message, from: from)
        }
    }

    private func wake(_ node: NodeID) {
        switch node {
        case .peer: break
        case .coordinator(let index): coordinators[index].wake()
        case .proxy(let index): proxies[index].wake()
        case .client(let index): clients[index].wake()
        }
    }

    /// Ends a process now; it comes back after a while.
    func crash(_ node: NodeID) {
        guard isFaulty else { return }
        note { "\(node) crashes" }
        switch node {
        case .peer(let index):
            mark("world.crash.peer")
            peers[index].crash()
        case .coordinator(let index):
            mark("world.crash.coordinator")
            coordinators[index].crash()
        case .proxy(let index):
            mark("world.crash.proxy")
            proxies[index].crash()
        case .client(let index):
            mark("world.crash.client")
            clients[index].crash()
        }
        schedule(.restart(node), after: restartDelay())
    }

    /// Half of the dead are back before the messages of their last life have all arrived.
    func restartDelay() -> Duration {
        .milliseconds(1 + generator.below(generator.chance(1, in: 2) ? 40 : 1500))
    }

    private func restart(_ node: NodeID) {
        switch node {
        case .peer(let index): peers[index].restart()
        case .coordinator(let index): coordinators[index].restart()
        case .proxy(let index): proxies[index].restart()
        case .client(let index): clients[index].restart()
        }
    }
}
