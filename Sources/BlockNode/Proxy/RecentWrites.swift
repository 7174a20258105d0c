import BlockModel
import BlockRuntime
import BlockTransactions

/// What transactions of a proxy have lately written to single keys of trees, and where: enough to
/// tell one that waits for its turn that it has lost already, without a round for that.
///
/// It knows of no other writes, so it never tells that a condition holds.
struct RecentWrites: Sendable {
    private struct Write: Sendable {
        /// nil: the key has no value.
        let hash: TreeValueHash?
        let revision: Revision
    }

    private var writes = TwoGenerationCache<TransactionFootprint.Key, Write>(
        countMax: Limits.recentWriteCountMax)

    /// A transaction has landed.
    mutating func note(_ actions: [ActionContent], on collection: CollectionID, at: Revision) {
        for case .tree(let action) in actions {
            for operation in action.operations {
                switch operation {
                case .put(let key, let value):
                    note(key, TreeValueHash(value), on: collection, at: at)
                case .delete(let key): note(key, nil, on: collection, at: at)
                }
            }
        }
    }

    private mutating func note(
        _ key: Bytes, _ hash: TreeValueHash?, on collection: CollectionID, at revision: Revision
    ) {
        let place = TransactionFootprint.Key(collection: collection, key: key)
        invariant(revision > .zero, "a write before the first entry")
        // Those of one entry are told in their order.
        guard writes[place].map({ $0.revision <= revision }) ?? true else { return }
        writes.put(Write(hash: hash, revision: revision), for: place, weight: 1)
    }

    /// Where a condition was broken that actions rely on, which have seen nothing that is newer.
    /// - Parameter seen: What was read was of this revision, or of an earlier one.
    mutating func brokenAt(
        _ actions: [ActionContent], on collection: CollectionID, seen: Revision
    ) -> Revision? {
        for case .tree(let action) in actions {
            for check in action.checks {
                switch check {
                case .value(let key, let hash):
                    if let write = newest(key, on: collection, after: seen), write.hash != hash {
                        return write.revision
                    }
                case .present(let key):
                    if let write = newest(key, on: collection, after: seen), write.hash == nil {
                        return write.revision
                    }
                case .range: break
                }
            }
        }
        return nil
    }

    private mutating func newest(
        _ key: Bytes, on collection: CollectionID, after revision: Revision
    ) -> Write? {
        let place = TransactionFootprint.Key(collection: collection, key: key)
        guard let write = writes.value(place), write.revision > revision else { return nil }
        return write
    }

    /// What one is told that has lost while it waited.
    static func broken(at revision: Revision) -> DatabaseError {
        mark("transaction.brokenWhileWaiting")
        return DatabaseError(
            .conflict, "what it relies on has changed at revision \(revision)",
            retryAfter: RetryTiming.keptTurn)
    }
}
