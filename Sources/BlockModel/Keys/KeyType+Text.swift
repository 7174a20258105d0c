import BlockRuntime

/// Keys as text that can be typed back by a person who knows the type.
///
/// A tuple is a JSON array; in it texts are texts, numbers numbers, truths `true` and `false`, a
/// UUID, a date (``DateText``) and bytes (in hex) texts; what is absent is `null`. A number or a
/// date that would be rounded is no key: another one would be the same.
extension KeyType {
    /// Whether its keys have a text: not where only an application knows them, nor where nothing
    /// and the presence of nothing would be written alike.
    package var hasText: Bool { form.hasText }

    /// - Precondition: ``hasText``.
    /// - Throws: `.valueUndecodable` when `key` is no key of this type.
    package func text(of key: Bytes) throws(DatabaseError) -> String {
        let json = try json(of: key)
        guard case .scalar = form, case .string(let text) = json else { return json.text }
        return text
    }

    /// - Precondition: ``hasText``.
    /// - Throws: `.valueUndecodable` when `key` is no key of this type.
    package func json(of key: Bytes) throws(DatabaseError) -> JSONText {
        var decoder = KeyDecoder(key)
        let json = try form.json(&decoder)
        try decoder.finish()
        return json
    }

    /// The key that ``text(of:)`` writes so.
    /// - Throws: `.invalidArgument` for a text that is no such key; `.valueTooLarge`.
    package func key(text: String) throws(DatabaseError) -> Bytes {
        if case .scalar = form { return try key(json: .string(text)) }
        guard let json = try? JSONParser.parse(Array(text.utf8)) else { throw problem(text) }
        return try key(json: json)
    }

    /// - Throws: `.invalidArgument` for a value that is no such key; `.valueTooLarge`.
    package func key(json: JSONText) throws(DatabaseError) -> Bytes {
        var encoder = KeyEncoder()
        guard try form.append(json, to: &encoder) else { throw problem(json.text) }
        try encoder.checkLimit()
        return encoder.bytes
    }

    private func problem(_ text: String) -> DatabaseError {
        DatabaseError(.invalidArgument, "\(text) is no key of the type \(self)")
    }
}

extension KeyType.Form {
    fileprivate var hasText: Bool {
        switch self {
        case .scalar: true
        case .optional(.optional), .custom: false
        case .optional(let wrapped): wrapped.hasText
        case .tuple(let components): components.allSatisfy(\.hasText)
        }
    }

    fileprivate func json(_ decoder: inout KeyDecoder) throws(DatabaseError) -> JSONText {
        switch self {
        case .scalar(let scalar): return try scalar.json(&decoder)
        case .optional(let wrapped):
            return try decoder.last(Bool.self) ? try wrapped.json(&decoder) : .null
        case .tuple(let components):
            var values: [JSONText] = []
            for component in components.dropLast() {
                values.append(
                    try decoder.leading { decoder throws(DatabaseError) in
                        try component.json(&decoder)
                    })
            }
            if let last = components.last { values.append(try last.json(&decoder)) }
            return .array(values)
        case .custom: throw decoder.undecodable("a key that only its application knows")
        }
    }

    /// - Returns: Whether `json` is a value of this type.
    fileprivate func append(
        _ json: JSONText, to encoder: inout KeyEncoder
    ) throws(DatabaseError) -> Bool {
        switch self {
        case .scalar(let scalar): return try scalar.append(json, to: &encoder)
        case .optional(let wrapped):
            var isPresent = true
            if case .null = json { isPresent = false }
            try encoder.append(last: isPresent)
            return isPresent ? try wrapped.append(json, to: &encoder) : true
        case .tuple(let components):
            guard case .array(let values) = json, values.count == components.count else {
                return false
            }
            for (component, value) in zip(components, values).dropLast() {
                let fits = try encoder.leading { encoder throws(DatabaseError) in
                    try component.append(value, to: &encoder)
                }
                if !fits { return false }
            }
            guard let component = components.last, let value = values.last else { return false }
            return try component.append(value, to: &encoder)
        case .custom: return false
        }
    }
}

extension KeyType.Scalar {
    fileprivate func json(_ decoder: inout KeyDecoder) throws(DatabaseError) -> JSONText {
        switch self {
        case .text: return .string(try String(from: &decoder))
        case .bytes: return .string(ByteText.hex(try Bytes(from: &decoder)))
        case .bool: return .boolean(try Bool(from: &decoder))
        case .uuid: return .string("\(try Identifier128(from: &decoder))")
        case .date: return .string(DateText.text(of: try Double(from: &decoder)))
        case .double: return Self.number(try Double(from: &decoder))
        case .float: return Self.number(try Float(from: &decoder))
        case .int8: return .raw("\(try Int8(from: &decoder))")
        case .int16: return .raw("\(try Int16(from: &decoder))")
        case .int32: return .raw("\(try Int32(from: &decoder))")
        case .int64: return .raw("\(try Int64(from: &decoder))")
        case .uint8: return .raw("\(try UInt8(from: &decoder))")
        case .uint16: return .raw("\(try UInt16(from: &decoder))")
        case .uint32: return .raw("\(try UInt32(from: &decoder))")
        case .uint64: return .raw("\(try UInt64(from: &decoder))")
        }
    }

    /// JSON has no infinity.
    private static func number(_ value: some BinaryFloatingPoint) -> JSONText {
        value.isFinite ? .raw("\(value)") : .string("\(value)")
    }

    /// - Returns: Whether `json` is a value of this type: a text, or what JSON has for it.
    fileprivate func append(
        _ json: JSONText, to encoder: inout KeyEncoder
    ) throws(DatabaseError) -> Bool {
        let text: String
        switch json {
        case .string(let string): text = string
        case .raw(let digits) where self != .text && self != .bytes: text = digits
        case .boolean(let value) where self == .bool: text = value ? "true" : "false"
        default: return false
        }
        guard let key = key(of: text) else { return false }
        try key.appendKey(to: &encoder)
        return true
    }

    private func key(of text: String) -> (any OrderedKey)? {
        switch self {
        case .text: text
        case .bytes: ByteText.bytes(hex: text)
        case .bool: Bool(text)
        case .uuid: Identifier128(text: text)
        case .date: DateText.seconds(of: text)
        case .double: Double(text).flatMap { ExactNumber.says(text, $0) ? $0 : nil }
        case .float: Float(text).flatMap { ExactNumber.says(text, Double($0)) ? $0 : nil }
        case .int8: Int8(text)
        case .int16: Int16(text)
        case .int32: Int32(text)
        case .int64: Int64(text)
        case .uint8: UInt8(text)
        case .uint16: UInt16(text)
        case .uint32: UInt32(text)
        case .uint64: UInt64(text)
        }
    }
}
