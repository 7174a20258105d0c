import BlockModel

/// What a transaction that has taken effect is known by.
public struct TransactionCommit: Hashable, Sendable {
    /// What its fate is asked by, see ``Database/status(of:timeout:)``; nil when it has written
    /// nothing.
    public let id: TransactionID?
    /// Where each of its collections was when it took effect: of one that was written, with what it
    /// wrote; of one that was read, as it was read.
    public let revisions: RevisionVector
}

/// What became of a transaction.
public enum TransactionStatus: Hashable, Sendable {
    /// It took effect. A collection that was dropped since is not in its vector.
    case committed(TransactionCommit)
    /// It had not, up to this revision of the collection that decides. It may yet, while its
    /// request, or a retry of it, is on its way.
    case notCommitted(asOf: Revision)
}
