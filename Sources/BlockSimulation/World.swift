import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockWorkloads
import OptimysticClient

/// A whole cluster and its clients in one thread under virtual time: the machines that ship, over a
/// simulated network and simulated disks. One seed is one run.
package final class World {
    /// Something that will happen.
    enum Event {
        case deliver(SimulatedMessage, from: NodeID, to: NodeID, life: Int?, senderLife: Int)
        /// The peer's event loop comes round.
        case cycle(peer: Int, life: Int)
        /// The device of a peer has confirmed a sync.
        case synced(peer: Int, life: Int)
        /// - Parameter due: What the process was to be woken at; it may have stood still then.
        case wake(NodeID, life: Int, due: Instant)
        case fault(Fault)
        case restart(NodeID)
        /// The time to stop in order is over.
        case endDrain(NodeID, life: Int)
        /// A process that stood still goes on.
        case resume(NodeID, life: Int)
        /// The client's pause is over.
        case proceed(client: Int, life: Int)
        /// A process is told that its connection with another one ended.
        case broken(NodeID, tellTo: NodeID, life: Int)
        /// The client breaks its connection, unless this request has been answered.
        case breakConnection(client: Int, life: Int, token: UInt64)
    }

    package let seed: UInt64
    package let plan: WorldPlan
    let map: ClusterMap
    private(set) var now = Instant.origin
    var generator: SeededGenerator
    var history = History()
    var chosenTails = ChosenTails()
    var askedBallots = AskedBallots()
    var partitions: [NetworkPartition] = []
    var weather: [NetworkLink: LinkWeather] = [:]
    /// Whether faults may still happen.
    var isFaulty = true
    /// Whether the power goes at the next moment at which a peer is at work.
    var isPowerFailing = false
    /// Messages of coordinators and proxies up to the one that its sender dies before; nil while no
    /// transaction is watched.
    var stepsLeft: Int?
    /// Transactions that were watched.
    var stepRunCount = 0
    /// Messages in which a transaction over three collections is mostly over.
    static let stepCountMax = 120
    /// Whether clients begin nothing new.
    var isWinding = false
    /// Processes that stand still, and what waits for them.
    private var paused: [NodeID: [Event]] = [:]
    /// Processes that stay dead, cut off or still after the others are healed.
    var broken: [NodeID: Breakage] = [:]
    package private(set) var trace = TraceHash()
    package private(set) var eventCount = 0
    /// What happened and what each process would have logged, as text; empty unless traced.
    private(set) var report = WorldReport()
    /// Broken invariants that a machine itself reported, and errors that nothing explains.
    var alarms: [String] = []
    /// What did not come to its end although it should have.
    var hindrances: [String] = []
    let isTraced: Bool

    var peers: [PeerNode] = []
    var coordinators: [CoordinatorNode] = []
    var proxies: [ProxyNode] = []
    /// Takes the place of all services where the database is embedded.
    var embedded: EmbeddedNode?
    var clients: [ClientNode] = []

    private var queue = EventQueue<Event>()

    /// - Parameter isTraced: Keep the last events as text.
    init(_ plan: WorldPlan, seed: UInt64, isTraced: Bool) throws(DatabaseError) {
        self.seed = seed
        self.isTraced = isTraced
        self.plan = plan
        var generator = SeededGenerator(seed: seed)
        map = try plan.makeMap(using: &generator)
        self.generator = generator
        if plan.isEmbedded {
            embedded = EmbeddedNode(world: self)
        } else {
            startServices()
        }
        for index in 0..<plan.clientCount {
            clients.append(ClientNode(index: index, world: self))
        }
    }

    private func startServices() {
        for index in 0..<plan.peerCount { peers.append(PeerNode(index: index, world: self)) }
        for index in 0..<plan.coordinatorCount {
            coordinators.append(CoordinatorNode(index: index, world: self))
        }
        for index in 0..<plan.proxyCount { proxies.append(ProxyNode(index: index, world: self)) }
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
        if plan.isEmbedded { return map.proxies.map(\.address) }
        return spread(map.proxies.map(\.address), index, hotCollection.bytes)
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
        queue.add(event, at: now.advanced(by: delay))
    }

    func schedule(_ event: Event, at instant: Instant) { queue.add(event, at: max(instant, now)) }

    /// Runs until nothing is left to happen, the limit is reached, or `isDone` says so.
    func run(until limit: Instant, isDone: () -> Bool) {
        while let next = queue.next, next <= limit, !isDone(), let event = queue.popNext() {
            now = next
            eventCount += 1
            trace.add(now.nanoseconds)
            perform(event)
        }
        if !isDone(), now < limit { now = limit }
    }

    private func perform(_ event: consuming Event) {
        if !paused.isEmpty, let node = event.receiver, paused[node] != nil {
            paused[node]?.append(event)
            return
        }
        switch event {
        case .deliver(let message, let from, let to, let life, let senderLife):
            trace.add(to.code)
            message.add(to: &trace)
            let process = process(to)
            guard process.isRunning, life == nil || life == process.life else { return }
            note { "\(from) -> \(to)  \(message.summary)" }
            process.receive(message, from: from, senderLife: senderLife)
        case .cycle(let index, let life):
            if peers[index].life == life { peers[index].cycle() }
        case .synced(let index, let life):
            if peers[index].life == life { peers[index].synced() }
        case .wake(let node, let life, let due):
            trace.add(node.code)
            if process(node).life == life { process(node).woken(due) }
        case .fault(let fault): if isFaulty { happen(fault) }
        case .endDrain(let node, let life):
            if process(node).life == life { process(node).endDrain() }
        case .restart(let node):
            if broken[node] != .dead { process(node).restart() }
        case .resume(let node, let life):
            if process(node).life == life { resume(node) }
        case .proceed(let index, let life):
            if clients[index].life == life { clients[index].proceed() }
        case .broken(let node, let other, let life):
            if process(other).life == life { process(other).connectionBroke(with: node) }
        case .breakConnection(let index, let life, let token):
            if clients[index].life == life { clients[index].breakConnection(token) }
        }
    }

    /// Keeps one line for the report.
    func note(_ line: () -> String) {
        if isTraced { report.note(now, line()) }
    }

    /// Keeps one line of a process's log.
    func log(_ node: NodeID, _ line: () -> String) {
        if isTraced { report.log(now, node, line()) }
    }

    // MARK: Processes

    func process(_ node: NodeID) -> WorldProcess {
        switch node {
        case .peer(let index): peers[index]
        case .coordinator(let index): coordinators[index]
        case .proxy(let index): embedded ?? proxies[index]
        case .client(let index): clients[index]
        }
    }

    /// All services: everything but clients.
    var services: [NodeID] {
        peers.map(\.node) + coordinators.map(\.node) + proxyNodes
    }

    /// What clients connect to.
    var proxyNodes: [NodeID] {
        if let embedded { return [embedded.node] }
        return proxies.map(\.node)
    }

    /// The process stands still and knows nothing of it, until ``resume(_:)``.
    func pause(_ node: NodeID) {
        if paused[node] == nil { paused[node] = [] }
    }

    func isPaused(_ node: NodeID) -> Bool { paused[node] != nil }

    /// The process goes on, and gets at once what came meanwhile.
    func resume(_ node: NodeID) {
        guard broken[node] != .still, let waiting = paused.removeValue(forKey: node) else { return }
        note { "\(node) goes on" }
        for event in waiting { perform(event) }
    }

    /// Ends a process now; it comes back after a while, unless it is to stay dead.
    func crash(_ node: NodeID) {
        note { "\(node) crashes" }
        log(node) { "crashes" }
        paused[node] = nil
        process(node).crash()
        tellBreaks(of: node)
        if broken[node] != .dead { schedule(.restart(node), after: restartDelay()) }
    }

    /// The processes connected to one that ended are mostly told: not where its host ended with it,
    /// or the network.
    private func tellBreaks(of node: NodeID) {
        let others: [NodeID] =
            switch node {
            case .coordinator: proxyNodes
            case .proxy: clients.map(\.node)
            case .peer, .client: []
            }
        for other in others where generator.chance(1, in: 2) {
            mark("world.connection.ended")
            schedule(
                .broken(node, tellTo: other, life: process(other).life), after: shortDelay())
        }
    }

    /// Half of the dead are back before the messages of their last life have all arrived.
    func restartDelay() -> Duration {
        .milliseconds(1 + generator.below(generator.chance(1, in: 2) ? 40 : 1500))
    }
}

extension World.Event {
    /// The process that has to run for this to happen; nil when none has to.
    fileprivate var receiver: NodeID? {
        switch self {
        case .deliver(_, _, let to, _, _): to
        case .cycle(let peer, _), .synced(let peer, _): .peer(peer)
        case .wake(let node, _, _), .endDrain(let node, _): node
        case .proceed(let client, _), .breakConnection(let client, _, _): .client(client)
        case .broken(_, let other, _): other
        case .fault, .restart, .resume: nil
        }
    }
}
