import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// How the revisions that a transaction reads as of come to be those of one moment
/// (protocol: vector-is-proven).
extension Transaction {
    /// A further collection was looked at: only after that, all others are looked at again. Where
    /// one has moved, what was read of it must still be so; then all are looked at once more, until
    /// nothing moves any more: that is a moment at which each was at its revision.
    func proveCut(after newest: CollectionInfo) async throws {
        var isSettled = false
        var passed = newest.collection as CollectionID?
        while !isSettled {
            isSettled = true
            for draft in state.withLock({ $0.looked }) where draft.info.collection != passed {
                let revision = try await look(at: draft.info)
                guard let snapshot = draft.snapshot, snapshot != revision else { continue }
                isSettled = false
                try await compare(draft, with: revision)
                try state.withLock { state throws(DatabaseError) in
                    try state.update(draft.info, seen: revision) { current throws(DatabaseError) in
                        guard current.snapshot == snapshot else { throw Transaction.moved(draft) }
                        current.snapshot = revision
                    }
                }
            }
            passed = nil
        }
    }

    /// - Returns: The revision that a collection is at: one of a look that began with this call.
    func look(at info: CollectionInfo) async throws -> Revision {
        let request = ClientRequest.openCollection(
            OpenCollection(name: info.name, kind: nil, encoding: nil))
        let now: CollectionInfo? = try await database.ask(request, timeout: timeLeft) {
            reply -> CollectionInfo?? in
            switch reply {
            case .collection(let info): .some(.some(info))
            case .absent: .some(.none)
            default: .none
            }
        }
        guard let now, now.incarnation == info.incarnation else {
            throw DatabaseError(
                .collectionNotFound,
                "\"\(info.name)\" was dropped, and perhaps created again, since it was opened")
        }
        return now.revision
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
