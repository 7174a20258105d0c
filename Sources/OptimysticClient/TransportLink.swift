import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire

/// The way to proxies over a transport.
package final class TransportLink: ProxyLink {
    private let transport: any Transport
    private let environment: Environment
    /// The link to each proxy, by number; nil for one whose address cannot work.
    private var links: [Endpoint?] = []
    /// When to look who is there, for each proxy that has not answered its greeting yet.
    private var inspections: [Int: Instant] = [:]
    /// Ties together what this connection causes, for people who read logs.
    private let trace: UInt64

    package init(over transport: any Transport, environment: Environment) {
        self.transport = transport
        self.environment = environment
        trace = environment.entropy()
    }

    package var waker: Waker { transport.waker }

    package func connect(to address: String) throws(DatabaseError) {
        do throws(DatabaseError) {
            links.append(try transport.connect(to: address))
        } catch {
            links.append(nil)
            throw error
        }
    }

    package func send(
        _ request: ClientRequest, to proxy: Int, id: UInt64, deadline: Instant, cluster: ClusterID?
    ) -> Bool {
        guard let link = links[proxy] else { return false }
        let remaining = deadline.since(environment.now()).milliseconds
        let envelope = Envelope(
            kind: WireKind.clientRequest.rawValue, correlation: id,
            remainingMilliseconds: UInt32(clamping: max(1, remaining)),
            cluster: cluster?.rawValue ?? .zero, trace: trace, payload: Wire.encode(request))
        if case .hello = request, inspections[proxy] == nil {
            inspections[proxy] = environment.now().advanced(by: Limits.inspectionDelay)
        }
        return transport.send(envelope, to: link) == .queued
    }

    package func receive(
        timeout: Duration?
    ) throws(DatabaseError) -> [LinkArrival] {
        let next = inspections.values.filter { $0 != .distantFuture }.min()
        let untilNext = next.map { $0.since(environment.now()) }
        let arrivals = try transport.receive(
            timeout: [timeout, untilNext].compactMap { $0 }.min())
        defer { inspectDue() }
        return arrivals.compactMap { arrival in
            guard let proxy = links.firstIndex(of: arrival.endpoint) else { return nil }
            switch arrival {
            case .message(_, let envelope):
                inspections[proxy] = nil
                return .reply(id: envelope.correlation, reply(in: envelope))
            case .broken: return .broken(proxy: proxy)
            case .unreachable(_, let error): return .unreachable(proxy: proxy, error)
            case .silent: return .silent(proxy: proxy)
            case .malformed(_, let error):
                // Of one that answered its greeting it is a message that was damaged.
                guard inspections[proxy] != nil else { return nil }
                return .unreachable(
                    proxy: proxy,
                    DatabaseError(
                        .endpointUnreachable,
                        "speaks ZeroMQ, but not as a client proxy: \(error.message)"))
            }
        }
    }

    /// Looks who is at the addresses that do not answer a greeting, once for each silence.
    private func inspectDue() {
        let now = environment.now()
        for proxy in inspections.keys.sorted() {
            guard let due = inspections[proxy], due <= now, let link = links[proxy] else {
                continue
            }
            inspections[proxy] = .distantFuture
            transport.inspect(link)
        }
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

    package func close() { transport.close() }
}
