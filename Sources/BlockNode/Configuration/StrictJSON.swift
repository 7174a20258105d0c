import BlockRuntime
import Foundation

/// A value of a JSON text.
enum JSONValue: Decodable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // A number also decodes as nothing else, so the order only matters for speed.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}

/// A place in a JSON document that a person wrote: every error says where, and what was expected.
struct JSONPlace {
    let value: JSONValue
    /// E.g. `peers[2].address`; empty for the document.
    let path: String
    /// The document, for messages.
    let document: String

    /// - Throws: `.configurationInvalid` when `bytes` are not JSON.
    init(document: String, _ bytes: Bytes) throws(DatabaseError) {
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw DatabaseError(.configurationInvalid, "\(document) is not JSON", cause: error)
        }
        path = ""
        self.document = document
    }

    private init(_ value: JSONValue, _ path: String, _ document: String) {
        self.value = value
        self.path = path
        self.document = document
    }

    func wrong(_ expected: String) -> DatabaseError {
        let place = path.isEmpty ? document : "\(document): \(path)"
        return DatabaseError(.configurationInvalid, "\(place) must be \(expected)")
    }

    /// The members of an object that may have no keys but these.
    func members(_ known: [String]) throws(DatabaseError) -> [String: JSONValue] {
        guard case .object(let members) = value else { throw wrong("an object") }
        for key in members.keys.sorted() where !known.contains(key) {
            throw DatabaseError(
                .configurationInvalid,
                "\(document): unknown key \(self.key(key)); known are "
                    + known.joined(separator: ", "))
        }
        return members
    }

    /// The member `key` of an object that has it.
    func member(_ key: String, of members: [String: JSONValue]) throws(DatabaseError) -> JSONPlace {
        guard let value = members[key] else {
            throw DatabaseError(
                .configurationInvalid, "\(document): the key \(self.key(key)) is missing")
        }
        return JSONPlace(value, self.key(key), document)
    }

    private func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The elements of a list of at most `countMax`.
    func elements(countMax: Int) throws(DatabaseError) -> [JSONPlace] {
        guard case .list(let values) = value else { throw wrong("a list") }
        guard values.count <= countMax else {
            throw wrong("a list of at most \(countMax), it has \(values.count)")
        }
        return values.enumerated().map { JSONPlace($1, "\(path)[\($0)]", document) }
    }

    /// A text that is not empty and has no control characters, quotes or backslashes.
    func name() throws(DatabaseError) -> String {
        guard case .text(let text) = value, JSONPlace.isName(text) else {
            throw wrong(
                "a text of 1 to \(Limits.nameBytesMax) bytes without quotes, backslashes and "
                    + "control characters")
        }
        return text
    }

    static func isName(_ text: String) -> Bool {
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && $0 != "\"" && $0 != "\\"
        }
        return !text.isEmpty && text.utf8.count <= Limits.nameBytesMax && isPlain
    }

    /// A whole number.
    func integer(in range: ClosedRange<Int>) throws(DatabaseError) -> Int {
        guard case .number(let number) = value, let integer = Int(exactly: number),
            range.contains(integer)
        else { throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return integer
    }

    func identifier() throws(DatabaseError) -> Identifier128 {
        guard case .text(let text) = value, let identifier = Identifier128(text: text) else {
            throw wrong("a UUID")
        }
        return identifier
    }
}
