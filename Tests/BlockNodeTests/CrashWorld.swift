import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWire

/// Three storage peers on simulated disks, two coordinators and two proxies as bare machines; their
/// messages arrive in the order in which they were sent unless `disorder` says otherwise, each
/// request as a cycle of its own.
struct CrashWorld {
    /// What a disk holds.
    typealias Content = [(key: Bytes, value: Bytes)]

    /// Who dies together with a peer.
    enum Casualties: CaseIterable {
        case peerAlone
        /// The coordinator whose request the peer died of.
        case coordinator
        /// The proxy as well, and nobody tries again.
        case writer
    }

    fileprivate enum Packet {
        case peerRequest(coordinator: Int, PeerID, id: UInt64, PeerRequest)
        case peerReply(coordinator: Int, PeerID, id: UInt64, PeerReply)
        case request(proxy: Int, coordinator: Int, id: UInt64, RepositoryRequest, Instant)
        case reply(proxy: Int, id: UInt64, RepositoryReply)
    }

    let map: ClusterMap
    private(set) var now = Instant.origin
    private var disks: [PeerID: SimulatedDisk] = [:]
    private(set) var engines: [PeerID: FaultEngine] = [:]
    private(set) var repositories: [PeerID: StorageRepository] = [:]
    private var cycles: [PeerID: StoragePeerCycle] = [:]
    private var coordinators: [Coordinator] = []
    private var proxies: [ClientProxy?] = []
    private var queue: [Packet] = []
    /// Who waits for the answer to a request of a coordinator.
    private var tokens: [UInt64: (proxy: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    private var lives: UInt64 = 0
    /// Answers to clients, and to requests that no proxy made.
    private(set) var answers: [UInt64: ClientReply] = [:]
    private(set) var ownAnswers: [UInt64: RepositoryReply] = [:]
    /// Whether the last thing that was to be discarded at no proxy's wish is.
    private var isDiscarded = false
    /// A peer that nothing reaches.
    var absent: PeerID?
    var casualties = Casualties.peerAlone
    /// Draws which message arrives next, and one of fifty to be lost.
    var disorder: SeededGenerator?
    /// Walks over pends that go on beside everything else, one for each coordinator.
    private var walks: [PendWalk] = []
    private(set) var crashCount = 0

    init(_ contents: [PeerID: Content] = [:]) throws {
        let peers = (1...3).map { ClusterMap.Peer.numbered($0) }
        func services(_ kind: String) -> [ClusterMap.Service] {
            (1...2).map { .init(name: "\(kind)-\($0)", address: "loopback://\(kind)-\($0)") }
        }
        map = try ClusterMap(
            cluster: ClusterID(rawValue: Identifier128(9)), name: "test", peers: peers,
            shards: Array(repeating: peers.map(\.id), count: 2),
            coordinators: services("coordinator"), proxies: services("proxy"))
        for peer in map.peers {
            let disk = SimulatedDisk()
            let engine = FaultEngine(disk: disk, generator: SeededGenerator(seed: 1))
            var batch = WriteBatch()
            for (key, value) in contents[peer.id] ?? [] { batch.put(value, for: key) }
            try engine.write(batch)
            try engine.sync()
            disks[peer.id] = disk
            try start(peer.id)
        }
        coordinators = [newCoordinator(), newCoordinator()]
        proxies = [newProxy(), newProxy()]
    }

    // MARK: Lives

    /// Opens what is on the peer's disk.
    mutating func start(_ peer: PeerID, plan: FaultPlan = FaultPlan()) throws {
        guard let disk = disks[peer] else { return }
        let engine = FaultEngine(disk: disk, plan: plan, generator: SeededGenerator(seed: 1))
        let repository = try StorageRepository(engine: engine)
        engines[peer] = engine
        repositories[peer] = repository
        cycles[peer] = StoragePeerCycle(
            identity: peer, map: map, repository: repository, journal: nil)
    }

    private mutating func newCoordinator() -> Coordinator {
        lives += 1
        return Coordinator(
            map: map, proposer: ProposerID(rawValue: Identifier128(UInt128(lives))),
            generator: SeededGenerator(seed: lives))
    }

    private mutating func newProxy() -> ClientProxy {
        lives += 1
        return ClientProxy(
            map: map, release: "test", generator: SeededGenerator(seed: lives),
            makeIdentifier: SeededIdentifiers(seed: lives).next, wallMilliseconds: { 0 })
    }

    /// What each peer has on its disk.
    func contents() throws -> [PeerID: Content] {
        try engines.mapValues { engine in
            try engine.scan(from: [], below: [255], countMax: .max)
        }
    }

    private mutating func die(_ peer: PeerID, at coordinator: Int) throws {
        crashCount += 1
        engines[peer]?.crash()
        try start(peer)
        if casualties == .peerAlone { return }
        coordinators[coordinator] = newCoordinator()
        queue.removeAll { $0.concerns(coordinator: coordinator) }
        if casualties == .coordinator { return }
        proxies[0] = nil
    }

    // MARK: Requests

    /// A request that ends a life.
    static func drop(
        _ name: String, _ incarnation: Incarnation, action: UInt64 = 1 << 40
    ) -> DropCollection {
        DropCollection(
            collection: CollectionID(name: name), incarnation: incarnation,
            action: ActionID(rawValue: Identifier128(UInt128(action))))
    }

    mutating func ask(_ proxy: Int, _ token: UInt64, _ request: ClientRequest, for time: Duration) {
        feed(.request(token, request, deadline: now.advanced(by: time)), toProxy: proxy)
    }

    /// Asks a coordinator as its host does on its own.
    mutating func ask(coordinator: Int, _ token: UInt64, _ request: RepositoryRequest) {
        lastToken += 1
        let deadline = now.advanced(by: .seconds(3))
        tokens[lastToken] = (-1, token)
        feed(
            .request(Coordinator.Token(rawValue: lastToken), request, deadline: deadline),
            toCoordinator: coordinator)
    }

    /// Walks over the pends of all shards as a coordinator's host does, until it rested at each as
    /// often as this.
    mutating func walkPends(coordinator: Int, rounds: Int = 2) throws {
        var walk = PendWalk(
            shardCount: map.shards.count, firstShard: 1, interval: .seconds(1), now: now)
        var restCount = 0
        while restCount < rounds * map.shards.count {
            if let due = walk.dueAt { try run(for: max(.zero, due.since(now))) }
            var request = walk.next(now: now)
            while let asked = request {
                ownAnswers[0] = nil
                isDiscarded = false
                lastToken += 1
                tokens[lastToken] = (-1, 0)
                feed(
                    asked.event(
                        Coordinator.Token(rawValue: lastToken),
                        deadline: now.advanced(by: .seconds(3))), toCoordinator: coordinator)
                try run(for: .seconds(5)) { $0.ownAnswers[0] != nil || $0.isDiscarded }
                if let reply = ownAnswers[0] {
                    request = walk.received(reply, now: now)
                } else if isDiscarded {
                    request = walk.discarded(now: now)
                } else {
                    throw DatabaseError(.internalError, "no answer to \(asked)")
                }
            }
            restCount += 1
        }
    }

    /// Lets every coordinator walk over the pends from now on, as often as it can.
    mutating func startWalks() {
        walks = coordinators.indices.map {
            PendWalk(
                shardCount: map.shards.count, firstShard: $0, interval: .milliseconds(2), now: now)
        }
    }

    /// What the walks have settled.
    var settledCount: UInt64 { walks.reduce(0) { $0 + $1.settledCount } }

    private mutating func askForWalk(_ index: Int, _ request: PendWalk.Request) {
        lastToken += 1
        tokens[lastToken] = (-2 - index, 0)
        let deadline = now.advanced(by: .seconds(3))
        feed(
            request.event(Coordinator.Token(rawValue: lastToken), deadline: deadline),
            toCoordinator: index)
    }

    /// Goes on until `isDone` or `time` has passed.
    mutating func run(for time: Duration, until isDone: (Self) -> Bool = { _ in false }) throws {
        let end = now.advanced(by: time)
        while !isDone(self) {
            for index in walks.indices {
                if let request = walks[index].next(now: now) { askForWalk(index, request) }
            }
            if !queue.isEmpty {
                let place = disorder?.below(queue.count) ?? 0
                let packet = queue.remove(at: place)
                if disorder?.chance(1, in: 50) != true { try deliver(packet) }
                continue
            }
            let wakes =
                coordinators.compactMap(\.nextWake) + proxies.compactMap { $0?.nextWake }
                + walks.compactMap(\.dueAt)
            guard let wake = wakes.min(), wake <= end else {
                now = end
                return
            }
            now = max(wake, now.advanced(by: .milliseconds(1)))
            for index in coordinators.indices { feed(.tick, toCoordinator: index) }
            for index in proxies.indices { feed(.tick, toProxy: index) }
        }
    }

    // MARK: Messages

    private mutating func deliver(_ packet: Packet) throws {
        switch packet {
        case .peerRequest(let coordinator, let peer, let id, let request):
            guard peer != absent, var cycle = cycles[peer] else { return }
            let items = [PeerBatchItem(id: id, request: request)]
            var replies: [PeerReplyItem] = []
            var isAlive = true
            do {
                _ = try cycle.run([(0, items)]) { _, batch in replies = batch.items }
                cycles[peer] = cycle
            } catch {
                isAlive = false
            }
            // What it handed out before it died is on its way.
            for reply in replies {
                queue.append(.peerReply(coordinator: coordinator, peer, id: id, reply.reply))
            }
            if !isAlive { try die(peer, at: coordinator) }
        case .peerReply(let coordinator, let peer, let id, let reply):
            feed(
                .reply(id: id, peer: peer, epoch: map.epoch, reply), toCoordinator: coordinator)
        case .request(let proxy, let coordinator, let id, let request, let deadline):
            lastToken += 1
            tokens[lastToken] = (proxy, id)
            feed(
                .request(Coordinator.Token(rawValue: lastToken), request, deadline: deadline),
                toCoordinator: coordinator)
        case .reply(let proxy, let id, let reply): feed(.reply(id: id, reply), toProxy: proxy)
        }
    }

    private mutating func feed(_ event: Coordinator.Event, toCoordinator index: Int) {
        for directive in coordinators[index].receive(event, now: now) {
            switch directive {
            case .send(let peer, let id, let request):
                queue.append(.peerRequest(coordinator: index, peer, id: id, request))
            case .discarded(let token):
                guard let (proxy, _) = tokens.removeValue(forKey: token.rawValue) else { continue }
                isDiscarded = true
                guard proxy <= -2 else { continue }
                let next = walks[-2 - proxy].discarded(now: now)
                if let next { askForWalk(-2 - proxy, next) }
            case .respond(let token, let reply):
                guard let (proxy, id) = tokens.removeValue(forKey: token.rawValue) else { continue }
                if proxy <= -2 {
                    let index = -2 - proxy
                    let next = walks[index].received(reply, now: now)
                    if let next { askForWalk(index, next) }
                } else if proxy < 0 {
                    ownAnswers[id] = reply
                } else {
                    queue.append(.reply(proxy: proxy, id: id, reply))
                }
            }
        }
    }

    private mutating func feed(_ event: ClientProxy.Event, toProxy index: Int) {
        defer { proxies[index]?.checkInvariants() }
        for directive in proxies[index]?.receive(event, now: now) ?? [] {
            switch directive {
            case .send(let coordinator, let id, let request, let deadline):
                queue.append(
                    .request(
                        proxy: index, coordinator: coordinator, id: id, request, deadline))
            case .respond(let token, let reply): answers[token] = reply
            }
        }
    }
}

extension CrashWorld.Packet {
    /// Whether it is lost when the coordinator dies. What it has sent to peers still arrives.
    fileprivate func concerns(coordinator: Int) -> Bool {
        switch self {
        case .peerReply(coordinator, _, _, _): true
        case .request(_, coordinator, _, _, _): true
        default: false
        }
    }
}

extension ClusterMap.Peer {
    fileprivate static func numbered(_ number: Int) -> Self {
        Self(
            id: PeerID(rawValue: Identifier128(UInt128(number))), name: "peer-\(number)",
            address: "loopback://peer-\(number)")
    }
}
