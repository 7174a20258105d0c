import BlockRuntime

/// What the entry at the home of a transaction keeps of it.
package struct TransactionRecord: Hashable, Sendable, Comparable {
    /// The transaction's id.
    package let action: ActionID
    package let source: TransactionSource
    /// ``TransactionSource/hash(_:_:)``.
    package let hash: Digest

    package init(action: ActionID, source: TransactionSource, hash: Digest) {
        self.action = action
        self.source = source
        self.hash = hash
    }

    package static func < (left: Self, right: Self) -> Bool { left.action < right.action }
}

extension Sequence<Action> {
    /// The bytes of a transaction's actions in one entry, as its record has them; nil when it has
    /// only looked there: it is in that entry since a fellow writes it, and nothing of it is
    /// recorded (protocol: group-shares-one-home).
    package var recorded: [Bytes]? {
        let nothing = TreeOutcome.applied(existed: []).canonicalBytes
        return allSatisfy { $0.outcome == nothing } ? nil : map(\.bytes)
    }
}

extension TransactionRecord: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(action)
        encoder.append(source)
        encoder.append(hash)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            action: try ActionID(from: &decoder), source: try TransactionSource(from: &decoder),
            hash: try decoder.digest())
    }
}
