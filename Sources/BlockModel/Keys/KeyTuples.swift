import BlockRuntime

/// A key of two components, ordered by the first one, then by the second.
///
/// A longer key is a ``KeyTriple``, or pairs in pairs: `KeyPair(a, KeyPair(b, c))` is encoded as
/// `KeyTriple(a, b, c)` is.
public struct KeyPair<First: OrderedKey, Second: OrderedKey>: OrderedKey {
    public var first: First
    public var second: Second

    public init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    public static var keyType: KeyType { .tuple([First.keyType, Second.keyType]) }

    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(leading: first)
        try encoder.append(last: second)
    }

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
    public var first: First
    public var second: Second
    public var third: Third

    public init(_ first: First, _ second: Second, _ third: Third) {
        self.first = first
        self.second = second
        self.third = third
    }

    public static var keyType: KeyType {
        .tuple([First.keyType, Second.keyType, Third.keyType])
    }

    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(leading: first)
        try encoder.append(leading: second)
        try encoder.append(last: third)
    }

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
    public static var keyType: KeyType { Wrapped.keyType.optional }

    public func appendKey(to encoder: inout KeyEncoder) throws(DatabaseError) {
        try encoder.append(last: self != nil)
        if let self { try encoder.append(last: self) }
    }

    public init(from decoder: inout KeyDecoder) throws(DatabaseError) {
        self = try decoder.last(Bool.self) ? try decoder.last(Wrapped.self) : nil
    }
}
