import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

/// How keys are written on the command line and in files.
package enum KeyForm: Hashable, Sendable {
    /// The key is the UTF-8 of the text.
    case text
    /// A whole number of this width.
    case integer(KeyType.Scalar)
    case uuid
    /// As the text of a type that is none of these: a date, a tuple as a JSON array.
    case typed(KeyType)
    /// The bytes of the key, two hexadecimal digits each.
    case hex

    package static let int = KeyForm.integer(.int64)

    /// How the keys of this type are written when nothing else was asked for.
    package init(_ type: KeyType?) {
        switch type?.form {
        case .scalar(.text): self = .text
        case .scalar(.uuid): self = .uuid
        case .scalar(.bytes), nil: self = .hex
        case .scalar(let scalar) where KeyForm.integerType(scalar) != nil:
            self = .integer(scalar)
        case .scalar, .optional, .tuple, .custom:
            self = type.flatMap { $0.hasText ? .typed($0) : nil } ?? .hex
        }
    }

    /// What the keys of a new tree are.
    package var keyType: KeyType {
        switch self {
        case .text: String.keyType
        case .integer(let scalar): KeyType(.scalar(scalar))
        case .uuid: Identifier128.keyType
        case .typed(let type): type
        case .hex: Bytes.keyType
        }
    }

    /// Whether it writes keys of this type: their own form does, bytes do for all, and text for
    /// bytes too.
    package func writes(_ type: KeyType?) -> Bool {
        self == .hex || keyType == type || self == .text && type == Bytes.keyType
    }

    private static func integerType(
        _ scalar: KeyType.Scalar
    ) -> (any (FixedWidthInteger & OrderedKey).Type)? {
        switch scalar {
        case .int8: Int8.self
        case .int16: Int16.self
        case .int32: Int32.self
        case .int64: Int64.self
        case .uint8: UInt8.self
        case .uint16: UInt16.self
        case .uint32: UInt32.self
        case .uint64: UInt64.self
        default: nil
        }
    }

    /// - Throws: `.invalidArgument` for a text that is no such key; `.valueTooLarge`.
    package func key(_ text: String) throws(DatabaseError) -> Bytes {
        switch self {
        case .text: return try text.keyBytes
        case .integer(let scalar):
            func number<Number: FixedWidthInteger & OrderedKey>(
                _: Number.Type
            ) throws(DatabaseError) -> Bytes? { try Number(text)?.keyBytes }
            guard let type = Self.integerType(scalar), let key = try number(type) else {
                throw KeyForm.problem(text, "whole number (\(scalar))")
            }
            return key
        case .uuid:
            guard let id = Identifier128(text: text) else { throw KeyForm.problem(text, "UUID") }
            return try id.keyBytes
        case .typed(let type):
            do {
                return try type.key(text: text)
            } catch {
                guard error.code == .invalidArgument else { throw error }
                throw KeyForm.problem(text, "\(type)")
            }
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
        DatabaseError(
            .invalidArgument,
            "the key \"\(text)\" is no \(what), or would be rounded; see --key-type")
    }

    /// The key as it is written.
    /// - Throws: `.valueUndecodable` for a key of another type.
    package func text(of key: Bytes) throws(DatabaseError) -> String {
        do throws(DatabaseError) {
            switch self {
            case .text: return try String(keyBytes: key)
            case .integer(let scalar):
                func number<Number: FixedWidthInteger & OrderedKey>(
                    _: Number.Type
                ) throws(DatabaseError) -> String { "\(try Number(keyBytes: key))" }
                guard let type = Self.integerType(scalar) else { return ByteText.hex(key) }
                return try number(type)
            case .uuid: return "\(try Identifier128(keyBytes: key))"
            case .typed(let type): return try type.text(of: key)
            case .hex: return ByteText.hex(key)
            }
        } catch {
            throw DatabaseError(
                .valueUndecodable,
                "the key \(KeyText.text(key)) is no \(keyType); see --key-type", cause: error)
        }
    }

    /// The key in a JSON object: a number stays one.
    package func json(of key: Bytes) throws(DatabaseError) -> JSONText {
        let text = try text(of: key)
        if case .integer = self { return .raw(text) }
        if case .typed(let type) = self, let json = try? type.json(of: key) { return json }
        return .string(text)
    }

    /// The key that a field of a record is; nil for a value that is no key.
    /// - Throws: As ``key(_:)``.
    package func key(_ field: JSONText) throws(DatabaseError) -> Bytes? {
        switch (self, field) {
        case (.typed(let type), .array), (.typed(let type), .boolean):
            return try type.key(json: field)
        case (.typed(let type), .null):
            guard case .optional = type.form else { return nil }
            return try type.key(json: field)
        case (_, .string(let text)), (_, .raw(let text)): return try key(text)
        default: return nil
        }
    }
}

extension KeyForm: ExpressibleByArgument {
    package init?(argument: String) {
        switch argument {
        case "text": self = .text
        case "int": self = .int
        case "uuid": self = .uuid
        case "hex": self = .hex
        default:
            let text = String(decoding: ArgumentEscape.bytes(of: argument), as: UTF8.self)
            guard let type = KeyType(text: text), type.hasText else { return nil }
            self.init(type)
        }
    }
}

/// How the keys of a tree are written.
package struct KeyFormOption: ParsableArguments {
    package init() {}

    @Option(
        name: .customLong("key-type"),
        help: ArgumentHelp(
            "How keys are written: text, int (64 bits; or int8 to uint64), uuid, hex (bytes), "
                + "date, double, or a tuple as (text,date), whose keys are JSON arrays.",
            discussion: "Default: as the tree's keys are; text for a new tree.",
            valueName: "type"))
    package var asked: KeyForm?

    /// How the keys of the tree are written.
    /// - Throws: `.collectionKindMismatch` when its keys are not what was asked for.
    package func form(of info: CollectionInfo) throws(DatabaseError) -> KeyForm {
        guard let asked else { return KeyForm(info.header.keyType) }
        guard asked.writes(info.header.keyType) else {
            let actual = info.header.keyType.map { "\($0)" } ?? "no"
            throw DatabaseError(
                .collectionKindMismatch,
                "\"\(info.name)\" has \(actual) keys, not \(asked.keyType) keys; leave "
                    + "--key-type out")
        }
        return asked
    }

    /// What the keys of a new tree are.
    var newKeyType: KeyType { (asked ?? .text).keyType }

    /// Refuses what is no key, before anything is sent, when it is said what keys are.
    func check(_ keys: some Sequence<ArgumentBytes>) throws(DatabaseError) {
        for key in keys { _ = try asked?.key(key) }
    }
}

/// How the keys and values of a tree are written.
package struct TreeForm: ParsableArguments {
    package init() {}

    @OptionGroup package var keys: KeyFormOption
    @OptionGroup package var values: ValueForm

    /// An entry for people, key, tab, value; or as an object.
    func line(
        _ key: Bytes, _ value: Bytes, of info: CollectionInfo, _ output: OutputForm
    ) throws(DatabaseError) -> Bytes {
        let keys = try keys.form(of: info)
        switch output {
        case .text: return Array("\(try keys.text(of: key))\t".utf8) + values.text(of: value)
        case .json:
            let (name, text) = values.member(value, of: info)
            return Array(
                JSONText.object(["key": try keys.json(of: key), name: text]).text.utf8)
        }
    }
}
