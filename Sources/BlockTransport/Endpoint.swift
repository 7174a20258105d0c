import BlockRuntime

/// Who a message came from or goes to, as one transport sees it. Meaningless to any other.
package enum Endpoint: Hashable, Sendable {
    /// A client that connected to this transport's address. Gone when its connection is.
    case route(Route)
    /// An outgoing link made by ``Transport/connect(to:)``; it outlives the connections beneath it.
    /// Numbers are never used twice.
    case link(Int)
}

/// The identity a transport gave to a connected client.
///
/// It names a connection and proves nothing about who is at its other end.
package struct Route: Hashable, Sendable {
    // Every message carries one: the five bytes ZeroMQ chooses are held without an allocation.
    private enum Storage: Hashable, Sendable {
        case short(UInt64, count: UInt8)
        case long(Bytes)
    }

    private let storage: Storage

    package init(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= 8 else {
            storage = .long(Bytes(bytes))
            return
        }
        var packed: UInt64 = 0
        for byte in bytes { packed = packed << 8 | UInt64(byte) }
        storage = .short(packed, count: UInt8(bytes.count))
    }

    package init(_ bytes: Bytes) {
        self = bytes.withUnsafeBytes { Route($0) }
    }

    /// Its last eight bytes: distinct as long as the transport chooses short identities.
    package var number: UInt64 {
        switch storage {
        case .short(let packed, _): packed
        case .long(let bytes): bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// The identity as it was given.
    package var bytes: Bytes { withBytes { Bytes($0) } }

    /// Calls `body` with the bytes, which are valid only during the call.
    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        switch storage {
        case .short(let packed, let count):
            // Left-aligned, so that the first byte in memory is the first byte of the identity.
            let aligned = count == 0 ? 0 : packed << (8 * (8 - UInt64(count)))
            return withUnsafeBytes(of: aligned.bigEndian) { whole in
                body(UnsafeRawBufferPointer(rebasing: whole.prefix(Int(count))))
            }
        case .long(let bytes):
            return bytes.withUnsafeBytes(body)
        }
    }
}

extension Route: CustomStringConvertible {
    package var description: String { ByteText.hex(bytes) }
}

extension Endpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .route(let route): "route \(route)"
        case .link(let number): "link \(number)"
        }
    }
}
