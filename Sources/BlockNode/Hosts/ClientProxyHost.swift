import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransport
import BlockWire
import Logging

/// A client proxy on a transport.
package final class ClientProxyHost: Service {
    package let port: ServicePort
    private var machine: ClientProxy
    private var callers = CallerTable(
        ofEach: .init("clientRequestBytesMax", Limits.clientRequestBytesMax))
    /// The links to the coordinators, in the order of the cluster file.
    private let coordinators: [Endpoint]
    /// Added to the machine's ids, and drawn at every start: an answer to a predecessor of this
    /// process finds no request.
    private let correlationBase: UInt64

    /// - Parameter cacheBytesMax: Bytes of log objects kept for readers, and of blocks as well.
    /// - Throws: `.configurationInvalid` when the address of a coordinator can never work.
    package init(
        port: ServicePort, map: ClusterMap, release: String, environment: Environment,
        cacheBytesMax: Int = Limits.blockCacheBytesMax
    ) throws(DatabaseError) {
        self.port = port
        machine = ClientProxy(
            map: map, release: release, generator: environment.generator(),
            makeIdentifier: environment.identifier,
            wallMilliseconds: environment.wallMilliseconds, cacheBytesMax: cacheBytesMax)
        var coordinators: [Endpoint] = []
        for coordinator in map.coordinators {
            coordinators.append(try port.transport.connect(to: coordinator.address))
        }
        invariant(Set(coordinators).count == coordinators.count, "two coordinators share a link")
        self.coordinators = coordinators
        correlationBase = environment.entropy() >> 1
    }

    package var nextWake: Instant? { inPlace(&machine) { $0.nextWake } }
    /// Requests and calls under way, also those whose caller has been answered.
    package var requestCount: Int { inPlace(&machine) { $0.requestCount } }
    package var unansweredCount: Int { callers.count }

    package func turn(_ arrivals: [Inbound], now: Instant) {
        for arrival in arrivals {
            switch arrival {
            case .malformed(let endpoint, let error): port.refuseMalformed(from: endpoint, error)
            case .message(let endpoint, let envelope):
                switch endpoint {
                case .route: request(envelope, from: endpoint, now)
                case .link: reply(envelope, now)
                }
            case .broken(let endpoint):
                guard let coordinator = coordinators.firstIndex(of: endpoint) else { continue }
                port.logger.notice(
                    "a connection broke", metadata: ["coordinator": "\(coordinator)"])
                receive(.broken(coordinator: coordinator), now)
            case .unreachable(let endpoint, let error):
                guard let coordinator = coordinators.firstIndex(of: endpoint) else { continue }
                port.noteUnreachable("coordinator \(coordinator)", error)
            case .silent: break
            }
        }
        if let wake = nextWake, wake <= now { receive(.tick, now) }
    }

    private func request(_ envelope: Envelope, from endpoint: Endpoint, _ now: Instant) {
        let request = port.accept(
            envelope, from: endpoint, as: .clientRequest, mayLackCluster: \ClientRequest.isHello
        ) { bytes throws(DatabaseError) in try port.codec.decodeClientRequest(bytes) }
        guard let request else { return }
        let caller = Caller(envelope, from: endpoint)
        do throws(DatabaseError) {
            let token = try callers.add(
                caller, byteCount: envelope.payload.count, changesState: request.changesState,
                isPatient: request.isPatient)
            invariant(
                !callers.isDraining || planted(.drainTakesRequests),
                "a proxy that stops takes a request")
            let deadline = ServicePort.deadline(of: envelope, arrival: now)
            receive(
                .request(token, request, client: endpoint.number, deadline: deadline), now)
        } catch {
            port.note(.refused, error.message)
            port.refuse(caller, error)
        }
    }

    private func reply(_ envelope: Envelope, _ now: Instant) {
        let answer = port.acceptAnswer(envelope, as: .repositoryReply) {
            bytes throws(DatabaseError) in try port.codec.decodeRepositoryReply(bytes)
        }
        guard let answer else { return }
        let id = envelope.correlation &- correlationBase
        switch answer {
        case .success(let reply): receive(.reply(id: id, reply), now)
        case .failure(let error): receive(.reply(id: id, .failed(error)), now)
        }
    }

    /// Gives an event to the machine and does what it asks for, until it asks for nothing more: a
    /// message that the transport does not take is an event again.
    private func receive(_ event: ClientProxy.Event, _ now: Instant) {
        var events = [event]
        while !events.isEmpty {
            let current = events
            events = []
            for event in current {
                for directive in machine.receive(event, now: now) {
                    guard let failed = perform(directive, now) else { continue }
                    events.append(.notSent(id: failed))
                }
            }
        }
    }

    /// - Returns: The id of a request that was certainly not sent.
    private func perform(_ directive: ClientProxy.Directive, _ now: Instant) -> UInt64? {
        switch directive {
        case .respond(let token, let reply):
            if let entry = callers.take(token) {
                port.answer(
                    entry.caller, .clientReply, port.codec.encode(reply),
                    changesState: entry.changesState)
            }
            return nil
        case .send(let coordinator, let id, let request, let deadline):
            let result = port.ask(
                coordinators[coordinator], .repositoryRequest,
                correlation: correlationBase &+ id,
                time: deadline.since(now), port.codec.encode(request))
            guard result != .queued else { return nil }
            port.note(.undelivered, "coordinator \(coordinator): \(result)")
            return id
        }
    }

    /// As ``ClientProxy/checkInvariants()``.
    package func checkInvariants() {
        inPlace(&machine) { $0.checkInvariants() }
        callers.checkInvariants()
    }

    package func beginDrain(now: Instant) {
        for (caller, error) in callers.beginDrain() { port.refuse(caller, error) }
    }

    package func endDrain() {
        for (caller, error) in callers.endDrain() { port.refuse(caller, error) }
    }
}
