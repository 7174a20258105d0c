import BlockRuntime

/// A lossless way through the argument parser, which takes texts, for words that are bytes.
///
/// The parser splits and compares by `Character`, for which `=` and a combining mark are one. So it
/// sees letters of ASCII and, for every other byte, one scalar of a private plane: nothing it could
/// join or take for equal. The types that parse values take them back to bytes; messages are made
/// readable by ``shown(_:)``.
package enum ArgumentEscape {
    /// U+F0000 + byte. A word that holds such scalars has their bytes escaped like all others.
    private static let base: UInt32 = 0xF0000
    /// A word without bytes: behind `--name=` the parser takes nothing for no value at all.
    private static let nothing: Unicode.Scalar = "\u{F0100}"

    /// - Parameter isLiteral: Whether a word that is `-` means these bytes, and not a stream.
    package static func text(of word: some Collection<UInt8>, isLiteral: Bool = false) -> String {
        if isLiteral, word.elementsEqual([UInt8(ascii: "-")]) {
            return String(scalar(of: UInt8(ascii: "-")))
        }
        if word.isEmpty { return String(nothing) }
        if word.allSatisfy(isPlain) { return String(decoding: word, as: UTF8.self) }
        var text = String.UnicodeScalarView()
        for byte in word {
            text.append(isPlain(byte) ? Unicode.Scalar(byte) : scalar(of: byte))
        }
        return String(text)
    }

    package static func bytes(of text: String) -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars where scalar != nothing {
            if let byte = byte(of: scalar) {
                bytes.append(byte)
            } else {
                bytes += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        return bytes
    }

    /// A message of the parser for people.
    package static func shown(_ message: String) -> String {
        var shown = String.UnicodeScalarView()
        var run = Bytes()
        for scalar in message.unicodeScalars where scalar != nothing {
            if let byte = byte(of: scalar) {
                run.append(byte)
            } else {
                shown += OutsideText.shown(run).unicodeScalars
                run = []
                shown.append(scalar)
            }
        }
        return String(shown + OutsideText.shown(run).unicodeScalars)
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }

    private static func scalar(of byte: UInt8) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(base + UInt32(byte)) else {
            fatalError("invariant: a private plane is whole")
        }
        return scalar
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalar.value >= base && scalar.value <= base + 0xFF ? UInt8(scalar.value - base) : nil
    }
}
