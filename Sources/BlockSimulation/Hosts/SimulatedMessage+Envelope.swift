import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire

/// Between what travels in a world and what a service's transport gives and takes.
extension SimulatedMessage {
    /// What leaves a service.
    init(_ envelope: Envelope, _ codec: any MessageCodec) throws(DatabaseError) {
        let (id, payload) = (envelope.correlation, envelope.payload)
        let time = Duration.milliseconds(Int64(envelope.remainingMilliseconds))
        switch WireKind(rawValue: envelope.kind) {
        case .peerBatch: self = .peerBatch(id: id, try codec.decodePeerBatch(payload))
        case .peerBatchReply: self = .peerReply(id: id, try codec.decodePeerBatchReply(payload))
        case .repositoryRequest:
            self = .repositoryRequest(
                id: id, try codec.decodeRepositoryRequest(payload), time: time)
        case .repositoryReply:
            self = .repositoryReply(id: id, try codec.decodeRepositoryReply(payload))
        case .clientRequest:
            self = .clientRequest(id: id, try codec.decodeClientRequest(payload), time: time)
        case .clientReply: self = .clientReply(id: id, try codec.decodeClientReply(payload))
        case .error: self = .refusal(id: id, try codec.decodeError(payload))
        case nil:
            throw DatabaseError(.malformedMessage, "no world has a message of \(envelope.kind)")
        }
    }

    /// What reaches a service.
    func envelope(_ cluster: ClusterID, _ codec: any MessageCodec) -> Envelope {
        func envelope(
            _ kind: WireKind, _ id: UInt64, _ time: Duration, _ payload: Bytes
        ) -> Envelope {
            Envelope(
                kind: kind.rawValue, correlation: id,
                remainingMilliseconds: UInt32(clamping: time.milliseconds),
                cluster: cluster.rawValue, trace: 0, payload: payload)
        }
        switch self {
        case .peerBatch(let id, let items):
            return envelope(.peerBatch, id, .zero, codec.encode(items))
        case .peerReply(let id, let reply):
            return envelope(.peerBatchReply, id, .zero, codec.encode(reply))
        // Zero would say nothing of the time that is left.
        case .repositoryRequest(let id, let request, let time):
            return envelope(
                .repositoryRequest, id, max(time, .milliseconds(1)), codec.encode(request))
        case .repositoryReply(let id, let reply):
            return envelope(.repositoryReply, id, .zero, codec.encode(reply))
        case .clientRequest(let id, let request, let time):
            return envelope(.clientRequest, id, max(time, .milliseconds(1)), codec.encode(request))
        case .clientReply(let id, let reply):
            return envelope(.clientReply, id, .zero, codec.encode(reply))
        case .refusal(let id, let error):
            return envelope(.error, id, .zero, codec.encode(error))
        }
    }
}
