import BlockRuntime

/// What a block is: two or three capital letters, e.g. `TL` for the leaf of a tree.
public struct BlockType: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The letters as bytes, the first one the most significant.
    public let code: UInt32

    /// - Returns: nil unless `code` is two or three letters `A` to `Z`.
    public init?(code: UInt32) {
        let letters = Self.letters(of: code)
        guard code >> 24 == 0, letters.count == 2 || letters.count == 3,
            letters.allSatisfy({ (0x41...0x5A).contains($0) })
        else { return nil }
        self.code = code
    }

    /// - Precondition: `text` is two or three letters `A` to `Z`.
    public init(_ text: StaticString) {
        let letters = text.withUTF8Buffer { Bytes($0) }
        let code = letters.prefix(3).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard letters.count <= 3, let type = BlockType(code: code) else {
            fatalError("invariant: \(text) is no code of two or three capital letters")
        }
        self = type
    }

    private static func letters(of code: UInt32) -> Bytes {
        let bytes: Bytes = [UInt8(code >> 16 & 255), UInt8(code >> 8 & 255), UInt8(code & 255)]
        return Bytes(bytes.drop { $0 == 0 })
    }

    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.code < right.code }
    /// Its text form.
    public var description: String { String(decoding: Self.letters(of: code), as: UTF8.self) }
}
