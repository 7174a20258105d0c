import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWire

/// Three storage peers, two coordinators and some proxies as bare machines in simulated time: every
/// message takes as long as on a local network, every sync as on a disk, and what arrives at
/// a peer while it syncs is synced together. Writers each do one action after the other, for ever.
struct ServiceScene {
    /// How long things take.
    struct Timing {
        /// Of a message between two processes.
        var hop = Duration.microseconds(200)
        /// As much longer it takes at most.
        var jitter = Duration.microseconds(200)
        /// Of a synced batch.
        var sync = Duration.milliseconds(2)
    }

    /// One action of a writer, and when it was answered with where it landed.
    struct Acknowledgement {
        let proxy: Int
        let asked: Instant
        let answered: Instant
        /// Acknowledgements of others while it waited.
        let overtakenBy: Int
    }

    private struct Writer {
        let proxy: Int
        let number: Int
        var actionCount = 0
        var asked = Instant.origin
        var acknowledgedBefore = 0
        var request: ActionRequest?
    }

    private enum Event: Sendable {
        case toCoordinator(proxy: Int, coordinator: Int, id: UInt64, RepositoryRequest, Instant)
        case toProxy(proxy: Int, coordinator: Int, id: UInt64, RepositoryReply)
        case toPeer(coordinator: Int, peer: Int, [PeerBatchItem])
        case synced(peer: Int)
        case fromPeer(coordinator: Int, peer: Int, PeerBatchReply)
        case write(writer: Int)
        case tickCoordinator(Int)
        case tickProxy(Int)
    }

    let map: ClusterMap
    private let timing: Timing
    private(set) var now = Instant.origin
    private var generator: SeededGenerator
    private var agenda = TimerQueue<Event>()
    private var coordinators: [ValidatingCoordinator] = []
    /// What proxies ask becomes this on its way, as of a proxy that is not what it should be.
    var tampering: (RepositoryRequest) -> RepositoryRequest = { $0 }
    private(set) var proxies: [ClientProxy] = []
    private var cycles: [StoragePeerCycle] = []
    private var inboxes: [[(coordinator: Int, items: [PeerBatchItem])]]
    private var isSyncing: [Bool]
    private var tokens: [UInt64: (proxy: Int, coordinator: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    private var writers: [Writer] = []
    private var info: CollectionInfo?
    /// Answers to requests that no writer made.
    private(set) var answers: [UInt64: ClientReply] = [:]
    private(set) var acknowledgements: [Acknowledgement] = []
    private(set) var failures: [DatabaseError] = []
    /// Of the answers, those that nobody has taken yet.
    private var freshAnswers: [UInt64] = []
    /// What is sent and synced, from when a test puts one here.
    var traffic: ServiceTraffic?
    /// What each coordinator was asked, and when.
    private(set) var asked: [(coordinator: Int, at: Instant)] = []
    /// Peers that a coordinator does not reach, and coordinators that a proxy does not.
    var cutPeers: [Int: Set<Int>] = [:]
    var cutCoordinators: [Int: Set<Int>] = [:]

    private static let openToken: UInt64 = 1 << 40

    /// - Parameter validates: Whether the coordinators execute attempts again.
    init(
        proxyCount: Int, seed: UInt64 = 1, timing: Timing = Timing(), validates: Bool = false
    ) throws {
        self.timing = timing
        let peers = (1...3).map {
            ClusterMap.Peer(
                id: PeerID(rawValue: Identifier128(UInt128($0))), name: "peer-\($0)",
                address: "loopback://peer-\($0)")
        }
        func services(_ kind: String, _ count: Int) -> [ClusterMap.Service] {
            (1...count).map { .init(name: "\(kind)-\($0)", address: "loopback://\(kind)-\($0)") }
        }
        map = try ClusterMap(
            cluster: ClusterID(rawValue: Identifier128(9)), name: "test", peers: peers,
            shards: Array(repeating: peers.map(\.id), count: 4),
            coordinators: services("coordinator", 2), proxies: services("proxy", proxyCount))
        generator = SeededGenerator(seed: seed)
        for peer in map.peers {
            cycles.append(
                StoragePeerCycle(
                    identity: peer.id, map: map,
                    repository: try StorageRepository(engine: MemoryEngine()), journal: nil))
        }
        inboxes = Array(repeating: [], count: peers.count)
        isSyncing = Array(repeating: false, count: peers.count)
        for number in 1...2 {
            coordinators.append(
                ValidatingCoordinator(
                    Coordinator(
                        map: map, proposer: ProposerID(rawValue: Identifier128(UInt128(number))),
                        generator: generator.fork()),
                    validates: validates, wallMilliseconds: { 1 }))
        }
        for number in 0..<proxyCount {
            let identifiers = SeededIdentifiers(seed: seed << 8 | UInt64(number))
            proxies.append(
                ClientProxy(
                    map: map, release: "test", generator: generator.fork(),
                    makeIdentifier: identifiers.next, wallMilliseconds: { 0 }))
        }
    }

    /// The coordinator that everybody prefers for the collection.
    var natural: Int {
        ServiceRanking(addresses: map.coordinators.map(\.address))
            .order(for: CollectionID(name: "c").digest.bytes, at: .origin)[0]
    }

    // MARK: Clients

    /// - Parameter deadline: Of the client; nil: in 5 seconds.
    mutating func ask(
        _ proxy: Int, _ token: UInt64, _ request: ClientRequest, client: UInt64 = 0,
        deadline: Instant? = nil
    ) throws {
        feed(
            .request(
                token, request, client: client,
                deadline: deadline ?? now.advanced(by: .seconds(5))),
            toProxy: proxy)
    }

    /// The answers that came since this was last asked, to requests that no writer made.
    mutating func takeAnswers() -> [(token: UInt64, reply: ClientReply)] {
        defer { freshAnswers = [] }
        return freshAnswers.compactMap { token in
            answers.removeValue(forKey: token).map { (token, $0) }
        }
    }

    mutating func open(_ kind: CollectionKind) throws {
        let open = OpenCollection(
            name: "c", kind: kind, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: Identifier128(1)), generation: 0))
        try ask(0, Self.openToken, .openCollection(open))
        try run(for: .seconds(2))
        guard case .collection(let info)? = answers[Self.openToken] else {
            throw DatabaseError(.internalError, "not opened: \(answers)")
        }
        self.info = info
    }

