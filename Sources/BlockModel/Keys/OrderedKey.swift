import BlockRuntime

/// A type whose values become keys that sort, as bytes, in the order of the values.
///
/// One value has one encoding. Alone, text and bytes are encoded as they are; inside a composite
/// key, where others follow, they are escaped and ended, so that keys order component by component
/// (see ``KeyPair``). `Protos/README.md` has the encoding for other languages.
///
/// A composite key of your own appends all components but its last one as leading ones, and reads
/// them in the same order:
///
///     struct OrderKey: OrderedKey {
///         var customer: String
///         var number: Int
///
///         func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
///             try encoder.append(leading: customer)
///             try encoder.append(last: number)
///         }
///
///         init(from decoder: inout KeyDecoder) throws(DatabaseError) {
///             customer = try decoder.leading(String.self)
///             number = try decoder.last(Int.self)
///         }
///
///         static let keyType: KeyType = "(text,int64)"
///     }
public protocol OrderedKey: Sendable {
    /// What a collection of such keys keeps in its header, and every opening compares. Types of the
    /// same encoding share it. ``KeyType/custom`` unless the type says more: then any type that
    /// says no more opens the collection.
    static var keyType: KeyType { get }

    /// - Throws: `.invalidArgument` when the value has no place in the order.
    func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError)

    /// Reads what ``appendKey(to:)`` wrote, and refuses every other encoding.
    /// - Throws: `.valueUndecodable`.
    init(from decoder: inout KeyDecoder) throws(DatabaseError)
}

extension OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType { .custom }

    /// The key of this value.
    /// - Throws: `.valueTooLarge` above ``Limits/keyBytesMax`` bytes; `.invalidArgument` when the
    ///   value has no place in the order, as a number that is none.
    public var keyBytes: Bytes {
        get throws(DatabaseError) {
            var encoder = KeyEncoder()
            try appendKey(to: &encoder)
            try encoder.checkLimit()
            return encoder.bytes
        }
    }

    /// The value of a key.
    /// - Throws: `.valueUndecodable` when `bytes` is not exactly the key of a value of this type.
    public init(keyBytes bytes: Bytes) throws(DatabaseError) {
        var decoder = KeyDecoder(bytes)
        try self.init(from: &decoder)
        try decoder.finish()
    }
}
