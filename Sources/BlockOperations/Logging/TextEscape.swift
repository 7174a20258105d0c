import BlockRuntime

/// Bytes of a line under construction, with the escapes that keep a line one line.
///
/// Whatever a stranger can bring into a log (a name, a frame, a path) must neither break the line
/// nor drive the terminal of the operator who reads it: C0 and C1 control characters and DEL are
/// escaped in both formats.
struct LineBuffer {
    private(set) var bytes = Bytes()

    mutating func append(_ text: some StringProtocol) { bytes.append(contentsOf: text.utf8) }

    mutating func append(byte: UInt8) { bytes.append(byte) }

    /// Appends `text` cut to `Limits.logFieldBytesMax` and escaped, without quotes.
    mutating func appendEscaped(_ text: String) {
        let (kept, cut) = Self.cut(text)
        appendEscaped(bytes: kept)
        if cut { append("… (\(text.utf8.count) bytes)") }
    }

    mutating func appendQuoted(_ text: String) {
        append(byte: UInt8(ascii: "\""))
        appendEscaped(text)
        append(byte: UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(bytes text: some Collection<UInt8>) {
        var previous: UInt8 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20, 0x7F: append("\\u00\(ByteText.hex([byte]))")
            // U+0080 to U+009F are C2 80 to C2 9F in UTF-8; the C2 is already in the buffer.
            case 0x80...0x9F where previous == 0xC2:
                bytes.removeLast()
                append("\\u00\(ByteText.hex([byte]))")
            default: append(byte: byte)
            }
            previous = byte
        }
    }

    /// The longest beginning of `text` within the limit that ends between two characters.
    private static func cut(_ text: String) -> (kept: Substring.UTF8View, cut: Bool) {
        let utf8 = text.utf8
        guard utf8.count > Limits.logFieldBytesMax else { return (text[...].utf8, false) }
        var end = utf8.index(utf8.startIndex, offsetBy: Limits.logFieldBytesMax)
        // 10xxxxxx continues a character.
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
        return (text[..<end].utf8, true)
    }
}
