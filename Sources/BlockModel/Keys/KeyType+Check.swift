import BlockRuntime

extension KeyType {
    /// Why `key` is no key of this type; nil when it is one, and when only the application that
    /// made the type could tell.
    /// - Complexity: O(bytes of the key).
    public func problem(with key: Bytes) -> String? {
        var decoder = KeyDecoder(key)
        do throws(DatabaseError) {
            if try form.skip(&decoder) { try decoder.finish() }
            return nil
        } catch {
            return error.message
        }
    }
}

extension KeyType.Scalar {
    /// The type of this module that reads it.
    fileprivate var reader: any OrderedKey.Type {
        switch self {
        case .text: String.self
        case .bytes: Bytes.self
        case .bool: Bool.self
        case .uuid: Identifier128.self
        case .date, .double: Double.self
        case .float: Float.self
        case .int8: Int8.self
        case .int16: Int16.self
        case .int32: Int32.self
        case .int64: Int64.self
        case .uint8: UInt8.self
        case .uint16: UInt16.self
        case .uint32: UInt32.self
        case .uint64: UInt64.self
        }
    }
}

extension KeyType.Form {
    /// Reads a key of this type and forgets it.
    /// - Returns: Whether it is known where the key ends.
    fileprivate func skip(_ decoder: inout KeyDecoder) throws(DatabaseError) -> Bool {
        switch self {
        case .scalar(let scalar):
            _ = try scalar.reader.init(from: &decoder)
            return true
        case .optional(let wrapped):
            return try decoder.last(Bool.self) ? try wrapped.skip(&decoder) : true
        case .tuple(let components):
            for component in components.dropLast() {
                let isKnown = try decoder.leading { decoder throws(DatabaseError) in
                    try component.skip(&decoder)
                }
                if !isKnown { return false }
            }
            return try components.last?.skip(&decoder) ?? true
        case .custom: return false
        }
    }
}
