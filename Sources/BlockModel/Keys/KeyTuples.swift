import BlockRuntime

/// A key of two components, ordered by the first one, then by the second.
///
/// A longer key is a ``KeyTriple``, or pairs in pairs: `KeyPair(a, KeyPair(b, c))` is encoded as
/// `KeyTriple(a, b, c)` is.
public struct KeyPair<First: OrderedKey, Second: OrderedKey>: OrderedKey {
    /// The component that orders first.
    public var first: First
    /// The component that orders where the first are equal.
    public var second: Second

    /// A key of these components.
    public init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType { .tuple([First.keyType, Second.keyType]) }

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(leading: first)
        try encoder.append(last: second)
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        first = try decoder.leading(First.self)
        second = try decoder.last(Second.self)
    }

    /// All keys with this first component.
    /// - Throws: As ``OrderedKey/keyBytes``.
    public static func prefix(_ first: First) throws(DatabaseError) -> KeyPrefix {
        try KeyPrefix(leading: first)
    }
}

extension KeyPair: Equatable where First: Equatable, Second: Equatable {}
extension KeyPair: Hashable where First: Hashable, Second: Hashable {}

/// A key of three components, ordered by the first one, then by the second, then by the third.
public struct KeyTriple<First: OrderedKey, Second: OrderedKey, Third: OrderedKey>: OrderedKey {
    /// The component that orders first.
    public var first: First
    /// The component that orders where the first are equal.
    public var second: Second
    /// The component that orders where the others are equal.
    public var third: Third

    /// A key of these components.
    public init(_ first: First, _ second: Second, _ third: Third) {
        self.first = first
        self.second = second
        self.third = third
    }

    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType {
        .tuple([First.keyType, Second.keyType, Third.keyType])
    }

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(leading: first)
        try encoder.append(leading: second)
        try encoder.append(last: third)
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        first = try decoder.leading(First.self)
        second = try decoder.leading(Second.self)
        third = try decoder.last(Third.self)
    }

    /// All keys with this first component.
    /// - Throws: As ``OrderedKey/keyBytes``.
    public static func prefix(_ first: First) throws(DatabaseError) -> KeyPrefix {
        try KeyPrefix(leading: first)
    }

    /// All keys with these first two components.
    /// - Throws: As ``OrderedKey/keyBytes``.
    public static func prefix(
        _ first: First, _ second: Second
    ) throws(DatabaseError) -> KeyPrefix {
        try KeyPrefix(leading: KeyPair(first, second))
    }
}

extension KeyTriple: Equatable where First: Equatable, Second: Equatable, Third: Equatable {}
extension KeyTriple: Hashable where First: Hashable, Second: Hashable, Third: Hashable {}

/// A component that may be absent; none comes first.
extension Optional: OrderedKey where Wrapped: OrderedKey {
    /// What the tree says its keys are, so that it opens as no other type.
    public static var keyType: KeyType { Wrapped.keyType.optional }

    /// Appends bytes whose order is that of the keys.
    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(last: self != nil)
        if let self { try encoder.append(last: self) }
    }

    /// Reads what ``appendKey(to:)`` appended. Throws `.valueUndecodable`.
    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self = try decoder.last(Bool.self) ? try decoder.last(Wrapped.self) : nil
    }
}
