import BlockModel
import BlockRuntime
import BlockWorkloads
import OptimysticClient

/// An application's process in a world: the SDK's session, driven by a workload.
final class ClientNode: WorldProcess {
    /// What it is about at present.
    private enum Occupation {
        case workload
        /// Asks what each replica holds, in between: an audit mends what it finds.
        case audit
        /// Once it has finished, and the faults are over: asks until it is told something.
        case probe
        case finalReads
    }

    private let index: Int
    private var session: ClientSession?
    private var driver: any WorkloadClient
    private var lastToken: UInt64 = 0
    /// Of the request under way.
    private var openToken: UInt64?
    /// Of the request under way, if it creates or drops.
    private var openLife: LivesHistory.RequestID?
    /// Each broken connection is followed by one to the next proxy.
    private var breakCount = 0
    private var occupation = Occupation.workload
    /// What is still to be audited.
    private var targets: [AuditTarget] = []
    private(set) var isFinished = false

    var collection: String { driver.collection }

    init(index: Int, world: World) {
        self.index = index
        driver = world.plan.makeClient(index, generator: world.generator.fork())
        super.init(node: .client(index), world: world)
        restart()
    }

    override func restart() {
        guard session == nil else { return }
        begin()
        connect()
        proceed(after: .milliseconds(world.generator.below(20)))
    }

    /// Asks until an answer comes: where a quorum is up, every client is served.
    func beginProbe() {
        occupation = .probe
        targets = []
        isFinished = false
        proceed(after: .milliseconds(1))
    }

    private func connect() {
        session = ClientSession(
            addresses: world.proxiesForClient(index + breakCount),
            clusterName: world.map.name,
            generator: world.generator.fork())
        openToken = nil
    }

    /// Breaks the connection in the middle of a request, and tells the workload no more than that.
    /// What was sent may be carried out all the same, also after it was sent again.
    func breakConnection(_ token: UInt64) {
        guard session != nil, openToken == token else { return }
        mark("world.connection.broken")
        world.note { "\(node) breaks its connection" }
        breakCount += 1
        connect()
        if case .audit = occupation {
            occupation = .workload
            targets = []
        } else {
            let error = DatabaseError(
                .endpointUnreachable, "the connection was broken", outcome: .unknown)
            driver.receive(.failed(error), &world.history, at: world.now)
        }
        proceed(after: .microseconds(100 + world.generator.below(2000)))
    }

    /// Reads everything a last time.
    func beginFinalReads() {
        occupation = .finalReads
        targets = []
        driver.beginFinalReads()
        isFinished = false
        proceed(after: .milliseconds(1))
    }

    override func crash() {
        session = nil
        if case .audit = occupation { occupation = .workload }
        targets = []
        driver.crashed(&world.history, at: world.now)
        end()
    }

    private func proceed(after delay: Duration) {
        world.schedule(.proceed(client: index, life: life), after: delay)
    }

    /// Does the next thing of the workload.
    func proceed() {
        guard session != nil, !isFinished else { return }
        if case .probe = occupation {
            return ask(nextAudit ?? world.plan.probe(of: driver.collection), timeout: .seconds(4))
        }
        if case .workload = occupation, world.plan.hasInspections, !world.isWinding,
            world.generator.chance(1, in: 40)
        {
            occupation = .audit
        }
        if case .audit = occupation {
            let audit = nextAudit ?? .inspectTail(name: driver.collection)
            return ask(audit, timeout: .seconds(1))
        }
        switch driver.next(&world.history, at: world.now) {
        case .request(let request, let timeout):
            openLife = world.history.lives.send(request, of: driver.collection, at: world.now)
            // A cold tree whose nearest replicas were lost takes more rounds than clients wait for.
            var isLast = false
            if case .finalReads = occupation { isLast = true }
            ask(request, timeout: isLast ? .seconds(20) : timeout)
            drawBreak()
        case .pause(let duration):
            // What was begun is brought to its end; enough was done by then.
            if world.isWinding { return isFinished = true }
            proceed(after: duration * (world.isFaulty ? world.plan.pace : 1))
        case .finished: isFinished = true
        }
    }

    private var nextAudit: ClientRequest? { targets.popLast().map { .audit($0) } }

