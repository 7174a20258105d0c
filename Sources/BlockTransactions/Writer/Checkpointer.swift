import BlockModel
import BlockRuntime

/// Sees to it that committed writes become versions on a quorum of their shards, and knows up to
/// where they have: the ground of checkpoints (protocol C5.15, C11 A2.5).
struct Checkpointer: Sendable {
    let incarnation: Incarnation
    /// The blocks of every entry up to here are versions on their quorums.
    private(set) var confirmed: Revision
    /// What is under way: up to where, what of it has not ended, and whether some of it failed.
    private var sweep: (last: Revision, remaining: Set<Revision>, failed: Bool)?

    /// - Parameter checkpoint: A chosen one.
    init(incarnation: Incarnation, checkpoint: Revision) {
        self.incarnation = incarnation
        confirmed = checkpoint
    }

    /// Begins with the oldest entries that are not confirmed, unless that is under way.
    /// - Parameters:
    ///   - history: Of this life.
    ///   - countMin: Fewer entries are left for later.
    /// - Returns: What to finalise; each is to be told to ``ended(isFinal:)``.
    mutating func begin(
        _ history: BlockHistory, _ collection: CollectionID, countMin: Int
    ) -> [FinaliseEntry] {
        guard history.incarnation == incarnation else { return [] }
        confirmed = max(confirmed, history.floor)
        guard sweep == nil else { return [] }
        let items = history.items(after: confirmed).prefix(Limits.finaliseSweepCountMax)
        guard let last = items.last?.revision, items.count >= max(1, countMin) else { return [] }
        let header = BlockID(collection.digest)
        let entries = items.map { item in
            FinaliseEntry(
                collection: collection, incarnation: incarnation, revision: item.revision,
                payload: item.payload,
                blocks: item.blocks.filter { $0.block != header }.map {
                    WrittenBlock(block: $0.block, resultHash: $0.resultHash)
                })
        }
        sweep = (last, Set(entries.map(\.revision)), false)
        return entries
    }

    /// An entry was made final, or could not be. What a writer before this one, or an earlier life,
    /// had under way says nothing of the others.
    mutating func ended(_ entry: FinaliseEntry, isFinal: Bool) {
        guard entry.incarnation == incarnation, var current = sweep,
            current.remaining.remove(entry.revision) != nil
        else { return }
        current.failed = current.failed || !isFinal
        sweep = current.remaining.isEmpty ? nil : current
        if current.remaining.isEmpty, !current.failed {
            mark("writer.finalised")
            confirmed = max(confirmed, current.last)
        }
    }

    /// A checkpoint worth putting into the entry after `revision`; nil when there is none. Readers
    /// may have seen more of the log than the writer, so that more is confirmed than it may claim.
    func checkpoint(above chosen: Revision, upTo revision: Revision) -> Revision? {
        let claim = min(confirmed, revision)
        return claim > chosen ? claim : nil
    }
}
