import BlockRuntime

/// UTF-8, so that keys are in the order of Unicode scalar values.
///
/// That is not the order of Swift's `<`: `"é"` as one scalar and as an `e` with an accent behind it
/// are equal in Swift, but two keys. Normalise what people type before it becomes a key.
extension String: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static let keyType = KeyType(.scalar(.text))

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) { encoder.append(variable: utf8) }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        let bytes = try decoder.variable()
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw decoder.undecodable("text that is not UTF-8 before this")
        }
        self = text
    }
}

/// Bytes as they are; a prefix comes before what it begins.
extension Array: OrderedKey where Element == UInt8 {
    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType { KeyType(.scalar(.bytes)) }

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) { encoder.append(variable: self) }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self = try decoder.variable()
    }
}
