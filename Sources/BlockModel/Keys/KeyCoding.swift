import BlockRuntime

/// How a byte string is written where more follows: a zero byte becomes 00 FF, and the end is
/// 00 00, which sorts before every continuation.
private enum KeyEscape {
    static let zero: UInt8 = 0x00
    static let zeroFollower: UInt8 = 0xFF
    static let endFollower: UInt8 = 0x00
}

/// Writes keys; see ``OrderedKey``.
public struct KeyEncoder: Sendable {
    public private(set) var bytes = Bytes()
    /// Whether another component follows the one being written.
    private var moreFollows = false

    public init() {}

    /// A number, most significant byte first.
    public mutating func append(fixed number: some FixedWidthInteger & UnsignedInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Bytes of any count: as they are at the end of a key, escaped and ended before it.
    public mutating func append(variable string: some Sequence<UInt8>) {
        guard moreFollows else {
            bytes.append(contentsOf: string)
            return
        }
        for byte in string {
            bytes.append(byte)
            if byte == KeyEscape.zero { bytes.append(KeyEscape.zeroFollower) }
        }
        bytes.append(KeyEscape.zero)
        bytes.append(KeyEscape.endFollower)
    }

    /// A component of a composite key that others follow.
    public mutating func append(leading component: some OrderedKey) throws(DatabaseError) {
        try leading { encoder throws(DatabaseError) in try component.appendKey(to: &encoder) }
    }

    /// The same for what `write` writes.
    mutating func leading<Result>(
        _ write: (inout KeyEncoder) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        let before = moreFollows
        moreFollows = true
        defer { moreFollows = before }
        return try write(&self)
    }

    /// The last component of a composite key.
    public mutating func append(last component: some OrderedKey) throws(DatabaseError) {
        try component.appendKey(to: &self)
    }

    func checkLimit() throws(DatabaseError) {
        guard bytes.count <= Limits.keyBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a key has \(bytes.count) bytes; keyBytesMax is \(Limits.keyBytesMax)")
        }
    }
}

/// Reads keys; see ``OrderedKey``. No input makes it read past the end.
public struct KeyDecoder: Sendable {
    private let bytes: Bytes
    private var position = 0
    /// Whether another component follows the one being read.
    private var moreFollows = false

    public init(_ bytes: Bytes) { self.bytes = bytes }

    /// Bytes not read yet.
    public var remaining: Int { bytes.count - position }

    /// The error of bytes that are no key of the type asked for.
    public func undecodable(_ what: String) -> DatabaseError {
        DatabaseError(.valueUndecodable, "a key's bytes: \(what) at byte \(position)")
    }

    /// A number, most significant byte first.
    public mutating func fixed<Number: FixedWidthInteger & UnsignedInteger>(
        _: Number.Type
    ) throws(DatabaseError) -> Number {
        let count = Number.bitWidth / 8
        guard count <= remaining else {
            throw undecodable("\(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return bytes.withUnsafeBytes {
            Number(bigEndian: $0.loadUnaligned(fromByteOffset: position, as: Number.self))
        }
    }

    /// Bytes of any count: all that are left at the end of a key, up to their end before it.
    public mutating func variable() throws(DatabaseError) -> Bytes {
        guard moreFollows else {
            defer { position = bytes.count }
            return Bytes(bytes[position...])
        }
        var string = Bytes()
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == KeyEscape.zero else {
                string.append(byte)
                continue
            }
            switch try fixed(UInt8.self) {
            case KeyEscape.endFollower: return string
            case KeyEscape.zeroFollower: string.append(byte)
            default: throw undecodable("a zero byte that is neither escaped nor an end")
            }
        }
        throw undecodable("a component without its end")
    }

    /// A component of a composite key that others follow.
    public mutating func leading<Component: OrderedKey>(
        _: Component.Type
    ) throws(DatabaseError) -> Component {
        try leading { decoder throws(DatabaseError) in try Component(from: &decoder) }
    }

    /// The same for what `read` reads.
    mutating func leading<Component>(
        _ read: (inout KeyDecoder) throws(DatabaseError) -> Component
    ) throws(DatabaseError) -> Component {
        let before = moreFollows
        moreFollows = true
        defer { moreFollows = before }
        return try read(&self)
    }

    /// The last component of a composite key.
    public mutating func last<Component: OrderedKey>(
        _: Component.Type
    ) throws(DatabaseError) -> Component {
        try Component(from: &self)
    }

    /// - Throws: `.valueUndecodable` when bytes are left over.
    public func finish() throws(DatabaseError) {
        guard remaining == 0 else { throw undecodable("\(remaining) bytes left over") }
    }
}
