import BlockRuntime

/// Names the engine that turns the statements of a transaction into actions, and its version:
/// `name@version`, such as `actions@1`. What one name does never changes.
package struct EngineName: Hashable, Sendable {
    /// Small letters, digits, `-`, `.` and one `@`, not at an end.
    package let bytes: Bytes

    /// The engine of every proxy: the statements of a transaction are its actions themselves.
    package static let actions = EngineName(known: "actions@1")

    private init(known text: StaticString) {
        bytes = text.withUTF8Buffer { Bytes($0) }
        invariant(EngineName.isSound(bytes), "the name of a built-in engine is none")
    }

    /// - Returns: nil unless `bytes` is such a name, of at most ``Limits/engineNameBytesMax``.
    package init?(_ bytes: Bytes) {
        guard EngineName.isSound(bytes) else { return nil }
        self.bytes = bytes
    }

    private static func isSound(_ bytes: Bytes) -> Bool {
        let at = UInt8(ascii: "@")
        guard bytes.count <= Limits.engineNameBytesMax, bytes.count(where: { $0 == at }) == 1,
            bytes.first != at, bytes.last != at
        else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), at:
                true
            default: false
            }
        }
    }
}

extension EngineName: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension EngineName: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(bytes) }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let bytes = try decoder.byteString(countMax: Limits.engineNameBytesMax)
        guard let name = EngineName(bytes) else { throw decoder.malformed("no engine's name") }
        self = name
    }
}
