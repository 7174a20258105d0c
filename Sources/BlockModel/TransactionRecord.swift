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