    func read(_ query: TreeQuery) throws -> TreeReadRequest {
        guard let info else { throw DatabaseError(.internalError, "not opened") }
        return TreeReadRequest(
            collection: info.collection, incarnation: info.incarnation, query: query)
    }

    /// Adds writers that begin at once, each with keys of its own.
    mutating func addWriters(_ count: Int, at proxy: Int) {
        for _ in 0..<count {
            writers.append(Writer(proxy: proxy, number: writers.count))
            agenda.insert(.write(writer: writers.count - 1), at: now)
        }
    }

    private mutating func write(_ index: Int) throws {
        guard let info else { return }
        if writers[index].request == nil {
            writers[index].actionCount += 1
            writers[index].asked = now
            writers[index].acknowledgedBefore = acknowledgements.count
            let (number, count) = (writers[index].number, writers[index].actionCount)
            let value = Bytes(repeating: UInt8(truncatingIfNeeded: count), count: 200)
            let content: ActionContent =
                switch info.header.kind {
                case .diary: .append(value)
                case .queue: .queue(.enqueue([value]))
                case .tree, .custom:
                    .tree(
                        TreeAction(operations: [
                            .put(key: [UInt8(number), UInt8(count % 8)], value: value)
                        ]))
                }
            writers[index].request = ActionRequest(
                collection: info.collection, incarnation: info.incarnation,
                action: ActionID(
                    rawValue: Identifier128(UInt128(index + 2) << 64 | UInt128(count))),
                firstRevision: info.revision, content: content)
        }
        guard let request = writers[index].request else { return }
        lastToken += 1
        let token = lastToken << 16 | UInt64(index)
        feed(
            .request(
                token, .act(request), client: UInt64(index),
                deadline: now.advanced(by: .seconds(5))),
            toProxy: writers[index].proxy)
    }

    private mutating func answered(_ token: UInt64, _ reply: ClientReply) {
        if token >= Self.openToken {
            answers[token] = reply
            freshAnswers.append(token)
            return
        }
        let index = Int(token & 0xFFFF)
        switch reply {
        case .acted:
            acknowledgements.append(
                Acknowledgement(
                    proxy: writers[index].proxy, asked: writers[index].asked, answered: now,
                    overtakenBy: acknowledgements.count - writers[index].acknowledgedBefore))
            writers[index].request = nil
        case .failed(let error): failures.append(error)
        default: invariant(false, "an action is answered with \(reply)")
        }
        // To the client and back: of those that are answered together some come back first.
        agenda.insert(.write(writer: index), at: now.advanced(by: delay() + delay()))
    }

    // MARK: Time

    mutating func run(for time: Duration) throws {
        let end = now.advanced(by: time)
        while try step(until: end) {}
    }

    /// Does what is next, or lets the time pass until `end`.
    /// - Returns: Whether anything was to be done until then.
    mutating func step(until end: Instant) throws -> Bool {
        guard let (event, instant) = agenda.popDue(at: end) else {
            now = max(now, end)
            return false
        }
        now = max(now, instant)
        try handle(event)
        return true
    }

    /// How long the next message takes.
    mutating func delay() -> Duration {
        guard timing.jitter > .zero else { return timing.hop }
        return timing.hop + .nanoseconds(Int64(generator.below(Int(timing.jitter.nanoseconds))))
    }

    private mutating func later(_ event: Event) {
        agenda.insert(event, at: now.advanced(by: delay()))
    }

