import BlockModel
import BlockRuntime
import BlockWire

/// Hands values over as they are: the payload is a number that the value is kept under until it is
/// decoded, once. In the worlds that are not about bytes it saves the time of making them.
final class ValueCodec: MessageCodec {
    private var values: [UInt64: Any] = [:]
    private var last: UInt64 = 0

    /// Values that were encoded and not decoded yet.
    var heldCount: Int { values.count }

    private func keep(_ value: Any) -> Bytes {
        last += 1
        values[last] = value
        return withUnsafeBytes(of: last.bigEndian) { Bytes($0) }
    }

    private func take<Value>(_ payload: Bytes) throws(DatabaseError) -> Value {
        let number = payload.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard payload.count == 8, let value = values.removeValue(forKey: number) as? Value else {
            throw DatabaseError(.malformedMessage, "\(Value.self) is not what was encoded")
        }
        return value
    }

    func encode(_ batch: [PeerBatchItem]) -> Bytes { keep(batch) }
    func encode(_ reply: PeerBatchReply) -> Bytes { keep(reply) }
    func encode(_ request: RepositoryRequest) -> Bytes { keep(request) }
    func encode(_ reply: RepositoryReply) -> Bytes { keep(reply) }
    func encode(_ request: ClientRequest) -> Bytes { keep(request) }
    func encode(_ reply: ClientReply) -> Bytes { keep(reply) }
    func encode(_ error: DatabaseError) -> Bytes { keep(error) }

    func decodePeerBatch(_ payload: Bytes) throws(DatabaseError) -> [PeerBatchItem] {
        try take(payload)
    }
    func decodePeerBatchReply(_ payload: Bytes) throws(DatabaseError) -> PeerBatchReply {
        try take(payload)
    }
    func decodeRepositoryRequest(_ payload: Bytes) throws(DatabaseError) -> RepositoryRequest {
        try take(payload)
    }
    func decodeRepositoryReply(_ payload: Bytes) throws(DatabaseError) -> RepositoryReply {
        try take(payload)
    }
    func decodeClientRequest(_ payload: Bytes) throws(DatabaseError) -> ClientRequest {
        try take(payload)
    }
    func decodeClientReply(_ payload: Bytes) throws(DatabaseError) -> ClientReply {
        try take(payload)
    }
    func decodeError(_ payload: Bytes) throws(DatabaseError) -> DatabaseError { try take(payload) }
}
