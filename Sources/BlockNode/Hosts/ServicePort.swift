import BlockModel
import BlockRuntime
import BlockStorage
import BlockTransport
import BlockWire
import Logging

/// Who asked, and how the answer finds the way back.
package struct Caller: Hashable, Sendable {
    package let endpoint: Endpoint
    package let correlation: UInt64
    package let trace: UInt64

    package init(endpoint: Endpoint, correlation: UInt64, trace: UInt64) {
        self.endpoint = endpoint
        self.correlation = correlation
        self.trace = trace
    }

    package init(_ envelope: Envelope, from endpoint: Endpoint) {
        self.init(
            endpoint: endpoint, correlation: envelope.correlation, trace: envelope.trace)
    }
}

/// What goes wrong with messages without a fault of this service: counted, logged ever more rarely,
/// and survived.
package enum MessageTrouble: String, CaseIterable, Sendable {
    /// Not a message of this protocol, or its payload does not decode.
    case malformed
    /// A message of another cluster.
    case wrongCluster
    /// A request that came while as many as allowed were under way, or while stopping.
    case refused
    /// A message that the transport did not take.
    case undelivered
    /// An answer from a service that was not asked.
    case foreign
}

/// A service's end of the network: checks what every message must satisfy, frames what leaves, and
/// counts what goes wrong. For the thread of its service.
package final class ServicePort {
    package let transport: any Transport
    package let cluster: ClusterID
    package let logger: Logger
    /// What payloads are made of.
    package let codec: any MessageCodec
    package private(set) var troubles: [MessageTrouble: UInt64] = [:]

    package init(
        transport: any Transport, cluster: ClusterID, logger: Logger,
        codec: any MessageCodec = WireCodec()
    ) {
        self.transport = transport
        self.cluster = cluster
        self.logger = logger
        self.codec = codec
    }

    // MARK: Arrivals

    /// Decodes the payload of a message that a caller sent to this service's address.
    ///
    /// What cannot be served is answered with an error and counted.
    /// - Parameters:
    ///   - kind: The only kind that the service takes.
    ///   - mayLackCluster: Whether this request may carry zero for the cluster id, because its
    ///     sender is about to learn it.
    /// - Returns: nil when the message was answered here.
    package func accept<Request>(
        _ envelope: Envelope, from endpoint: Endpoint, as kind: WireKind,
        mayLackCluster: (Request) -> Bool = { _ in false },
        _ decode: (Bytes) throws(DatabaseError) -> Request
    ) -> Request? {
        invariant(kind.servingRole != nil, "\(kind) is no kind of request")
        invariant(endpoint.isRoute, "a request over a link of this service")
        let caller = Caller(envelope, from: endpoint)
        do throws(DatabaseError) {
            if let error = wrongService(envelope, kind) { throw error }
            guard envelope.correlation != 0 else {
                throw DatabaseError(
                    .malformedMessage,
                    "correlation id 0, which no request has: nobody could tell its answer")
            }
            let lacksCluster = envelope.cluster == .zero
            guard lacksCluster || envelope.cluster == cluster.rawValue else {
                throw wrongCluster(envelope.cluster)
            }
            // Its answer would be held beside those that are not read: it is not even begun.
            let backlog = transport.backlogBytes(to: endpoint)
            guard backlog <= Limits.unreadReplyBytesMax else {
                throw DatabaseError(
                    .overloaded,
                    "\(backlog) bytes of answers are not read yet, unreadReplyBytesMax = "
                        + "\(Limits.unreadReplyBytesMax)", retryAfter: RetryTiming.afterFullBudget)
            }
            guard envelope.kind == kind.rawValue else {
                throw DatabaseError(
                    .malformedMessage,
                    "a message of kind \(envelope.kind), where only \(kind) (\(kind.rawValue)) is "
                        + "served")
            }
            let request = try decode(envelope.payload)
            guard !lacksCluster || mayLackCluster(request) else {
                throw wrongCluster(envelope.cluster)
            }
            return request
        } catch {
            let trouble: MessageTrouble =
                switch error.code {
                case .wrongCluster: .wrongCluster
                case .overloaded: .refused
                default: .malformed
                }
            note(trouble, error.message)
            refuse(caller, error)
            return nil
        }
    }

    /// Decodes the payload of a message that came back over a link of this service.
    /// - Returns: nil when it is no such answer; it was counted.
    package func acceptAnswer<Answer>(
        _ envelope: Envelope, as kind: WireKind, _ decode: (Bytes) throws(DatabaseError) -> Answer
    ) -> Result<Answer, DatabaseError>? {
        invariant(kind.servingRole == nil, "\(kind) is no kind of answer")
        do throws(DatabaseError) {
            guard envelope.cluster == cluster.rawValue else {
                throw wrongCluster(envelope.cluster)
            }
            switch WireKind(rawValue: envelope.kind) {
            case kind: return .success(try decode(envelope.payload))
            case .error:
                return .failure(try codec.decodeError(envelope.payload))
            default:
                throw DatabaseError(
                    .malformedMessage, "an answer of kind \(envelope.kind), where \(kind) is due")
            }
        } catch {
            note(error.code == .wrongCluster ? .wrongCluster : .malformed, error.message)
            return nil
        }
    }

    /// Answers and counts something that is not a message. Answers to answers are never sent: two
    /// services could go on for ever.
    package func refuseMalformed(from endpoint: Endpoint, _ error: DatabaseError) {
        note(.malformed, error.message)
        guard case .route = endpoint else { return }
        refuse(Caller(endpoint: endpoint, correlation: 0, trace: 0), error)
    }

    /// When a request must be answered: what its envelope says, within the bounds of ``Limits``.
    package static func deadline(of envelope: Envelope, arrival: Instant) -> Instant {
        guard envelope.remainingMilliseconds > 0 else {
            return arrival.advanced(by: Limits.requestTimeDefault)
        }
        let remaining = Duration.milliseconds(Int64(envelope.remainingMilliseconds))
        return arrival.advanced(by: min(remaining, Limits.requestTimeMax))
    }

    /// A caller that asks for another role has mistaken the address, in whatever cluster.
    private func wrongService(_ envelope: Envelope, _ kind: WireKind) -> DatabaseError? {
        guard envelope.kind != kind.rawValue, let own = kind.servingRole,
            let wanted = WireKind(rawValue: envelope.kind)?.servingRole
        else { return nil }
        return DatabaseError(
            .wrongService, "this is \(own) of cluster \(cluster), where \(wanted) is looked for")
    }

    private func wrongCluster(_ other: Identifier128) -> DatabaseError {
        invariant(other != cluster.rawValue, "a message of this cluster is refused")
        return DatabaseError(
            .wrongCluster, "the message belongs to cluster \(other), this service to \(cluster)")
    }

    // MARK: Departures

    /// Answers a request. A caller that is gone, or does not read, is not waited for.
    /// - Parameter changesState: Whether the request may have changed something: who cannot be
    ///   told what came of it is told that this is not known.
    package func answer(
        _ caller: Caller, _ kind: WireKind, _ payload: Bytes, changesState: Bool = false
    ) {
        invariant(kind.servingRole == nil && kind != .error, "\(kind) is no kind of answer")
        invariant(caller.correlation != 0, "an answer that no request can be told by")
        let result = transport.send(
            envelope(kind, caller.correlation, .zero, caller.trace, payload), to: caller.endpoint)
        switch result {
        case .queued: break
        case .oversized:
            let error = DatabaseError(
                .valueTooLarge,
                "the answer has \(payload.count) bytes, frameBytesMax = \(Limits.frameBytesMax); "
                    + "ask for less at once")
            note(.undelivered, error.message)
            refuse(caller, changesState ? error.asUnknown : error)
        case .unroutable: note(.undelivered, "the caller is gone")
        case .backlogged:
            let backlog = transport.backlogBytes(to: caller.endpoint)
            let error = DatabaseError(
                .overloaded,
                "an answer of \(payload.count) bytes beside \(backlog) bytes of answers that are "
                    + "not read yet, sendQueueBytesMax = \(Limits.sendQueueBytesMax)",
                retryAfter: RetryTiming.afterFullBudget)
            note(.undelivered, error.message)
            refuse(caller, changesState ? error.asUnknown : error)
        }
    }

    /// Answers a request that was not served.
    package func refuse(_ caller: Caller, _ error: DatabaseError) {
        invariant(caller.endpoint.isRoute, "an answer over a link of this service")
        let payload = codec.encode(error)
        let message = envelope(.error, caller.correlation, .zero, caller.trace, payload)
        if transport.send(message, to: caller.endpoint) != .queued {
            note(.undelivered, "an error could not be told to its cause")
        }
    }

    /// Sends a request over a link.
    /// - Parameter time: How long the answer is waited for; zero says nothing about it.
    package func ask(
        _ endpoint: Endpoint, _ kind: WireKind, correlation: UInt64, time: Duration = .zero,
        _ payload: Bytes
    ) -> SendResult {
        invariant(kind.servingRole != nil, "\(kind) is no kind of request")
        invariant(!endpoint.isRoute, "a request over the connection of a caller")
        invariant(correlation != 0, "a request whose answer cannot be told")
        invariant(
            time == .zero || time >= Limits.requestTimeMin, "\(time) reads as no time at all")
        let message = envelope(kind, correlation, time, 0, payload)
        return transport.send(message, to: endpoint)
    }

    private func envelope(
        _ kind: WireKind, _ correlation: UInt64, _ time: Duration, _ trace: UInt64,
        _ payload: Bytes
    ) -> Envelope {
        Envelope(
            kind: kind.rawValue, correlation: correlation,
            remainingMilliseconds: UInt32(clamping: time.milliseconds),
            cluster: cluster.rawValue, trace: trace, payload: payload)
    }

    // MARK: Troubles

    /// Logs why a link does not connect. The transport tells it ever more rarely.
    package func noteUnreachable(_ service: String, _ error: DatabaseError) {
        logger.warning(
            "a service cannot be reached",
            metadata: ["service": "\(service)", "reason": "\(error.message)"])
    }

    /// Counts one, and logs the first, second, fourth, eighth …: a flood of them fills no disk.
    package func note(_ trouble: MessageTrouble, _ reason: String) {
        let count = troubles[trouble, default: 0] + 1
        troubles[trouble] = count
        guard count & (count - 1) == 0 else { return }
        logger.warning(
            "message trouble",
            metadata: [
                "trouble": "\(trouble.rawValue)", "reason": "\(reason)", "count": "\(count)",
            ])
    }
}

extension Endpoint {
    /// Whether it is a connection that a caller made to this service.
    fileprivate var isRoute: Bool {
        if case .route = self { true } else { false }
    }

    /// The same for every message of one connection, and hardly ever for one of another.
    var number: UInt64 {
        switch self {
        case .route(let route): route.number
        case .link(let number): UInt64(number)
        }
    }
}

extension WireKind {
    /// Who is asked with a message of this kind; nil for an answer.
    fileprivate var servingRole: String? {
        switch self {
        case .clientRequest: "a client proxy"
        case .repositoryRequest: "a coordinator"
        case .peerBatch: "a storage peer"
        default: nil
        }
    }
}
