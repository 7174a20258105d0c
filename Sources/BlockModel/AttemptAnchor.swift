import BlockRuntime

/// Names an attempt and says where it is decided: what others keep of an attempt over several
/// collections. The attempt itself is in the entry at its home, and with the pends.
package struct AttemptAnchor: Hashable, Sendable, Comparable {
    /// ``Attempt/digest``.
    package let attempt: Digest
    /// What it aims at where it is decided.
    package let home: Participant

    package init(attempt: Digest, home: Participant) {
        self.attempt = attempt
        self.home = home
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.attempt.bytes.lexicographicallyPrecedes(right.attempt.bytes)
    }
}

extension Attempt {
    package var anchor: AttemptAnchor { AttemptAnchor(attempt: digest, home: homePart) }
}

extension AttemptAnchor: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(attempt)
        encoder.append(home)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(attempt: try decoder.digest(), home: try Participant(from: &decoder))
    }
}
