import BlockRuntime
import Optimystic

/// The words of a line, as a shell of the system tells them apart: blanks end a word, single quotes
/// keep everything, double quotes everything but a backslash, a backslash the next byte. Nothing
/// but these few letters of ASCII means anything: the rest is bytes.
package enum ShellWords {
    /// - Complexity: O(n).
    /// - Throws: `.invalidArgument` for a quote that does not end.
    package static func split(_ line: some Collection<UInt8>) throws(DatabaseError) -> [Bytes] {
        var splitter = Splitter()
        for byte in line {
            if splitter.isComment { break }
            splitter.take(byte)
        }
        return try splitter.end()
    }

    /// A word as it is written in a line, for a command that a person is told to run.
    package static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "/"), UInt8(ascii: ":"):
                true
            case UInt8(ascii: "-"): byte != word.utf8.first
            default: byte >= 0x80
            }
        }
        if isPlain, !word.isEmpty { return word }
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in word.unicodeScalars {
            quoted += (scalar == "'" ? "'\\''" : String(scalar)).unicodeScalars
        }
        return String(quoted + "'".unicodeScalars)
    }

    private struct Splitter {
        private static let backslash = UInt8(ascii: "\\")
        private static let single = UInt8(ascii: "'")
        private static let double = UInt8(ascii: "\"")

        private var words: [Bytes] = []
        private var word = Bytes()
        /// Whether ``word`` is one, were it empty.
        private var isInWord = false
        private var quote: UInt8?
        private var isEscaped = false
        private(set) var isComment = false

        mutating func take(_ byte: UInt8) {
            if isEscaped {
                append(byte)
                isEscaped = false
            } else if byte == Splitter.backslash, quote != Splitter.single {
                isEscaped = true
                isInWord = true
            } else if let open = quote {
                if byte == open { quote = nil } else { append(byte) }
            } else if byte == Splitter.single || byte == Splitter.double {
                quote = byte
                isInWord = true
            } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
                endWord()
            } else if byte == UInt8(ascii: "#"), !isInWord {
                isComment = true
            } else {
                append(byte)
            }
        }

        private mutating func append(_ byte: UInt8) {
            word.append(byte)
            isInWord = true
        }

        private mutating func endWord() {
            guard isInWord else { return }
            words.append(word)
            word = []
            isInWord = false
        }

        mutating func end() throws(DatabaseError) -> [Bytes] {
            if let quote {
                throw DatabaseError(
                    .invalidArgument,
                    "the quote \(Unicode.Scalar(quote)) has no end on this line")
            }
            guard !isEscaped else {
                throw DatabaseError(.invalidArgument, "a backslash with nothing behind it")
            }
            endWord()
            return words
        }
    }
}
