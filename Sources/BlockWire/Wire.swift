import BlockModel
import BlockRuntime
import CProtocol

/// What the payload of a message is: the kind of its header frame.
package enum WireKind: UInt16, Sendable, CaseIterable {
    case peerBatch = 1
    case peerBatchReply = 2
    case repositoryRequest = 3
    case repositoryReply = 4
    case clientRequest = 5
    case clientReply = 6
    /// What could not be read or served gets this, whatever was asked.
    case error = 7
}

/// Between the typed messages of the model and protobuf bytes, as `Protos/` specifies them.
///
/// Encoding takes what this process made and checks nothing; the functions that make messages keep
/// them within ``Limits``. Decoding takes anything: it either returns a message every bound of
/// which holds, or throws `.malformedMessage` (`.valueTooLarge` for a key, a value or an action
/// over its limit) naming the field, the limit and the actual figure. It takes O(bytes) time, and
/// memory within ``Limits/unpackFactor`` times the frame.
package enum Wire {
    /// The bytes of a message that `build` makes in an arena.
    static func pack<Message>(
        bytesExpected: Int = 0, _ build: (WireArena) -> UnsafeMutablePointer<Message>
    ) -> Bytes {
        let arena = WireArena(bytesExpected: bytesExpected + bytesExpected / 4)
        // The generated structures begin with the structure that protobuf-c takes.
        let message = UnsafeRawPointer(build(arena)).assumingMemoryBound(to: ProtobufCMessage.self)
        return withExtendedLifetime(arena) {
            let byteCount = protobuf_c_message_get_packed_size(message)
            return Bytes(unsafeUninitializedCapacity: byteCount) { buffer, written in
                written = byteCount == 0 ? 0 : protobuf_c_message_pack(message, buffer.baseAddress)
            }
        }
    }

    /// The generated function that unpacks a message.
    typealias Unpack<Message> = (
        UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<Message>?

    /// Unpacks `frame` within its budget and converts the message.
    static func unpack<Message, Value>(
        _ frame: Bytes, as name: StaticString, _ unpack: Unpack<Message>,
        _ convert: (Message) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value {
        guard frame.count <= Limits.frameBytesMax else {
            throw over(name, "\(frame.count) bytes", .frameBytesMax)
        }
        let arena = WireArena(unpackingFrameOf: frame.count)
        defer { withExtendedLifetime(arena) {} }
        let message = frame.withUnsafeBufferPointer { buffer in
            arena.withAllocator { unpack($0, buffer.count, buffer.baseAddress) }
        }
        guard let message else {
            throw malformed(
                name,
                arena.isExhausted
                    ? "unpacking \(frame.count) bytes takes more than "
                        + "\(WireArena.budget(frameByteCount: frame.count)) bytes or "
                        + "\(Limits.unpackAllocationCountMax) allocations, limits unpackFactor "
                        + "and unpackAllocationCountMax"
                    : "\(frame.count) bytes that are not protobuf of this message")
        }
        return try convert(message.pointee)
    }
}
