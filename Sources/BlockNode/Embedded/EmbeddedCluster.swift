import BlockConsensus
import BlockModel
import BlockRuntime
import BlockStorage
import BlockWire

/// The three roles in one process: what one of them sends to another is a value, not a message.
///
/// They live and die together. A storage peer's answer therefore need not be durable when its
/// coordinator sees it, but when the application sees what follows from it. So one turn runs the
/// machines until none has anything left for another, syncs all that they wrote as one batch, and
/// only then hands out replies: prepare, pends and accept of a commit cost one sync together.
///
/// Knows no clock, thread or file, as the machines it is made of.
package struct EmbeddedCluster {
    package typealias Token = ClientProxy.Token

    /// A request of the application.
    package struct Request {
        package let token: Token
        package let request: ClientRequest
        package let deadline: Instant

        package init(token: Token, request: ClientRequest, deadline: Instant) {
            self.token = token
            self.request = request
            self.deadline = deadline
        }
    }

    private var proxy: ClientProxy
    private var coordinator: Coordinator
    private var cycle: StoragePeerCycle
    private var background: BackgroundWork
    private let epoch: Epoch
    /// What the machines have for each other.
    private var toCoordinator: [Coordinator.Event] = []
    private var toPeer: [PeerBatchItem] = []
    /// Replies that wait for the sync.
    private var replies: [(token: Token, reply: ClientReply)] = []
    private var now = Instant.origin

    /// - Parameters:
    ///   - map: See ``map(cluster:peer:)``.
    ///   - cycle: Of the only peer.
    package init(
        map: ClusterMap, cycle: StoragePeerCycle, environment: Environment,
        scrubInterval: Duration = Limits.scrubIntervalDefault
    ) {
        invariant(map.peers.map(\.id) == [cycle.identity], "an embedded cluster has one peer")
        proxy = ClientProxy(
            map: map, release: Release.version, generator: environment.generator(),
            makeIdentifier: environment.identifier, wallMilliseconds: environment.wallMilliseconds)
        coordinator = Coordinator(
            map: map, proposer: ProposerID(rawValue: environment.identifier()),
            generator: environment.generator())
        var intervals = BackgroundWork.Intervals.embedded
        intervals.scrub = scrubInterval
        background = BackgroundWork(
            map: map, intervals: intervals, now: environment.now()
        ) { 0 }
        invariant(map.shards.allSatisfy { $0.count == 1 }, "an embedded cluster has one replica")
        epoch = map.epoch
        self.cycle = cycle
    }

    /// The name of every embedded cluster, and the address of all of it.
    package static let name = "embedded"

    /// A cluster of one peer that stores everything.
    package static func map(
        cluster: ClusterID, peer: PeerID
    ) throws(DatabaseError) -> ClusterMap {
        let service = ClusterMap.Service(name: name, address: name)
        return try ClusterMap(
            cluster: cluster, name: name,
            peers: [ClusterMap.Peer(id: peer, name: name, address: name)], shards: [[peer]],
            coordinators: [service], proxies: [service])
    }

    /// When ``turn(_:now:)`` has something to do although no request comes; nil: never.
    package var nextWake: Instant? {
        if !toCoordinator.isEmpty || !toPeer.isEmpty { return now }
        invariant(replies.isEmpty, "replies that were not handed out")
        return [
            proxy.nextWake, coordinator.nextWake, cycle.nextWake, background.dueAt,
        ]
        .compactMap { $0 }.min()
    }

    /// Serves `requests`, which were all there before any of them is answered, and what is due.
    ///
    /// - Returns: Replies to these requests and to earlier ones; all that they say is durable.
    /// - Throws: A failed read, write or sync, after which nothing may be answered any more: what
    ///   is on disk is unknown, and this must be let go of.
    package mutating func turn(
        _ requests: [Request], now: Instant
    ) throws -> [(token: Token, reply: ClientReply)] {
        invariant(replies.isEmpty, "replies of a turn before")
        self.now = max(now, self.now)
        for request in requests {
            perform(
                proxy.receive(
                    .request(request.token, request.request, deadline: request.deadline),
                    now: self.now))
        }
        if let wake = proxy.nextWake, wake <= self.now {
            perform(proxy.receive(.tick, now: self.now))
        }
        if let wake = coordinator.nextWake, wake <= self.now { toCoordinator.append(.tick) }
        while let event = background.next(now: self.now) { toCoordinator.append(event) }
        try runMachines()
        try cycle.commit()
        defer { replies = [] }
        return replies
    }

    /// Notes in the ack journal what was answered; call it after the replies of a turn left.
    /// - Throws: As ``turn(_:now:)``.
    package func afterReplies(now: Instant) throws { try cycle.afterReplies(now: now) }

    // MARK: The machines

    /// Rounds of the peer in one turn: each may stage a batch, and all of them wait in memory for
    /// the one sync.
    private static let peerRoundCountMax = 64

    private mutating func runMachines() throws(DatabaseError) {
        var peerRoundCount = 0
        while true {
            while !toCoordinator.isEmpty {
                let events = toCoordinator
                toCoordinator = []
                for event in events { perform(coordinator.receive(event, now: now)) }
            }
            guard !toPeer.isEmpty, peerRoundCount < Self.peerRoundCountMax else { return }
            peerRoundCount += 1
            try runPeer()
        }
    }

    private mutating func runPeer() throws(DatabaseError) {
        let items = toPeer
        toPeer = []
        var report = StoragePeerCycle.Report()
        invariant(!items.isEmpty, "a batch of nothing")
        let answers = try cycle.stage(items, &report)
        invariant(
            answers.count == items.count || !report.alarms.isEmpty,
            "\(answers.count) answers to \(items.count) requests")
        guard report.alarms.isEmpty else {
            // No operator reads a log here, and the application is not to be taken down: the
            // database ends, with nothing of this turn told to any caller.
            throw DatabaseError(
                .internalError, "protocol broken: \(report.alarms.joined(separator: "; "))")
        }
        for answer in answers {
            toCoordinator.append(
                .reply(id: answer.id, peer: cycle.identity, epoch: epoch, answer.reply))
        }
    }

    private mutating func perform(_ directives: [Coordinator.Directive]) {
        for directive in directives {
            switch directive {
            case .send(_, let id, let request):
                toPeer.append(PeerBatchItem(id: id, request: request))
            case .respond(let token, let reply):
                if background.received(reply, for: token, now: now) {
                    goOn()
                } else {
                    perform(proxy.receive(.reply(id: token.rawValue, reply), now: now))
                }
            case .discarded(let token):
                background.discarded(token, now: now)
                goOn()
            }
        }
    }

    /// Goes on with the walk that got an answer.
    private mutating func goOn() {
        if let event = background.goOn(now: now) { toCoordinator.append(event) }
    }

    private mutating func perform(_ directives: [ClientProxy.Directive]) {
        for directive in directives {
            switch directive {
            case .send(_, let id, let request, let deadline):
                let token = Coordinator.Token(rawValue: id)
                toCoordinator.append(.request(token, request, deadline: deadline))
            case .respond(let token, let reply): replies.append((token, reply))
            }
        }
    }
}
