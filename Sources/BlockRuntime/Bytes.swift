/// A run of bytes. Keys, values, canonical encodings and frames are all this one type.
public typealias Bytes = [UInt8]

/// Text forms of bytes: lowercase hex, and unpadded lowercase base32 (RFC 4648 alphabet).
package enum ByteText {
    private static let hexDigits: Bytes = Array("0123456789abcdef".utf8)
    private static let base32Digits: Bytes = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// - Complexity: O(n).
    package static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var text = Bytes()
        for byte in bytes {
            text.append(hexDigits[Int(byte >> 4)])
            text.append(hexDigits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: The bytes, or nil when `text` is not an even number of hex digits.
    package static func bytes(hex text: some StringProtocol) -> Bytes? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes = Bytes()
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = hexValue(digits[index]), let low = hexValue(digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// - Complexity: O(n).
    package static func base32(_ bytes: some Sequence<UInt8>) -> String {
        var text = Bytes()
        var accumulator: UInt32 = 0
        var bits = 0
        for byte in bytes {
            accumulator = accumulator << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(base32Digits[Int(accumulator >> UInt32(bits) & 31)])
            }
        }
        if bits > 0 {
            text.append(base32Digits[Int(accumulator << UInt32(5 - bits) & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: The bytes; nil when a character is not of the alphabet or a padding bit is set.
    package static func bytes(base32 text: some StringProtocol) -> Bytes? {
        var bytes = Bytes()
        var accumulator: UInt32 = 0
        var bits = 0
        for character in text.utf8 {
            let lowered = character >= 0x41 && character <= 0x5A ? character + 0x20 : character
            guard let value = base32Digits.firstIndex(of: lowered) else { return nil }
            accumulator = accumulator << 5 | UInt32(value)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(accumulator >> UInt32(bits) & 255))
            }
        }
        guard bits < 5, accumulator & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }
}
