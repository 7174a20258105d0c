import BlockRuntime

/// All keys that begin with the same bytes: those from ``lower`` on and below ``upper``.
public struct KeyPrefix: Hashable, Sendable {
    /// What the keys begin with.
    public let bytes: Bytes

    /// All keys that begin with `bytes`; with none, all keys there are.
    public init(_ bytes: Bytes) { self.bytes = bytes }

    /// All texts that begin with `text`, as keys on their own.
    public init(text: String) { self.init(Bytes(text.utf8)) }

    /// All composite keys that begin with this component, and no others. ``KeyPair/prefix(_:)`` is
    /// the same with the component's type checked.
    /// - Throws: As ``OrderedKey/keyBytes``.
    public init(leading component: some OrderedKey) throws(DatabaseError) {
        var encoder = KeyEncoder()
        try encoder.append(leading: component)
        try encoder.checkLimit()
        self.init(encoder.bytes)
    }

    /// The lower bound, which is inside.
    public var lower: Bytes { bytes }

    /// The upper bound, which is outside: the smallest bytes above all that begin so. nil when
    /// there are none, as above bytes that are all FF.
    public var upper: Bytes? {
        var upper = bytes
        while let last = upper.popLast() {
            if last < .max { return upper + [last + 1] }
        }
        return nil
    }

    /// The same as a range, to read it.
    public var range: KeyRange {
        KeyRange(lower: KeyBound(lower), upper: upper.map { KeyBound($0, isInclusive: false) })
    }

    /// Whether a key begins with the prefix.
    public func contains(_ key: Bytes) -> Bool { key.starts(with: bytes) }
}
