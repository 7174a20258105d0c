/// A Swift source with its comments and string contents blanked out, so that a rule about code
/// does not stumble over prose. Line and column of what remains are unchanged.
///
/// A light lexer: it knows nested comments, plain, raw and multi-line strings, and interpolations
/// (whose insides are code). Regex literals are taken for code, which no rule minds.
struct SwiftCode {
    /// The source with blanks for comments and strings.
    private(set) var code: [UInt8] = []
    /// The blanked source by lines.
    private(set) var lines: [String] = []
    private var source: [UInt8]
    private var position = 0

    init(_ text: String) {
        source = Array(text.utf8)
        code.reserveCapacity(source.count)
        lexCode(untilParenthesis: false)
        source = []
        lines = code.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Copies code up to the end, or up to the parenthesis that closes an interpolation.
    private mutating func lexCode(untilParenthesis: Bool) {
        var depth = 0
        while position < source.count {
            if starts(with: "//") {
                while position < source.count, source[position] != 0x0A { blank() }
            } else if starts(with: "/*") {
                lexBlockComment()
            } else if let delimiter = stringDelimiter() {
                lexString(delimiter)
            } else {
                let byte = source[position]
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                copy()
                if untilParenthesis && depth < 0 { return }
            }
        }
    }

    private mutating func lexBlockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < source.count
    }

    private struct StringDelimiter {
        let hashes: Int
        let quotes: Int
        var length: Int { hashes + quotes }
    }

    /// The delimiter of a string that begins here.
    private func stringDelimiter() -> StringDelimiter? {
        var hashes = 0
        while byte(at: position + hashes) == UInt8(ascii: "#") { hashes += 1 }
        var quotes = 0
        while byte(at: position + hashes + quotes) == UInt8(ascii: "\"") { quotes += 1 }
        guard quotes > 0 else { return nil }
        return StringDelimiter(hashes: hashes, quotes: quotes >= 3 ? 3 : 1)
    }

    private mutating func lexString(_ delimiter: StringDelimiter) {
        let hashes = [UInt8](repeating: UInt8(ascii: "#"), count: delimiter.hashes)
        let escape = [UInt8(ascii: "\\")] + hashes
        let close = [UInt8](repeating: UInt8(ascii: "\""), count: delimiter.quotes) + hashes
        for _ in 0..<delimiter.length { copy() }
        while position < source.count {
            if starts(with: close) {
                for _ in 0..<delimiter.length { copy() }
                return
            }
            if starts(with: escape) {
                blank(escape.count)
                guard byte(at: position) == UInt8(ascii: "(") else {
                    blank()
                    continue
                }
                copy()
                lexCode(untilParenthesis: true)
            } else if delimiter.quotes == 1 && source[position] == 0x0A {
                // An unterminated string ends with its line, whatever the compiler says of it.
                return
            } else {
                blank()
            }
        }
    }

    // MARK: Steps

    private func byte(at index: Int) -> UInt8? { index < source.count ? source[index] : nil }

    private func starts(with text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= source.count else { return false }
        for offset in 0..<count where source[position + offset] != text.utf8Start[offset] {
            return false
        }
        return true
    }

    private func starts(with bytes: [UInt8]) -> Bool { source[position...].starts(with: bytes) }

    private mutating func copy() {
        guard position < source.count else { return }
        code.append(source[position])
        position += 1
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < source.count {
            code.append(source[position] == 0x0A ? 0x0A : 0x20)
            position += 1
        }
    }
}
