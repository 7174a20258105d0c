import BlockConsensus
import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire
import Logging

/// A coordinator on a transport. All requests that one turn makes for one peer travel in one
/// message, so that the peer syncs them together.
package final class CoordinatorHost: Service {
    package let port: ServicePort
    private var machine: ValidatingCoordinator
    private var callers = CallerTable(
        ofEach: .init("proxyRequestBytesMax", Limits.proxyRequestBytesMax))
    /// The peers in the order of the cluster file, and the link to each.
    private let links: [(peer: PeerID, endpoint: Endpoint)]
    private let peers: [Endpoint: PeerID]
    /// What this turn has for each peer.
    private var outbox: [PeerID: [PeerBatchItem]] = [:]
    /// Numbers the batches from a random start: an answer to a predecessor of this process has none
    /// of these numbers.
    private let firstCorrelation: UInt64
    private var nextCorrelation: UInt64
    /// What it does of its own accord; nil: nothing.
    private var background: BackgroundWork?

    /// - Parameters:
    ///   - policy: When this coordinator seals.
    ///   - validates: Whether attempts are executed again before they are taken.
    ///   - intervals: How long its walks rest; nil: it does nothing of its own accord.
    /// - Throws: `.configurationInvalid` when the address of a peer can never work.
    package init(
        port: ServicePort, map: ClusterMap, environment: Environment,
        policy: TailPolicy = TailPolicy(), validates: Bool = false,
        intervals: BackgroundWork.Intervals? = BackgroundWork.Intervals()
    ) throws(DatabaseError) {
        self.port = port
        background = intervals.map {
            BackgroundWork(
                map: map, intervals: $0, now: environment.now(), place: environment.entropy)
        }
        machine = ValidatingCoordinator(
            Coordinator(
                map: map, proposer: ProposerID(rawValue: environment.identifier()),
                generator: environment.generator(), policy: policy),
            validates: validates, wallMilliseconds: environment.wallMilliseconds)
        var links: [(PeerID, Endpoint)] = []
        var peers: [Endpoint: PeerID] = [:]
        for peer in map.peers {
            let endpoint = try port.transport.connect(to: peer.address)
            links.append((peer.id, endpoint))
            peers[endpoint] = peer.id
        }
        invariant(peers.count == links.count, "two peers share a link")
        self.links = links
        self.peers = peers
        firstCorrelation = environment.entropy() >> 2 | 1
        nextCorrelation = firstCorrelation
    }

    package var nextWake: Instant? {
        // A coordinator that is stopping begins nothing of its own accord.
        let dueAt = callers.isDraining ? nil : background?.dueAt
        let wake = inPlace(&machine) { $0.nextWake }
        guard let wake, let dueAt else { return wake ?? dueAt }
        return min(wake, dueAt)
    }
    package var unansweredCount: Int { callers.count }
    /// Requests under way, also those of its own.
    package var requestCount: Int { inPlace(&machine) { $0.requestCount } }
    /// Attempts that are being executed before they are taken.
    package var validationCount: Int { inPlace(&machine) { $0.validationCount } }
    /// Rounds with storage peers under way, also those that no proxy waits for any more.
    package var roundCount: Int { inPlace(&machine) { $0.roundCount } }

    package func turn(_ arrivals: [Inbound], now: Instant) {
        invariant(outbox.isEmpty, "an earlier turn left something to send")
        for arrival in arrivals {
            switch arrival {
            case .malformed(let endpoint, let error): port.refuseMalformed(from: endpoint, error)
            case .message(let endpoint, let envelope):
                switch endpoint {
                case .route: request(envelope, from: endpoint, now)
                case .link: reply(envelope, from: endpoint, now)
                }
            // Every round goes on with those that answer, and asks again when they are too few.
            case .broken, .silent: break
            case .unreachable(let endpoint, let error):
                guard let peer = peers[endpoint] else { continue }
                port.noteUnreachable("storage peer \(peer)", error)
            }
        }
        if let wake = inPlace(&machine, { $0.nextWake }), wake <= now {
            perform(machine.receive(.tick, now: now), now)
        }
        while !callers.isDraining, let event = background?.next(now: now) {
            perform(machine.receive(event, now: now), now)
        }
        sendBatches()
    }

    private func request(_ envelope: Envelope, from endpoint: Endpoint, _ now: Instant) {
        let request = port.accept(envelope, from: endpoint, as: .repositoryRequest) {
            bytes throws(DatabaseError) in try port.codec.decodeRepositoryRequest(bytes)
        }
        guard let request else { return }
        let caller = Caller(envelope, from: endpoint)
        do throws(DatabaseError) {
            let token = try callers.add(
                caller, byteCount: envelope.payload.count, changesState: request.changesState)
            invariant(
                !callers.isDraining || planted(.drainTakesRequests),
                "a coordinator that stops takes a request")
            let deadline = ServicePort.deadline(of: envelope, arrival: now)
            let event = Coordinator.Event.request(
                Coordinator.Token(rawValue: token), request, client: endpoint.number,
                deadline: deadline)
            perform(machine.receive(event, now: now), now)
        } catch {
            port.note(.refused, error.message)
            port.refuse(caller, error)
        }
    }

    private func reply(_ envelope: Envelope, from endpoint: Endpoint, _ now: Instant) {
        let answer = port.acceptAnswer(envelope, as: .peerBatchReply) {
            bytes throws(DatabaseError) in try port.codec.decodePeerBatchReply(bytes)
        }
        guard let answer, let peer = peers[endpoint] else { return }
        switch answer {
        case .failure(let error):
            port.note(.foreign, "storage peer \(peer) refuses a batch: \(error.message)")
        case .success(let batch):
            let isOwn = (firstCorrelation..<nextCorrelation).contains(envelope.correlation)
            guard isOwn || planted(.predecessorsAnswerTaken) else {
                return port.note(.foreign, "an answer to a batch that was not sent")
            }
            guard batch.peer == peer || planted(.foreignVotesCount) else {
                // Its votes must not count for the peer that was asked; the machine sees to that.
                return port.note(
                    .foreign, "storage \(batch.peer) answers at the address of \(peer)")
            }
            for item in batch.items {
                perform(
                    machine.receive(
                        .reply(id: item.id, peer: peer, epoch: batch.epoch, item.reply),
                        now: now), now)
            }
        }
    }

    private func perform(_ directives: [Coordinator.Directive], _ now: Instant) {
        for directive in directives {
            switch directive {
            case .send(let peer, let id, let request):
                outbox[peer, default: []].append(PeerBatchItem(id: id, request: request))
            case .discarded(let token): background?.discarded(token, now: now)
            case .respond(let token, let reply):
                if background?.received(reply, for: token, now: now) == true {
                    noteScrub(reply)
                    continue
                }
                guard let entry = callers.take(token.rawValue) else { continue }
                port.answer(
                    entry.caller, .repositoryReply, port.codec.encode(reply),
                    changesState: entry.changesState)
            }
        }
    }

    private func noteScrub(_ reply: RepositoryReply) {
        guard case .scrubbed(let report) = reply else { return }
        invariant(
            report.conflictCount <= report.versionCount,
            "\(report.conflictCount) conflicts of \(report.versionCount) versions")
        if report.repairedCount > 0 {
            port.logger.notice("scrub repaired", metadata: ["copies": "\(report.repairedCount)"])
        }
        if report.unrepairedCount > 0 {
            port.logger.warning(
                "scrub left damage", metadata: ["copies": "\(report.unrepairedCount)"])
        }
        if report.conflictCount > 0 {
            port.logger.critical(
                "replicas hold different writes at one revision",
                metadata: ["versions": "\(report.conflictCount)"])
        }
    }

    private func sendBatches() {
        for (peer, endpoint) in links {
            guard let items = outbox.removeValue(forKey: peer) else { continue }
            for message in PeerBatching.messages(of: items) {
                // What is not taken is lost like any message: the rounds ask again.
                let result = port.ask(
                    endpoint, .peerBatch, correlation: nextCorrelation,
                    port.codec.encode(Array(message)))
                nextCorrelation += 1
                if result != .queued { port.note(.undelivered, "storage peer \(peer): \(result)") }
            }
        }
        invariant(outbox.isEmpty, "a request to a peer that the cluster file does not name")
    }

    package func checkInvariants() {
        callers.checkInvariants()
        invariant(outbox.isEmpty, "a turn ended before what it had to say was sent")
        invariant(
            callers.count <= requestCount + validationCount,
            "\(callers.count) callers wait for \(requestCount) requests")
        inPlace(&machine) { $0.checkInvariants() }
        background?.checkInvariants()
    }

    package func beginDrain(now: Instant) {
        for (caller, error) in callers.beginDrain() { port.refuse(caller, error) }
    }

    package func endDrain() {
        for (caller, error) in callers.endDrain() { port.refuse(caller, error) }
    }
}
