import BlockRuntime

/// The name of a collection as its register id: the hash of the name, so that two creators of one
/// name meet at one arbiter.
package struct CollectionID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }

    /// The register id of `name`.
    package init(name: String) {
        digest = Digest(domain: "optimystic/register/1", Array(name.utf8))
    }

    package static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }
    package var description: String { digest.description }
}

/// The address of a block. Three kinds share it, told apart by the domain they are hashed in.
public struct BlockID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }

    /// A content id: the hash of the bytes, so that what is stored under it can be verified.
    public init(content bytes: Bytes) {
        digest = Digest(domain: "optimystic/content/1", bytes)
    }

    /// A structural id: the same action makes the same blocks when it is executed again.
    public init(incarnation: Incarnation, action: ActionID, counter: UInt32) {
        var encoder = CanonicalEncoder()
        encoder.append(incarnation)
        encoder.append(action.rawValue)
        encoder.append(counter)
        digest = Digest(domain: "optimystic/structural/1", encoder.bytes)
    }

    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }
    /// Its text form.
    public var description: String { digest.description }
}

/// One life of a collection's name: dropping and creating it again makes another.
public struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    /// Counts the lives of the name, from 1.
    public let generation: UInt64
    /// Drawn by the creator: two creators of the same generation differ.
    public let nonce: Identifier128

    package init(generation: UInt64, nonce: Identifier128) {
        self.generation = generation
        self.nonce = nonce
    }

    /// Its text form.
    public var description: String { "\(generation):\(nonce)" }
}

/// The id a client draws for one of its actions, before it first sends it. It lands at most once.
public struct ActionID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Its 128 bits.
    public let rawValue: Identifier128
    /// An id that was kept or received.
    public init(rawValue: Identifier128) { self.rawValue = rawValue }
    /// The order of their bytes or numbers.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    /// Its text form.
    public var description: String { rawValue.description }
}

/// One content of an action or batch: executing it again on newer data makes another execution.
package struct PayloadID: Hashable, Sendable, Comparable {
    package let action: ActionID
    package let execution: UInt32

    package init(action: ActionID, execution: UInt32) {
        self.action = action
        self.execution = execution
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.action, left.execution) < (right.action, right.execution)
    }
}

/// A storage peer, by its storage UUID. A peer that lost its data lost this too: it is a new one.
package struct PeerID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { rawValue.description }
}

/// A running cluster. Messages of another one are refused.
package struct ClusterID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
    package var description: String { rawValue.description }
}

/// A fixed range of block ids, replicated by the same members.
package struct ShardID: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "\(rawValue)" }
}
