/// 128 bits drawn at random, the raw form of action ids, incarnations, proposers and storage UUIDs.
public struct Identifier128: Hashable, Sendable, Comparable {
    /// Length in bytes.
    public static let byteCount = 16
    /// The least of them; no drawn identifier is it.
    public static let zero = Identifier128(0)

    /// Its bits as a number.
    public let value: UInt128

    /// The identifier with these bits.
    public init(_ value: UInt128) { self.value = value }

    /// - Returns: nil unless `bytes` is exactly 16 bytes long.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var value: UInt128 = 0
        for byte in bytes { value = value << 8 | UInt128(byte) }
        self.value = value
    }

    /// - Returns: nil unless `raw` is exactly 16 bytes long.
    public init?(_ raw: UnsafeRawBufferPointer) {
        guard raw.count == Self.byteCount else { return nil }
        value = UInt128(bigEndian: raw.loadUnaligned(as: UInt128.self))
    }

    /// The 16 bytes, most significant first.
    public var bytes: Bytes { withUnsafeBytes(of: value.bigEndian) { Bytes($0) } }

    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension Identifier128: CustomStringConvertible {
    /// The usual UUID form, lowercase: 8-4-4-4-12 hex digits.
    public var description: String {
        let hex = ByteText.hex(bytes)
        var text = ""
        var position = hex.startIndex
        for length in [8, 4, 4, 4, 12] {
            let end = hex.index(position, offsetBy: length)
            if !text.isEmpty { text += "-" }
            text += hex[position..<end]
            position = end
        }
        return text
    }

    /// - Returns: nil unless `text` is 32 hex digits, with or without hyphens.
    public init?(text: String) {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, let bytes = ByteText.bytes(hex: digits) else { return nil }
        self.init(bytes)
    }
}