    private func ask(_ request: ClientRequest, timeout: Duration) {
        lastToken += 1
        openToken = lastToken
        feed(.request(lastToken, request, deadline: now.advanced(by: timeout)))
    }

    /// Some requests lose their connection before the answer.
    private func drawBreak() {
        guard world.isFaulty, world.plan.connectionBreakRate > 0,
            world.generator.chance(world.plan.connectionBreakRate, in: 1000)
        else { return }
        world.schedule(
            .breakConnection(client: index, life: life, token: lastToken),
            after: .microseconds(world.generator.below(60_000)))
    }

    override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        switch message {
        case .clientReply(let id, let reply): feed(.reply(id: id, reply))
        case .refusal(let id, let error): feed(.reply(id: id, .failed(error)))
        default: invariant(false, "a client gets no \(message)")
        }
    }

    override func connectionBroke(with node: NodeID) {
        if case .proxy(let proxy) = node { feed(.broken(proxy: proxy)) }
    }

    override func tick() { feed(.tick) }

    private func feed(_ event: ClientSession.Event) {
        guard let directives = session?.receive(event, now: now) else { return }
        for directive in directives {
            switch directive {
            case .connect: break
            case .send(let proxy, let id, let request, let deadline):
                if case .transact = request { world.beginSteps() }
                world.send(
                    .clientRequest(id: id, request, time: deadline.since(now)), from: node,
                    to: .proxy(proxy))
            case .resolve(_, let reply):
                openToken = nil
                resolved(reply)
            }
        }
        wake(at: session?.takeNextWake() ?? nil)
    }

    private func resolved(_ reply: ClientReply) {
        switch occupation {
        case .probe: return probed(reply)
        case .audit: return audited(reply)
        case .finalReads:
            // A transaction of before may still be told that it has lost.
            if case .failed(let error) = reply,
                ![.collectionNotFound, .conflict].contains(error.code)
            {
                world.hindrances.append("\(node) cannot read at the end: \(error)")
            }
        case .workload: break
        }
        if let openLife {
            world.history.lives.tell(openLife, LivesHistory.Answer(reply), at: world.now)
        }
        openLife = nil
        driver.receive(reply, &world.history, at: world.now)
        // A short while between operations, so that a client that fails at once does not stop the
        // clock.
        proceed(after: .microseconds(100 + world.generator.below(2000)))
    }

    private func probed(_ reply: ClientReply) {
        if case .failed(let error) = reply, error.code != .collectionNotFound {
            log { "is not served: \(error)" }
            return proceed(after: .milliseconds(300))
        }
        note(auditTargetsOf: reply)
        if targets.isEmpty { isFinished = true } else { proceed(after: .milliseconds(1)) }
    }

    /// Audits one thing after the other, whatever comes of it, and goes back to work.
    private func audited(_ reply: ClientReply) {
        note(auditTargetsOf: reply)
        if targets.isEmpty { occupation = .workload }
        proceed(after: .milliseconds(1))
    }

    /// A tail tells of bodies, segments and blocks, which can be audited next.
    private func note(auditTargetsOf reply: ClientReply) {
        guard case .tail(let value, _) = reply, let tail = value.live else { return }
        targets = tail.segments.prefix(4).map { link in
            .segment(
                SegmentKey(
                    collection: tail.collection, incarnation: tail.incarnation,
                    index: link.index, hash: link.hash))
        }
        var blocks = [tail.header.root].compactMap { $0 }
        for entry in tail.entries.suffix(4) {
            switch entry.body {
            case .stored: targets.append(.content(entry.bodyID))
            case .inline(let bytes):
                let body = try? EntryBody(canonicalBytes: bytes)
                blocks += body?.blocks.map(\.block) ?? []
            }
        }
        let header = BlockID(tail.collection.digest)
        for block in Set(blocks).subtracting([header]).sorted().prefix(6) {
            let key = BlockKey(block: block, incarnation: tail.incarnation)
            targets.append(.block(key, tail.revision))
        }
    }

    override var leftovers: [String] {
        guard let session, session.requestCount > 0 else { return [] }
        return ["\(node) waits for \(session.requestCount) answers"]
    }
}

extension ClientSession {
    /// Mutating, so that it is asked where it lies: an optional's getter is asked of a copy.
    fileprivate mutating func takeNextWake() -> Instant? { nextWake }
}
