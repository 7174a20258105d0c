import BlockRuntime

/// A multi-collection attempt that has prepared this collection for writing: nothing else may be
/// appended until the home has decided. The entry is ready to be appended.
package struct Intent: Hashable, Sendable {
    package let attempt: Attempt
    package let entry: Entry

    package init(attempt: Attempt, entry: Entry) {
        self.attempt = attempt
        self.entry = entry
    }
}

/// A decision taken at this collection that not all other participants are known to have applied.
package struct OpenDecision: Hashable, Sendable, Comparable {
    package let attempt: Attempt
    /// Participants still to be resolved, ascending.
    package let pending: [CollectionID]

    package init(attempt: Attempt, pending: [CollectionID]) {
        self.attempt = attempt
        self.pending = pending.sorted()
    }

    package static func < (left: Self, right: Self) -> Bool { left.attempt < right.attempt }
}

extension Intent: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(entry)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(attempt: try Attempt(from: &decoder), entry: try Entry(from: &decoder))
    }
}

extension OpenDecision: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(pending)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            attempt: try Attempt(from: &decoder),
            pending: try decoder.ascendingList(
                of: CollectionID.self, countMax: Limits.participantCountMax))
    }
}
