import BlockModel
import BlockRuntime

/// Between messages and the payloads of envelopes. Services and clients use ``WireCodec``;
/// simulations may pass the values themselves, for the speed of it.
package protocol MessageCodec: AnyObject {
    func encode(_ batch: [PeerBatchItem]) -> Bytes
    func encode(_ reply: PeerBatchReply) -> Bytes
    func encode(_ request: RepositoryRequest) -> Bytes
    func encode(_ reply: RepositoryReply) -> Bytes
    func encode(_ request: ClientRequest) -> Bytes
    func encode(_ reply: ClientReply) -> Bytes
    func encode(_ error: DatabaseError) -> Bytes

    func decodePeerBatch(_ payload: Bytes) throws(DatabaseError) -> [PeerBatchItem]
    func decodePeerBatchReply(_ payload: Bytes) throws(DatabaseError) -> PeerBatchReply
    func decodeRepositoryRequest(_ payload: Bytes) throws(DatabaseError) -> RepositoryRequest
    func decodeRepositoryReply(_ payload: Bytes) throws(DatabaseError) -> RepositoryReply
    func decodeClientRequest(_ payload: Bytes) throws(DatabaseError) -> ClientRequest
    func decodeClientReply(_ payload: Bytes) throws(DatabaseError) -> ClientReply
    func decodeError(_ payload: Bytes) throws(DatabaseError) -> DatabaseError
}

/// Protobuf, as `Protos/` specifies it.
package final class WireCodec: MessageCodec {
    package init() {}

    package func encode(_ batch: [PeerBatchItem]) -> Bytes { Wire.encode(batch) }
    package func encode(_ reply: PeerBatchReply) -> Bytes { Wire.encode(reply) }
    package func encode(_ request: RepositoryRequest) -> Bytes { Wire.encode(request) }
    package func encode(_ reply: RepositoryReply) -> Bytes { Wire.encode(reply) }
    package func encode(_ request: ClientRequest) -> Bytes { Wire.encode(request) }
    package func encode(_ reply: ClientReply) -> Bytes { Wire.encode(reply) }
    package func encode(_ error: DatabaseError) -> Bytes { Wire.encode(error) }

    package func decodePeerBatch(_ payload: Bytes) throws(DatabaseError) -> [PeerBatchItem] {
        try Wire.decodePeerBatch(payload)
    }
    package func decodePeerBatchReply(_ payload: Bytes) throws(DatabaseError) -> PeerBatchReply {
        try Wire.decodePeerBatchReply(payload)
    }
    package func decodeRepositoryRequest(
        _ payload: Bytes
    ) throws(DatabaseError) -> RepositoryRequest {
        try Wire.decodeRepositoryRequest(payload)
    }
    package func decodeRepositoryReply(_ payload: Bytes) throws(DatabaseError) -> RepositoryReply {
        try Wire.decodeRepositoryReply(payload)
    }
    package func decodeClientRequest(_ payload: Bytes) throws(DatabaseError) -> ClientRequest {
        try Wire.decodeClientRequest(payload)
    }
    package func decodeClientReply(_ payload: Bytes) throws(DatabaseError) -> ClientReply {
        try Wire.decodeClientReply(payload)
    }
    package func decodeError(_ payload: Bytes) throws(DatabaseError) -> DatabaseError {
        try Wire.decodeError(payload)
    }
}
