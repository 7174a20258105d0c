import BlockRuntime

/// What the keys of a collection are: the encoding that their order and their reading hang on.
///
/// Its text is its one form, in headers and on the wire: `text`, `bytes`, `bool`, `uuid`, `date`,
/// `double`, `float`, `int8` to `int64`, `uint8` to `uint64`; a type and `?` for one that may be
/// absent; `(text,int64)` for a tuple; `custom`, or `custom:name`, for one that only an application
/// knows. Tuples in tuples are written as one, since they are encoded as one.
public struct KeyType: Hashable, Sendable {
    /// A type that is no tuple and knows its encoding.
    package enum Scalar: String, Sendable, CaseIterable {
        case text, bytes, bool, uuid, date, double, float
        case int8, int16, int32, int64
        case uint8, uint16, uint32, uint64
    }

    package indirect enum Form: Hashable, Sendable {
        case scalar(Scalar)
        case optional(Form)
        /// Two at least; none of them is a tuple.
        case tuple([Form])
        /// Without a name any other one without a name is the same.
        case custom(name: String)
    }

    package let form: Form

    package init(_ form: Form) { self.form = form }

    /// Keys that only the application understands.
    public static let custom = KeyType(.custom(name: ""))

    /// A tuple of these, in this order.
    /// - Precondition: There are two at least.
    public static func tuple(_ components: [KeyType]) -> KeyType {
        invariant(components.count >= 2, "a tuple has two components at least")
        return KeyType(
            .tuple(
                components.flatMap { component in
                    if case .tuple(let inner) = component.form { inner } else { [component.form] }
                }))
    }

    /// This, or nothing.
    public var optional: KeyType { KeyType(.optional(form)) }

    /// - Returns: nil unless `text` is what ``text`` of some type is, within the limit.
    public init?(text: String) {
        guard text.utf8.count <= Limits.keyTypeBytesMax else { return nil }
        var parser = KeyTypeParser(rest: Array(text.utf8)[...])
        guard let form = parser.form(), parser.rest.isEmpty else { return nil }
        self.init(form)
    }

    /// The one form; at most ``Limits/keyTypeBytesMax`` bytes where it is stored.
    public var text: String { form.text }
}

extension KeyType: CustomStringConvertible {
    /// Its text form.
    public var description: String { text }
}

/// For the types of an application: `static let keyType: KeyType = "(text,int64)"`.
extension KeyType: ExpressibleByStringLiteral {
    /// As ``init(text:)``; a literal that is no key type ends the process.
    public init(stringLiteral text: String) {
        guard let type = KeyType(text: text) else {
            fatalError("invariant: \"\(text)\" is no type of keys")
        }
        self = type
    }
}

extension KeyType.Form {
    fileprivate var text: String {
        switch self {
        case .scalar(let scalar): scalar.rawValue
        case .optional(let wrapped): wrapped.text + "?"
        case .tuple(let components): "(" + components.map(\.text).joined(separator: ",") + ")"
        case .custom(let name): name.isEmpty ? "custom" : "custom:" + name
        }
    }
}

private struct KeyTypeParser {
    var rest: ArraySlice<UInt8>

    mutating func form() -> KeyType.Form? {
        guard var form = take("(") ? tuple() : word() else { return nil }
        while take("?") { form = .optional(form) }
        return form
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Behind the parenthesis.
    private mutating func tuple() -> KeyType.Form? {
        var components: [KeyType.Form] = []
        repeat {
            guard let component = form() else { return nil }
            if case .tuple = component { return nil }
            components.append(component)
        } while take(",")
        return take(")") && components.count >= 2 ? .tuple(components) : nil
    }

    private mutating func word() -> KeyType.Form? {
        let word = letters()
        if let scalar = KeyType.Scalar(rawValue: word) { return .scalar(scalar) }
        guard word == "custom" else { return nil }
        guard take(":") else { return .custom(name: "") }
        let name = letters()
        return name.isEmpty ? nil : .custom(name: name)
    }

    private mutating func letters() -> String {
        let word = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self)
    }
}
