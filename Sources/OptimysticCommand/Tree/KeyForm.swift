import ArgumentParser
import BlockRuntime
import Optimystic

/// How keys are written on the command line and in files.
package enum KeyForm: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// The key is the UTF-8 of the text.
    case text
    /// A whole number of 64 bits.
    case int
    case uuid
    /// The bytes of the key, two hexadecimal digits each.
    case hex

    /// - Throws: `.invalidArgument` for a text that is no such key; `.valueTooLarge`.
    package func key(_ text: String) throws(DatabaseError) -> Bytes {
        switch self {
        case .text: return try text.keyBytes
        case .int:
            guard let number = Int64(text) else { throw KeyForm.problem(text, "whole number") }
            return try number.keyBytes
        case .uuid:
            guard let id = Identifier128(text: text) else { throw KeyForm.problem(text, "UUID") }
            return try id.keyBytes
        case .hex:
            guard let bytes = ByteText.bytes(hex: text) else {
                throw KeyForm.problem(text, "even number of hexadecimal digits")
            }
            return try bytes.keyBytes
        }
    }

    /// - Throws: As for a text; `.textInvalid` with the offset for bytes that are none.
    package func key(_ argument: ArgumentBytes) throws(DatabaseError) -> Bytes {
        let hint = self == .text ? " (--key-type hex takes any bytes)" : ""
        return try key(argument.text("the key \"\(argument)\"\(hint)"))
    }

    private static func problem(_ text: String, _ what: String) -> DatabaseError {
        DatabaseError(.invalidArgument, "the key \"\(text)\" is no \(what); see --key-type")
    }

    /// The key as it is written.
    /// - Throws: `.valueUndecodable` for a key of another type.
    package func text(of key: Bytes) throws(DatabaseError) -> String {
        do throws(DatabaseError) {
            switch self {
            case .text: return try String(keyBytes: key)
            case .int: return "\(try Int64(keyBytes: key))"
            case .uuid: return "\(try Identifier128(keyBytes: key))"
            case .hex: return ByteText.hex(key)
            }
        } catch {
            throw DatabaseError(
                .valueUndecodable,
                "the key \(KeyText.text(key)) is no \(rawValue); see --key-type", cause: error)
        }
    }

    /// The key in a JSON object: a number stays one.
    package func json(of key: Bytes) throws(DatabaseError) -> JSONText {
        let text = try text(of: key)
        return self == .int ? .raw(text) : .string(text)
    }

    /// The key that a field of a record is; nil for a value that is no key.
    /// - Throws: As ``key(_:)``.
    package func key(_ field: JSONText) throws(DatabaseError) -> Bytes? {
        switch field {
        case .string(let text), .raw(let text): try key(text)
        default: nil
        }
    }
}

/// How the keys and values of a tree are written.
package struct TreeForm: ParsableArguments {
    package init() {}

    @Option(
        name: .customLong("key-type"),
        help: "How keys are written: text, int (64 bits), uuid or hex (any bytes).")
    package var keys = KeyForm.text
    @OptionGroup package var values: ValueForm

    /// An entry for people, key, tab, value; or as an object.
    func line(
        _ key: Bytes, _ value: Bytes, of info: CollectionInfo, _ output: OutputForm
    ) throws(DatabaseError) -> Bytes {
        switch output {
        case .text: return Array("\(try keys.text(of: key))\t".utf8) + values.text(of: value)
        case .json:
            let (name, text) = values.member(value, of: info)
            return Array(
                JSONText.object(["key": try keys.json(of: key), name: text]).text.utf8)
        }
    }
}
