import BlockRuntime

/// An end of a range of keys.
public struct KeyBound: Hashable, Sendable {
    /// The key at the bound.
    public let key: Bytes
    /// Whether the key itself is in the range.
    public let isInclusive: Bool

    /// A bound at a key, with it or without.
    public init(_ key: Bytes, isInclusive: Bool = true) {
        self.key = key
        self.isInclusive = isInclusive
    }
}

/// Keys between two bounds, either of which may be absent. An inverted range is empty.
///
/// Keys are ordered as bytes: unsigned, the shorter of two first when one begins with the other.
public struct KeyRange: Hashable, Sendable {
    /// Where the range begins; nil: at the least key.
    public var lower: KeyBound?
    /// Where the range ends; nil: behind the greatest key.
    public var upper: KeyBound?

    /// The keys between two bounds.
    public init(lower: KeyBound? = nil, upper: KeyBound? = nil) {
        self.lower = lower
        self.upper = upper
    }

    /// Every key.
    public static let all = KeyRange()

    /// Whether `key` is behind the upper end.
    public func isAbove(_ key: Bytes) -> Bool {
        guard let upper else { return false }
        let order = KeyOrder.compare(key, upper.key)
        return order > 0 || (order == 0 && !upper.isInclusive)
    }

    /// Whether `key` is in front of the lower end.
    public func isBelow(_ key: Bytes) -> Bool {
        guard let lower else { return false }
        let order = KeyOrder.compare(key, lower.key)
        return order < 0 || (order == 0 && !lower.isInclusive)
    }

    /// Whether a key lies in the range.
    public func contains(_ key: Bytes) -> Bool { !isAbove(key) && !isBelow(key) }
}

extension KeyBound: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(key)
        encoder.append(isInclusive)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            try decoder.byteString(countMax: Limits.keyBytesMax), isInclusive: try decoder.bool())
    }
}

extension KeyRange: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(lower)
        encoder.append(upper)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            lower: try decoder.optional(KeyBound.self), upper: try decoder.optional(KeyBound.self))
    }
}
