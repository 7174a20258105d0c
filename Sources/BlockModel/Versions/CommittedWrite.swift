import BlockRuntime

/// A committed write of one block, as the log tells it: at this revision, by this payload.
///
/// A replica alone cannot know that a pend bound to a revision is committed there; whoever read a
/// chosen tail lists the writes that are (protocol C11 A2.1).
public struct CommittedWrite: Hashable, Sendable, Comparable {
    public let revision: Revision
    public let payload: PayloadID

    public init(revision: Revision, payload: PayloadID) {
        self.revision = revision
        self.payload = payload
    }

    public static func < (left: Self, right: Self) -> Bool { left.revision < right.revision }
}

extension CommittedWrite: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(revision)
        encoder.append(payload)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(revision: try Revision(from: &decoder), payload: try PayloadID(from: &decoder))
    }
}
