import BlockRuntime

/// A shard some of whose blocks could not be made final while those of the others were.
///
/// Names the cluster's shard count, so that its reader can tell which blocks it is about.
package struct LaggingShard: Hashable, Sendable {
    package let shard: ShardID
    package let shardCount: UInt32
    /// Every write of a block of the shard up to here is final.
    package let checkpoint: Revision
    /// No entry after this one, up to the checkpoint that names the shard, wrote a block of it.
    package let last: Revision

    package init(shard: ShardID, of shardCount: UInt32, checkpoint: Revision, last: Revision) {
        self.shard = shard
        self.shardCount = shardCount
        self.checkpoint = checkpoint
        self.last = last
    }

    /// Whether `block` is one of the shard's.
    package func contains(_ block: BlockID) -> Bool {
        ShardID(of: block, shardCount: shardCount) == shard
    }

    /// Whether the two may have a block in common; of two counts nothing else is known.
    func overlaps(_ other: LaggingShard) -> Bool {
        shard == other.shard || shardCount != other.shardCount
    }
}

/// Up to where the writes of a collection are final: versions on a quorum of their shards, which
/// no reader need list (protocol: checkpoint-counts-a-quorum, finality-by-shard).
package struct Checkpoint: Hashable, Sendable {
    /// Every write up to here is final, but for those of the shards that lag.
    package let revision: Revision
    /// At most ``Limits/laggingShardCountMax``, ascending.
    package let lagging: [LaggingShard]

    package init(_ revision: Revision, lagging: [LaggingShard] = []) {
        self.revision = revision
        self.lagging = lagging
    }

    package static let zero = Checkpoint(.zero)

    /// The revision before the oldest entry that is not known to be final as a whole.
    package var oldest: Revision {
        lagging.reduce(revision) { min($0, $1.checkpoint) }
    }

    /// Every write of `block` up to here is final.
    /// - Complexity: O(shards that lag).
    package func revision(of block: BlockID) -> Revision {
        lagging.reduce(revision) { $1.contains(block) ? min($0, $1.checkpoint) : $0 }
    }

    /// The shard that keeps the writes of `block` from being final; nil when none does.
    package func laggingShard(of block: BlockID) -> LaggingShard? {
        lagging.first { $0.contains(block) }
    }

    /// What two true checkpoints say together: no write that either of them calls final is lost.
    package func merged(with other: Checkpoint) -> Checkpoint {
        if other.revision > revision { return other.merged(with: self) }
        let raised = lagging.compactMap { item -> LaggingShard? in
            let others = other.lagging.filter { $0.overlaps(item) }
            let known = others.reduce(other.revision) { min($0, $1.checkpoint) }
            // Two that end at the same revision both know the last write of the shard.
            let last =
                other.revision == revision && !others.contains { $0.shardCount != item.shardCount }
                ? others.reduce(item.last) { min($0, $1.last) } : item.last
            let checkpoint = max(item.checkpoint, known)
            guard checkpoint < last else { return nil }
            return LaggingShard(
                shard: item.shard, of: item.shardCount, checkpoint: checkpoint, last: last)
        }
        return Checkpoint(revision, lagging: raised)
    }

    /// The same for a log that is known only up to `end`.
    package func capped(at end: Revision) -> Checkpoint {
        guard end < revision else { return self }
        let capped = lagging.compactMap { item -> LaggingShard? in
            guard item.checkpoint < end else { return nil }
            return LaggingShard(
                shard: item.shard, of: item.shardCount, checkpoint: item.checkpoint,
                last: min(item.last, end))
        }
        return Checkpoint(end, lagging: capped)
    }

    /// The first revision above `revision` whose entry may have writes that must be listed.
    package func nextListed(after revision: Revision) -> Revision {
        if revision >= self.revision { return revision.next }
        let starts = lagging.filter { $0.last > revision }.map { max($0.checkpoint, revision).next }
        return starts.min() ?? self.revision.next
    }

    /// What about this value cannot be, in words; nil when it is consistent.
    package var inconsistency: String? {
        if lagging.count > Limits.laggingShardCountMax {
            return "\(lagging.count) lagging shards, laggingShardCountMax = "
                + "\(Limits.laggingShardCountMax)"
        }
        for item in lagging {
            if item.shard.rawValue >= item.shardCount { return "a lagging shard out of range" }
            if item.checkpoint >= item.last || item.last > revision {
                return "a shard lags from \(item.checkpoint) to \(item.last), with checkpoint "
                    + "\(revision)"
            }
        }
        if !zip(lagging, lagging.dropFirst()).allSatisfy({ $0.shard < $1.shard }) {
            return "lagging shards that do not ascend"
        }
        return nil
    }
}

extension ShardID {
    /// The shard of a block id: equal ranges of the id's first 64 bits.
    /// - Complexity: O(1).
    package init(of block: BlockID, shardCount: UInt32) {
        let product = block.digest.prefix64.multipliedFullWidth(by: UInt64(shardCount))
        self.init(rawValue: UInt32(product.high))
    }
}

extension LaggingShard: CanonicalCodable {
    /// Bytes of the canonical encoding.
    static let byteCount = 4 + 4 + 8 + 8

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(shard.rawValue)
        encoder.append(shardCount)
        encoder.append(checkpoint)
        encoder.append(last)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            shard: ShardID(rawValue: try decoder.uint32()), of: try decoder.uint32(),
            checkpoint: try Revision(from: &decoder), last: try Revision(from: &decoder))
    }
}

extension Checkpoint: CanonicalCodable {
    /// Bytes of the canonical encoding.
    var byteCount: Int { 8 + 4 + lagging.count * LaggingShard.byteCount }

    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(revision)
        encoder.append(lagging)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            try Revision(from: &decoder),
            lagging: try decoder.list(
                of: LaggingShard.self, countMax: Limits.laggingShardCountMax))
        if let inconsistency { throw decoder.malformed(inconsistency) }
    }
}
