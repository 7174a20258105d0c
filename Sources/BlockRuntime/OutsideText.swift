/// Text that comes from outside as bytes.
package enum OutsideText {
    /// The text that the bytes are.
    /// - Parameter what: What they should be the text of, for the message.
    /// - Throws: `.textInvalid` with the offset of the first byte that belongs to no text.
    package static func text(
        of bytes: some Collection<UInt8>, _ what: String
    ) throws(DatabaseError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        throw DatabaseError(
            .textInvalid,
            "\(what) is not UTF-8: byte \(badOffset(in: bytes)) belongs to no text")
    }

    /// Where bytes stop to be UTF-8, from 0; their count when they are.
    package static func badOffset(in bytes: some Collection<UInt8>) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let scalar): offset += scalar.count
            case .error, .emptyInput: return offset
            }
        }
    }

    /// The bytes for people: text where they are printable text, `\xff` for any other byte.
    package static func shown(_ bytes: some Collection<UInt8>) -> String {
        var shown = ""
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var index = bytes.startIndex
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    shown += escaped(UInt8(scalar.value))
                } else {
                    shown.unicodeScalars.append(scalar)
                }
                index = bytes.index(index, offsetBy: encoded.count)
            case .error(let count):
                for _ in 0..<count {
                    shown += escaped(bytes[index])
                    index = bytes.index(after: index)
                }
            case .emptyInput: return shown
            }
        }
    }

    private static func escaped(_ byte: UInt8) -> String { "\\x" + ByteText.hex([byte]) }
}