    private mutating func handle(_ event: Event) throws {
        switch event {
        case .toCoordinator(let proxy, let coordinator, let id, let request, let deadline):
            lastToken += 1
            tokens[lastToken] = (proxy, coordinator, id)
            asked.append((coordinator, now))
            feed(
                [
                    .request(
                        Coordinator.Token(rawValue: lastToken), request, client: UInt64(proxy) + 1,
                        deadline: deadline)
                ], toCoordinator: coordinator)
        case .toProxy(let proxy, let coordinator, let id, let reply):
            guard cutCoordinators[proxy]?.contains(coordinator) != true else { return }
            feed(.reply(id: id, reply), toProxy: proxy)
        case .toPeer(let coordinator, let peer, let items):
            inboxes[peer].append((coordinator, items))
            try runPeer(peer)
        case .synced(let peer):
            isSyncing[peer] = false
            try runPeer(peer)
        case .fromPeer(let coordinator, let peer, let batch):
            guard cutPeers[coordinator]?.contains(peer) != true else { return }
            feed(
                batch.items.map {
                    .reply(id: $0.id, peer: batch.peer, epoch: batch.epoch, $0.reply)
                }, toCoordinator: coordinator)
        case .write(let writer): try write(writer)
        case .tickCoordinator(let index): feed([.tick], toCoordinator: index)
        case .tickProxy(let index): feed(.tick, toProxy: index)
        }
    }

    private mutating func runPeer(_ peer: Int) throws {
        guard !isSyncing[peer], !inboxes[peer].isEmpty else { return }
        let batches = inboxes[peer].map { (sender: $0.coordinator, items: $0.items) }
        inboxes[peer] = []
        var replies: [(Int, PeerBatchReply)] = []
        let report = try cycles[peer].run(batches) { replies.append(($0, $1)) }
        if report.wroteBatch { traffic?.synced(peer, at: now) }
        let time = report.wroteBatch ? timing.sync : .zero
        isSyncing[peer] = true
        agenda.insert(.synced(peer: peer), at: now.advanced(by: time))
        for (coordinator, reply) in replies {
            agenda.insert(
                .fromPeer(coordinator: coordinator, peer: peer, reply),
                at: now.advanced(by: time + delay()))
        }
    }

    private mutating func feed(_ events: [Coordinator.Event], toCoordinator index: Int) {
        var batches: [PeerID: [PeerBatchItem]] = [:]
        for event in events {
            for directive in coordinators[index].receive(event, now: now) {
                switch directive {
                case .send(let peer, let id, let request):
                    batches[peer, default: []].append(PeerBatchItem(id: id, request: request))
                case .respond(let token, let reply):
                    guard let asker = tokens.removeValue(forKey: token.rawValue) else { continue }
                    later(
                        .toProxy(
                            proxy: asker.proxy, coordinator: asker.coordinator, id: asker.id, reply)
                    )
                case .discarded: break
                }
            }
        }
        for (number, peer) in map.peers.enumerated() {
            guard let items = batches[peer.id], cutPeers[index]?.contains(number) != true else {
                continue
            }
            traffic?.sent(items, from: index, to: number, at: now)
            later(.toPeer(coordinator: index, peer: number, items))
        }
        if let wake = coordinators[index].nextWake {
            agenda.insert(.tickCoordinator(index), at: max(wake, now))
        }
    }

    private mutating func feed(_ event: ClientProxy.Event, toProxy index: Int) {
        defer { proxies[index].checkInvariants() }
        for directive in proxies[index].receive(event, now: now) {
            switch directive {
            case .send(let coordinator, let id, let request, let deadline):
                guard cutCoordinators[index]?.contains(coordinator) != true else { continue }
                traffic?.sent(request, at: now)
                later(
                    .toCoordinator(
                        proxy: index, coordinator: coordinator, id: id, tampering(request),
                        deadline))
            case .respond(let token, let reply): answered(token, reply)
            }
        }
        if let wake = proxies[index].nextWake {
            agenda.insert(.tickProxy(index), at: max(wake, now))
        }
    }
}

extension ServiceScene {
    /// Acknowledgements of a proxy in each of the slices of `length` from `start` on.
    func counts(
        of proxy: Int? = nil, from start: Instant, slices: Int, length: Duration
    ) -> [Int] {
        var counts = Array(repeating: 0, count: slices)
        for one in acknowledgements where proxy == nil || one.proxy == proxy {
            let slice = one.answered.since(start).nanoseconds / length.nanoseconds
            guard one.answered >= start, slice < slices else { continue }
            counts[Int(slice)] += 1
        }
        return counts
    }

    /// The longest time in [start, end] without an acknowledgement of the proxy.
    func longestGap(of proxy: Int, from start: Instant, to end: Instant) -> Duration {
        var last = start
        var gap = Duration.zero
        for one in acknowledgements where one.proxy == proxy && one.answered >= start {
            gap = max(gap, one.answered.since(last))
            last = one.answered
        }
        return max(gap, end.since(last))
    }
}
