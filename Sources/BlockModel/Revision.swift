/// The position of an entry in a collection's log: 1 for the first, gapless. 0 is "before any".
public struct Revision: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number: 1 for the first entry of a collection.
    public let rawValue: UInt64
    /// The revision of this number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The revision of this number.
    public init(_ value: UInt64) { rawValue = value }

    /// Before the first entry.
    public static let zero = Revision(0)
    /// The revision after this one.
    public var next: Revision { Revision(rawValue + 1) }
    /// The revision before this one; zero stays zero.
    public var previous: Revision { Revision(rawValue == 0 ? 0 : rawValue - 1) }

    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    /// Its text form.
    public var description: String { "\(rawValue)" }
}

/// A membership of a shard. Votes of two epochs never add up.
package struct Epoch: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package init(_ value: UInt32) { rawValue = value }

    /// The epoch of the members that the cluster file names.
    package static let first = Epoch(1)

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "\(rawValue)" }
}
