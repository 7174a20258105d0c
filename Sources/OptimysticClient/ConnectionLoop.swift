import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire

/// The event loop of a connection: mailbox and transport in, session, transport and replies out.
/// Lives on one thread.
final class ConnectionLoop {
    enum Message: Sendable {
        case request(UInt64, ClientRequest, deadline: Instant, ReplySlot)
        case cancel(UInt64)
        case pause(until: Instant, CheckedContinuation<Void, Never>)
        case close
    }

    let mailbox: Mailbox<Message>
    private var session: ClientSession
    private let transport: any Transport
    private let environment: Environment
    /// The link to each proxy, by number; nil for one whose address cannot work.
    private var links: [Endpoint?] = []
    private var slots: [UInt64: ReplySlot] = [:]
    /// Tasks that wait for a time.
    private var pauses = TimerQueue<CheckedContinuation<Void, Never>>()
    private var isClosing = false
    /// Ties together what this connection causes, for people who read logs.
    private let trace: UInt64

    /// - Throws: `.configurationInvalid` for an address that can never work.
    init(
        session: ClientSession, transport: any Transport, environment: Environment
    ) throws(DatabaseError) {
        self.session = session
        self.transport = transport
        self.environment = environment
        mailbox = Mailbox(waker: transport.waker)
        trace = environment.entropy()
        for address in session.addresses { links.append(try transport.connect(to: address)) }
    }

    /// Runs until the connection is closed or the transport fails.
    func run() {
        while !isClosing {
            let wake = [session.nextWake, pauses.next].compactMap { $0 }.min()
            let timeout = wake.map { $0.since(environment.now()) }
            do throws(DatabaseError) {
                let arrivals = try transport.receive(timeout: timeout)
                for message in mailbox.drain() { take(message) }
                for case .message(let from, let envelope) in arrivals { take(envelope, from) }
                handle(.tick)
                endPauses(until: environment.now())
            } catch {
                isClosing = true
            }
        }
        mailbox.close()
        for message in mailbox.drain() { take(message) }
        handle(.close)
        endPauses(until: .distantFuture)
        transport.close()
    }

    private func endPauses(until now: Instant) {
        while let (continuation, _) = pauses.popDue(at: now) { continuation.resume() }
    }

    private func take(_ message: Message) {
        switch message {
        case .request(let token, let request, let deadline, let slot):
            slots[token] = slot
            handle(.request(token, request, deadline: deadline))
        case .cancel(let token):
            slots[token] = nil
            handle(.cancel(token))
        case .pause(let instant, let continuation): pauses.insert(continuation, at: instant)
        case .close: isClosing = true
        }
    }

    private func take(_ envelope: Envelope, _ endpoint: Endpoint) {
        guard links.contains(endpoint) else { return }
        handle(.reply(id: envelope.correlation, reply(in: envelope)))
    }

    /// An answer that cannot be read is an answer of unknown content: what was asked may be done.
    private func reply(in envelope: Envelope) -> ClientReply {
        do throws(DatabaseError) {
            switch WireKind(rawValue: envelope.kind) {
            case .clientReply: return try Wire.decodeClientReply(envelope.payload)
            case .error: return .failed(try Wire.decodeError(envelope.payload))
            default:
                throw DatabaseError(
                    .malformedMessage, "a message of kind \(envelope.kind) where a reply belongs")
            }
        } catch {
            return .failed(
                DatabaseError(error.code, error.message, outcome: .unknown, cause: error))
        }
    }

    private func handle(_ event: ClientSession.Event) {
        var pending = session.receive(event, now: environment.now())
        // A directive that fails is an event with directives of its own.
        while !pending.isEmpty {
            var caused: [ClientSession.Directive] = []
            for directive in pending {
                guard let failure = perform(directive) else { continue }
                caused += session.receive(failure, now: environment.now())
            }
            pending = caused
        }
    }

    /// - Returns: What the session has to be told of it.
    private func perform(_ directive: ClientSession.Directive) -> ClientSession.Event? {
        switch directive {
        case .connect(let proxy, let address):
            invariant(proxy == links.count, "proxies are learned in the order of their numbers")
            links.append(try? transport.connect(to: address))
            return nil
        case .send(let proxy, let id, let request, let deadline):
            guard let link = links[proxy] else { return .notSent(id: id) }
            let remaining = deadline.since(environment.now()).milliseconds
            let envelope = Envelope(
                kind: WireKind.clientRequest.rawValue, correlation: id,
                remainingMilliseconds: UInt32(clamping: max(1, remaining)),
                cluster: session.cluster?.rawValue ?? .zero, trace: trace,
                payload: Wire.encode(request))
            return transport.send(envelope, to: link) == .queued ? nil : .notSent(id: id)
        case .resolve(let token, let reply):
            slots.removeValue(forKey: token)?.fill(reply)
            return nil
        }
    }
}
