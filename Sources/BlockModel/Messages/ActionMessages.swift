import BlockRuntime

/// Asks for one action on a collection, exactly once.
package struct ActionRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let action: ActionID
    /// The revision the client had seen when it first sent this action. Fixed over all retries: an
    /// earlier landing is looked for from here on.
    package let firstRevision: Revision
    package let content: ActionContent
    /// The id of the first run of the body of a transaction that this is a run of; nil when it is
    /// no transaction. By it a proxy lets one that has lost to others go first.
    package let body: ActionID?

    package init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision, content: ActionContent, body: ActionID? = nil
    ) {
        self.body = body
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
        self.content = content
    }
}

/// A place in a log: the entry's revision, and which action of it.
package struct LogPosition: Hashable, Sendable, Comparable {
    package let revision: Revision
    package let index: UInt32

    package init(revision: Revision, index: UInt32) {
        self.revision = revision
        self.index = index
    }

    /// Before the first entry.
    package static let start = LogPosition(revision: .zero, index: 0)

    package static func < (left: Self, right: Self) -> Bool {
        (left.revision, left.index) < (right.revision, right.index)
    }
}

extension LogPosition: CustomStringConvertible {
    /// `revision.index`.
    package var description: String { "\(revision).\(index)" }

    /// - Returns: nil unless `text` is `revision.index`, both decimal.
    package init?(text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let revision = UInt64(parts[0]), let index = UInt32(parts[1]),
            revision <= Limits.counterMax
        else { return nil }
        self.init(revision: Revision(revision), index: index)
    }
}

/// Where an action landed, and what came of it.
package struct ActionLanding: Hashable, Sendable {
    package let position: LogPosition
    package let outcome: ActionOutcome

    package init(position: LogPosition, outcome: ActionOutcome) {
        self.position = position
        self.outcome = outcome
    }
}

/// Asks what became of an action.
package struct ActionStatusRequest: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    package let action: ActionID
    /// As in the request that sent the action.
    package let firstRevision: Revision

    package init(
        collection: CollectionID, incarnation: Incarnation, action: ActionID,
        firstRevision: Revision
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.action = action
        self.firstRevision = firstRevision
    }
}
