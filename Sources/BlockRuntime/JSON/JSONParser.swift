/// Parses JSON strictly (RFC 8259). Unlike Foundation's parser it keeps the digits of every number
/// as they are, and refuses an object that has one name twice: an import must not change data.
package struct JSONParser {
    package struct Problem: Error, CustomStringConvertible {
        package let offset: Int
        package let what: String
        /// Whether a text may go on behind it: a quote there is one too many, or one is missing.
        package let mayBeInText: Bool
        package var description: String { "not JSON: \(what) at byte \(offset)" }
    }

    private let bytes: Bytes
    private var position = 0
    private var depth = 0
    private var isInText = false

    private init(_ bytes: Bytes) { self.bytes = bytes }

    /// The value that the bytes are, with spaces around it or none.
    package static func parse(_ bytes: Bytes) throws(Problem) -> JSONText {
        var parser = JSONParser(bytes)
        let value = try parser.value()
        guard parser.token() == nil else { throw parser.problem("something behind the value") }
        return value
    }

    package static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private func problem(_ what: String) -> Problem {
        let before = bytes[..<position].last { !JSONParser.isSpace($0) }
        let quote = UInt8(ascii: "\"")
        return Problem(
            offset: position, what: what,
            mayBeInText: !isInText && (byte == quote || before == quote))
    }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The next byte that is no space, which stays the next.
    private mutating func token() -> UInt8? {
        while let byte, JSONParser.isSpace(byte) { position += 1 }
        return byte
    }

    private mutating func take(_ expected: UInt8) -> Bool {
        guard byte == expected else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(Problem) -> JSONText {
        switch token() {
        case UInt8(ascii: "{"): return try nested { parser throws(Problem) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(Problem) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"): return try number()
        case let byte? where JSONParser.isDigit(byte): return try number()
        case nil: throw problem("nothing where a value belongs")
        default: throw problem("no value begins like this")
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(Problem) -> JSONText
    ) throws(Problem) -> JSONText {
        guard depth < Limits.jsonDepthMax else {
            throw problem("deeper than jsonDepthMax = \(Limits.jsonDepthMax)")
        }
        depth += 1
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(Problem) -> JSONText {
        var pairs: [ExactText: JSONText] = [:]
        if token() == UInt8(ascii: "}") {
            position += 1
            return .object(pairs)
        }
        repeat {
            guard token() == UInt8(ascii: "\"") else { throw problem("no name of a member") }
            let name = try string()
            _ = token()
            guard take(UInt8(ascii: ":")) else { throw problem("no colon behind a name") }
            let value = try value()
            guard pairs.updateValue(value, forKey: ExactText(name)) == nil else {
                throw Problem(
                    offset: position, what: "the name \"\(name)\" twice", mayBeInText: false)
            }
            _ = token()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw problem("an object that does not end") }
        return .object(pairs)
    }

    private mutating func array() throws(Problem) -> JSONText {
        var values: [JSONText] = []
        if token() == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        repeat {
            values.append(try value())
            _ = token()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw problem("an array that does not end") }
        return .array(values)
    }

    private mutating func word(_ word: String, _ value: JSONText) throws(Problem) -> JSONText {
        guard bytes[position...].starts(with: word.utf8) else {
            throw problem("no value begins like this")
        }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(Problem) -> JSONText {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
        return .raw(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(Problem) {
        let start = position
        while let byte, JSONParser.isDigit(byte) { position += 1 }
        guard position > start else { throw problem("no digit where one belongs") }
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        isInText = true
        let start = position
        var text = Bytes()
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    position = start
                    throw problem("text that is not UTF-8")
                }
                position += 1
                isInText = false
                return string
            case UInt8(ascii: "\\"): try escape(&text)
            case 0..<0x20: throw problem("a control character in a text")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw problem("a text that does not end")
    }

    private mutating func escape(_ text: inout Bytes) throws(Problem) {
        position += 1
        guard let byte else { throw problem("a text that does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if 0xD800..<0xDC00 ~= unit, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
                let low = try hexadecimal()
                guard 0xDC00..<0xE000 ~= low else { throw problem("half a character") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw problem("half a character") }
            text += Array(String(Character(scalar)).utf8)
        default: throw problem("an escape that does not exist")
        }
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, !digits.contains(UInt8(ascii: "+")),
            !digits.contains(UInt8(ascii: "-")),
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw problem("no four hexadecimal digits") }
        position += 4
        return unit
    }
}
