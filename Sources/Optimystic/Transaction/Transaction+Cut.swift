import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// How the revisions that a transaction reads as of come to be those of one moment
/// (protocol: vector-is-proven).
extension Transaction {
    /// A further collection was looked at: from now on all of them are read as of a moment after
    /// that. Where one had moved until then, what was read of it must still have been so.
    func proveCut() async throws {
        let drafts = state.withLock { $0.looked }
        guard drafts.count > 1 else { return }
        let cut = try await database.cut(through: drafts.map(\.info), timeout: timeLeft)
        for (info, revision) in cut {
            guard let draft = drafts.first(where: { $0.info.collection == info.collection }),
                let snapshot = draft.snapshot, snapshot != revision
            else { continue }
            try await compare(draft, with: revision)
            try state.withLock { state throws(DatabaseError) in
                try state.update(info, seen: revision) { current throws(DatabaseError) in
                    guard current.snapshot == snapshot else { throw Transaction.moved(draft) }
                    current.snapshot = revision
                }
            }
        }
    }

    /// Reads at another revision what was read of a tree.
    private func compare(_ draft: CollectionDraft, with revision: Revision) async throws {
        guard !draft.isWatched else { throw Transaction.moved(draft) }
        let snapshot = Tree<Bytes, Bytes>.Snapshot(
            handle: CollectionHandle(database: database, info: draft.info, coding: .bytes),
            revision: revision, read: ReadValues())
        let keys = Array(draft.reads.keys)
        let values = try await snapshot.rawValues(for: keys, timeout: timeLeft).values
        guard zip(keys, values).allSatisfy({ draft.reads[$0] == .some($1) }) else {
            throw Transaction.moved(draft)
        }
        for (range, hash) in draft.ranges {
            var entries: [TreeEntry] = []
            var rest = range
            while true {
                let reply = try await snapshot.page(
                    rest, .forward, asOf: revision, countMax: Limits.pageItemCountMax,
                    timeout: timeLeft
                ).value()
                guard case .treePage(let page) = reply else {
                    throw Database.unexpectedReply(reply)
                }
                entries += page.entries
                guard !page.isLast, let last = page.entries.last else { break }
                rest.lower = KeyBound(last.key, isInclusive: false)
            }
            guard TreeEntriesHash(entries) == hash else { throw Transaction.moved(draft) }
        }
    }

    private static func moved(_ draft: CollectionDraft) -> DatabaseError {
        DatabaseError(
            .conflict, "what was read of \"\(draft.info.name)\" has changed since")
    }
}
