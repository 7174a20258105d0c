import BlockRuntime

/// Asks for one action on a collection, exactly once.
public struct ActionRequest: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let action: ActionID
    /// The revision the client had seen when it first sent this action. Fixed over all retries: an
    /// earlier landing is looked for from here on.
    public let firstRevision: Revision
    public let content: ActionContent

    public init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision, content: ActionContent
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
        self.content = content
    }
}

/// A place in a log: the entry's revision, and which action of it.
public struct LogPosition: Hashable, Sendable, Comparable {
    public let revision: Revision
    public let index: UInt32

    public init(revision: Revision, index: UInt32) {
        self.revision = revision
        self.index = index
    }

    /// Before the first entry.
    public static let start = LogPosition(revision: .zero, index: 0)

    public static func < (left: Self, right: Self) -> Bool {
        (left.revision, left.index) < (right.revision, right.index)
    }
}

extension LogPosition: CustomStringConvertible {
    /// `revision.index`.
    public var description: String { "\(revision).\(index)" }

    /// - Returns: nil unless `text` is `revision.index`, both decimal.
    public init?(text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let revision = UInt64(parts[0]), let index = UInt32(parts[1]),
            revision <= Limits.counterMax
        else { return nil }
        self.init(revision: Revision(revision), index: index)
    }
}

/// Where an action landed, and what came of it.
public struct ActionLanding: Hashable, Sendable {
    public let position: LogPosition
    public let outcome: ActionOutcome

    public init(position: LogPosition, outcome: ActionOutcome) {
        self.position = position
        self.outcome = outcome
    }
}

/// Asks what became of an action.
public struct ActionStatusRequest: Hashable, Sendable {
    public let collection: CollectionID
    public let incarnation: Incarnation
    public let action: ActionID
    /// As in the request that sent the action.
    public let firstRevision: Revision

    public init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
    }
}
