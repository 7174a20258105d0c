import BlockModel
import BlockRuntime

/// Sees to it that committed writes become versions on a quorum of their shards, and knows which
/// have: the ground of checkpoints (protocol: checkpoint-counts-a-quorum, finality-by-shard).
///
/// What fails is told apart by shard: an entry that could not be made final as a whole is tried
/// again one shard at a time. A shard that fails alone lags from then on: one write of it is tried
/// again and again, the others wait for that one, and nothing else waits for any of them.
package struct Checkpointer: Sendable {
    /// What one entry wrote into one shard and is not known to be final.
    private struct Share {
        let payload: PayloadID
        var blocks: [WrittenBlock]
        var isUnderWay: Bool
    }

    let incarnation: Incarnation
    private let shardCount: UInt32
    /// Of the entries up to here everything is final but what ``shares`` has.
    private var begun: Revision
    private var shares: [ShardID: [Revision: Share]] = [:]
    /// The newest entry up to ``begun`` that wrote into a shard, as far as it was seen.
    private var lastWrites: [ShardID: Revision] = [:]
    /// Shards of which some write, asked for alone, could not be made final.
    private var lagging: Set<ShardID> = []

    /// - Parameters:
    ///   - checkpoint: A chosen one.
    ///   - shardCount: Of the cluster.
    package init(incarnation: Incarnation, checkpoint: Checkpoint, shardCount: Int) {
        self.incarnation = incarnation
        self.shardCount = UInt32(shardCount)
        begun = checkpoint.oldest
    }

    /// Whether everything up to `revision` is final.
    func isFinal(through revision: Revision) -> Bool { begun >= revision && shares.isEmpty }

    /// Whether some shard is left behind: it is to be tried again in a while.
    var hasLaggingShards: Bool { !lagging.isEmpty }

    // MARK: Sweeping

    /// Begins with the oldest entries that were not begun, and again with what failed.
    /// - Parameters:
    ///   - history: Of this life.
    ///   - countMin: Fewer new entries are left for later.
    ///   - retriesLagging: Whether the shards that lag are tried again.
    /// - Returns: What to finalise; each is to be told to ``ended(_:isFinal:)``.
    package mutating func begin(
        _ history: BlockHistory, _ collection: CollectionID, countMin: Int, retriesLagging: Bool
    ) -> [FinaliseEntry] {
        guard history.incarnation == incarnation, history.isComplete else { return [] }
        follow(history)
        var entries = retries(collection, lagging: retriesLagging)
        let items = history.items(after: begun).prefix(Limits.finaliseSweepCountMax)
        guard items.count >= max(1, countMin), underWayCount < Limits.finalisingCountMax else {
            return entries
        }
        for item in items { entries += begin(item, collection) }
        return entries
    }

    /// Entries under way that nothing is known to be wrong with.
    private var underWayCount: Int {
        var revisions: Set<Revision> = []
        for (shard, shares) in shares where !lagging.contains(shard) {
            for (revision, share) in shares where share.isUnderWay { revisions.insert(revision) }
        }
        return revisions.count
    }

    /// What others found to be final needs no work, and what they left behind does.
    private mutating func follow(_ history: BlockHistory) {
        let floor = history.floor
        for shard in Array(shares.keys) {
            let end = floor.lagging.first { $0.shard == shard }?.checkpoint ?? floor.revision
            shares[shard] = shares[shard]?.filter { $0.key > end }
            drop(shard)
        }
        guard floor.revision > begun else { return }
        for item in floor.lagging {
            for (block, write) in history.listed(in: item) where write.revision > begun {
                add(
                    WrittenBlock(block: block, resultHash: write.resultHash), write.revision,
                    write.payload, isUnderWay: false)
                lagging.insert(item.shard)
            }
            lastWrites[item.shard] = max(lastWrites[item.shard] ?? .zero, item.last)
        }
        begun = floor.revision
    }

    private mutating func begin(
        _ item: BlockHistory.Item, _ collection: CollectionID
    ) -> [FinaliseEntry] {
        invariant(item.revision == begun.next, "\(item.revision) begun after \(begun)")
        begun = item.revision
        let header = BlockID(collection.digest)
        var together: [WrittenBlock] = []
        for touched in item.blocks where touched.block != header {
            let shard = ShardID(of: touched.block, shardCount: shardCount)
            let block = WrittenBlock(block: touched.block, resultHash: touched.resultHash)
            let isLate = lagging.contains(shard)
            add(block, item.revision, item.payload, isUnderWay: !isLate)
            lastWrites[shard] = item.revision
            if !isLate { together.append(block) }
        }
        guard !together.isEmpty else { return [] }
        return [entry(item.revision, item.payload, together, collection)]
    }

    private mutating func add(
        _ block: WrittenBlock, _ revision: Revision, _ payload: PayloadID, isUnderWay: Bool
    ) {
        let shard = ShardID(of: block.block, shardCount: shardCount)
        var share =
            shares[shard]?[revision]
            ?? Share(payload: payload, blocks: [], isUnderWay: isUnderWay)
        if !share.blocks.contains(block) { share.blocks.append(block) }
        shares[shard, default: [:]][revision] = share
    }

    private func entry(
        _ revision: Revision, _ payload: PayloadID, _ blocks: [WrittenBlock],
        _ collection: CollectionID
    ) -> FinaliseEntry {
        invariant(!blocks.isEmpty, "nothing of \(revision) is to be made final")
        return FinaliseEntry(
            collection: collection, incarnation: incarnation, revision: revision,
            payload: payload, blocks: blocks)
    }

    /// What failed before, by shard; of one that lags its oldest write only.
    private mutating func retries(
        _ collection: CollectionID, lagging retriesLagging: Bool
    ) -> [FinaliseEntry] {
        var entries: [FinaliseEntry] = []
        for shard in shares.keys.sorted() {
            guard let held = shares[shard] else { continue }
            let isLate = lagging.contains(shard)
            if isLate, !retriesLagging || held.values.contains(where: \.isUnderWay) { continue }
            let idle = held.filter { !$0.value.isUnderWay }.sorted { $0.key < $1.key }
            for (revision, share) in idle.prefix(isLate ? 1 : Limits.finaliseSweepCountMax) {
                shares[shard]?[revision]?.isUnderWay = true
                entries.append(entry(revision, share.payload, share.blocks, collection))
            }
        }
        if !entries.isEmpty { mark("checkpointer.retries") }
        return entries
    }

    /// What ``begin(_:_:countMin:retriesLagging:)`` gave out was made final, or could not be. What
    /// a writer before this one, or an earlier life, had under way says nothing of the others.
    package mutating func ended(_ entry: FinaliseEntry, isFinal: Bool) {
        guard entry.incarnation == incarnation else { return }
        let touched = Dictionary(grouping: entry.blocks) {
            ShardID(of: $0.block, shardCount: shardCount)
        }
        invariant(!touched.isEmpty, "nothing of \(entry.revision) was to be made final")
        for (shard, blocks) in touched {
            guard var share = shares[shard]?[entry.revision], share.isUnderWay,
                share.payload == entry.payload, Set(share.blocks) == Set(blocks)
            else { continue }
            share.isUnderWay = false
            shares[shard]?[entry.revision] = isFinal ? nil : share
            if isFinal {
                mark("writer.finalised")
                lagging.remove(shard)
                drop(shard)
            } else if touched.count == 1 {
                mark("checkpointer.lags")
                lagging.insert(shard)
            }
        }
    }

    /// Forgets a shard of which everything is final.
    private mutating func drop(_ shard: ShardID) {
        guard shares[shard]?.isEmpty == true else { return }
        shares[shard] = nil
        lagging.remove(shard)
    }

    // MARK: Claiming

    /// A checkpoint worth putting into the entry after `revision`; nil when there is none. Readers
    /// may have seen more of the log than the writer, so that more is final than it may claim.
    package func checkpoint(above chosen: Checkpoint, upTo revision: Revision) -> Checkpoint? {
        let claim = claim(upTo: revision)
        invariant(
            claim.lagging.count <= Limits.laggingShardCountMax,
            "\(claim.lagging.count) shards lag")
        return chosen.merged(with: claim) == chosen ? nil : claim
    }

    private func claim(upTo revision: Revision) -> Checkpoint {
        let end = min(begun, revision)
        let oldest = shares.compactMapValues { $0.keys.min() }.filter { $0.value <= end }
        let late = oldest.filter { lagging.contains($0.key) }
            .sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        let named = Set(late.prefix(Limits.laggingShardCountMax).map(\.key))
        // Everything else holds the whole checkpoint back.
        let bound = oldest.filter { !named.contains($0.key) }.values.min()
        let common = bound.map { min(end, $0.previous) } ?? end
        invariant(common <= revision, "\(common) is claimed at \(revision)")
        if planted(.laggingShardForgotten) { return Checkpoint(common) }
        let left = named.sorted().compactMap { shard -> LaggingShard? in
            guard let first = oldest[shard], first <= common else { return nil }
            let last = min(lastWrites[shard] ?? common, common)
            return LaggingShard(
                shard: shard, of: shardCount, checkpoint: first.previous, last: last)
        }
        return Checkpoint(common, lagging: left)
    }

    package func checkInvariants() {
        for (shard, held) in shares {
            invariant(!held.isEmpty, "\(shard) is kept though all of it is final")
            invariant(held.keys.allSatisfy { $0 <= begun }, "a write of \(shard) above \(begun)")
        }
        invariant(lagging.allSatisfy { shares[$0] != nil }, "a shard lags with nothing to do")
    }
}
