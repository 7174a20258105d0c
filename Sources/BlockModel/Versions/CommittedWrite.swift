import BlockRuntime

/// A committed write of one block, as the log tells it: at this revision, by this payload, and what
/// it makes of the block.
///
/// A replica alone cannot know that a pend bound to a revision is committed there; a reader of a
/// chosen tail lists the writes that are (protocol: pend-found-by-payload).
package struct CommittedWrite: Hashable, Sendable, Comparable {
    package let revision: Revision
    package let payload: PayloadID
    /// ``TouchedBlock/resultHash`` of the entry: it tells apart the contents of a payload id that
    /// came twice. ``Digest/zero`` when the write removed the block.
    package let resultHash: Digest

    package init(revision: Revision, payload: PayloadID, resultHash: Digest) {
        self.revision = revision
        self.payload = payload
        self.resultHash = resultHash
    }

    /// Whether the block is gone after it.
    package var isRemoval: Bool { resultHash == .zero }

    package static func < (left: Self, right: Self) -> Bool { left.revision < right.revision }
}

extension CommittedWrite: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(revision)
        encoder.append(payload)
        encoder.append(resultHash)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            revision: try Revision(from: &decoder), payload: try PayloadID(from: &decoder),
            resultHash: try decoder.digest())
    }
}
