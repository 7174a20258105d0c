import BlockRuntime

/// An attempt over several collections has prepared this one for writing: nothing else may be
/// appended until the home has decided. The entry is ready to be appended.
package struct Intent: Hashable, Sendable {
    package let entry: Entry
    /// The attempt that the entry is this collection's part of.
    package let attempt: Attempt

    /// - Returns: nil when the entry is none of an attempt over several collections.
    package init?(entry: Entry) {
        guard let attempt = entry.attempt else { return nil }
        self.entry = entry
        self.attempt = attempt
    }
}

/// A decision taken at this collection that not all other participants are known to have carried
/// out. The entry at ``target`` names them.
package struct OpenDecision: Hashable, Sendable, Comparable {
    /// ``Attempt/digest``.
    package let attempt: Digest
    package let target: Revision

    package init(attempt: Digest, target: Revision) {
        self.attempt = attempt
        self.target = target
    }

    package static func < (left: Self, right: Self) -> Bool { left.target < right.target }
}

extension Entry {
    /// The attempt over several collections that the entry is a part of; nil when it is of one that
    /// this collection decided alone.
    package var attempt: Attempt? {
        guard let home, participants.contains(where: { $0.collection == home }) else { return nil }
        return Attempt(payload: payload, home: home, participants: participants)
    }
}

extension Tail {
    /// Whether an attempt over several collections has prepared here, and is not resolved.
    package func holdsIntent(of attempt: Digest) -> Bool {
        exclusiveIntent?.attempt.digest == attempt
            || sharedIntents.contains { $0.attempt == attempt }
    }

    /// Every attempt that has prepared here and is not resolved, the writer first.
    package var intents: [AttemptAnchor] {
        (exclusiveIntent.map { [$0.attempt.anchor] } ?? []) + sharedIntents
    }
}

extension Intent: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(entry) }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        guard let intent = Intent(entry: try Entry(from: &decoder)) else {
            throw decoder.malformed("an intent of an attempt on one collection")
        }
        self = intent
    }
}

extension OpenDecision: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(target)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(attempt: try decoder.digest(), target: try Revision(from: &decoder))
    }
}
