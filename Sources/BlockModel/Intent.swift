import BlockRuntime

/// A multi-collection attempt that has prepared this collection for writing: nothing else may be
/// appended until the home has decided. The entry is ready to be appended.
public struct Intent: Hashable, Sendable {
    public let attempt: Attempt
    public let entry: Entry

    public init(attempt: Attempt, entry: Entry) {
        self.attempt = attempt
        self.entry = entry
    }
}

/// A decision taken at this collection that not all other participants are known to have applied.
public struct OpenDecision: Hashable, Sendable, Comparable {
    public let attempt: Attempt
    /// Participants still to be resolved, ascending.
    public let pending: [CollectionID]

    public init(attempt: Attempt, pending: [CollectionID]) {
        self.attempt = attempt
        self.pending = pending.sorted()
    }

    public static func < (left: Self, right: Self) -> Bool { left.attempt < right.attempt }
}

extension Intent: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(entry)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(attempt: try Attempt(from: &decoder), entry: try Entry(from: &decoder))
    }
}

extension OpenDecision: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(pending)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            attempt: try Attempt(from: &decoder),
            pending: try decoder.ascendingList(
                of: CollectionID.self, countMax: Limits.participantCountMax))
    }
}
