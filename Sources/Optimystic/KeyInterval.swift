import BlockModel
import BlockRuntime

/// Something that names the keys between two bounds: Swift's ranges of keys, and
/// ``KeyPrefix``.
///
/// The order is that of the keys' bytes (see ``OrderedKey``); where a type's own order differs, as
/// that of texts with combining marks does, the bytes decide, and an inverted range is empty.
public protocol KeyInterval<Key>: Sendable {
    associatedtype Key: OrderedKey
    /// - Throws: What the bounds' ``OrderedKey/keyBytes`` throw.
    func keyRange() throws(DatabaseError) -> KeyRange
}

extension Range: KeyInterval where Bound: OrderedKey {
    /// The type of its bounds.
    public typealias Key = Bound
    /// The bounds as bytes. Throws what encoding a key throws.
    public func keyRange() throws(DatabaseError) -> KeyRange {
        KeyRange(
            lower: KeyBound(try lowerBound.keyBytes),
            upper: KeyBound(try upperBound.keyBytes, isInclusive: false))
    }
}

extension ClosedRange: KeyInterval where Bound: OrderedKey {
    /// The type of its bounds.
    public typealias Key = Bound
    /// The bounds as bytes. Throws what encoding a key throws.
    public func keyRange() throws(DatabaseError) -> KeyRange {
        KeyRange(lower: KeyBound(try lowerBound.keyBytes), upper: KeyBound(try upperBound.keyBytes))
    }
}

extension PartialRangeFrom: KeyInterval where Bound: OrderedKey {
    /// The type of its bounds.
    public typealias Key = Bound
    /// The bounds as bytes. Throws what encoding a key throws.
    public func keyRange() throws(DatabaseError) -> KeyRange {
        KeyRange(lower: KeyBound(try lowerBound.keyBytes))
    }
}

extension PartialRangeUpTo: KeyInterval where Bound: OrderedKey {
    /// The type of its bounds.
    public typealias Key = Bound
    /// The bounds as bytes. Throws what encoding a key throws.
    public func keyRange() throws(DatabaseError) -> KeyRange {
        KeyRange(upper: KeyBound(try upperBound.keyBytes, isInclusive: false))
    }
}

extension PartialRangeThrough: KeyInterval where Bound: OrderedKey {
    /// The type of its bounds.
    public typealias Key = Bound
    /// The bounds as bytes. Throws what encoding a key throws.
    public func keyRange() throws(DatabaseError) -> KeyRange {
        KeyRange(upper: KeyBound(try upperBound.keyBytes))
    }
}

/// Any interval of keys, also those that Swift's ranges cannot say.
public struct Keys<Key: OrderedKey>: KeyInterval {
    private let range: KeyRange

    /// The keys of a range of bytes.
    public init(_ range: KeyRange) { self.range = range }

    /// Every key.
    public static var all: Keys { Keys(.all) }

    /// The keys behind `key`, without it.
    /// - Throws: What ``OrderedKey/keyBytes`` throws.
    public static func after(_ key: Key) throws(DatabaseError) -> Keys {
        Keys(KeyRange(lower: KeyBound(try key.keyBytes, isInclusive: false)))
    }

    /// The keys that begin with `prefix`.
    public static func prefix(_ prefix: KeyPrefix) -> Keys {
        Keys(
            KeyRange(
                lower: KeyBound(prefix.lower),
                upper: prefix.upper.map { KeyBound($0, isInclusive: false) }))
    }

    /// The bounds as bytes.
    public func keyRange() -> KeyRange { range }
}
