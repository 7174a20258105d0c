import BlockModel
import BlockRuntime
import ModelSamples
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    private static let shardCount: UInt32 = 4

    /// A log in which each entry writes one block, and what of it is final.
    private struct History {
        var blocks: [BlockID] = []
        var isFinal: [Bool] = []

        func shard(_ index: Int) -> ShardID {
            ShardID(of: blocks[index], shardCount: CheckpointTests.shardCount)
        }

        /// Whether `checkpoint` says nothing that is not so.
        func supports(_ checkpoint: Checkpoint) -> Bool {
            blocks.indices.allSatisfy { index in
                let revision = Revision(UInt64(index) + 1)
                if revision <= checkpoint.revision(of: blocks[index]), !isFinal[index] {
                    return false
                }
                guard revision <= checkpoint.revision,
                    let item = checkpoint.laggingShard(of: blocks[index])
                else { return true }
                return revision <= item.last
            }
        }

        /// The checkpoint at `end` that leaves behind whatever it must.
        func checkpoint(at end: Int) -> Checkpoint {
            var lagging: [LaggingShard] = []
            for number in 0..<CheckpointTests.shardCount {
                let shard = ShardID(rawValue: number)
                let ours = (0..<end).filter { self.shard($0) == shard }
                guard let first = ours.first(where: { !isFinal[$0] }), let last = ours.last else {
                    continue
                }
                lagging.append(
                    LaggingShard(
                        shard: shard, of: CheckpointTests.shardCount,
                        checkpoint: Revision(UInt64(first)), last: Revision(UInt64(last) + 1)))
            }
            return Checkpoint(Revision(UInt64(end)), lagging: lagging)
        }
    }

    @Test("Two true checkpoints make a true one that loses nothing of either, in any order")
    func merging() {
        var random = SeededGenerator(seed: 5)
        var samples = ModelSamples(seed: 6)
        for _ in 0..<400 {
            var history = History()
            var known: [Checkpoint] = []
            let names = (0..<6).map { _ in samples.block() }
            for _ in 0..<24 {
                history.blocks.append(names[random.below(names.count)])
                history.isFinal.append(random.chance(1, in: 2))
                if random.chance(1, in: 2) {
                    history.isFinal[random.below(history.isFinal.count)] = true
                }
                known.append(history.checkpoint(at: 1 + random.below(history.blocks.count)))
            }
            #expect(known.allSatisfy { $0.inconsistency == nil && history.supports($0) })
            var merged = Checkpoint.zero
            for next in known.shuffled(using: &random) {
                let both = merged.merged(with: next)
                #expect(both == next.merged(with: merged))
                #expect(both.merged(with: next) == both)
                #expect(both.inconsistency == nil && history.supports(both))
                #expect(both.revision == max(merged.revision, next.revision))
                for block in names {
                    let best = max(merged.revision(of: block), next.revision(of: block))
                    #expect(both.revision(of: block) >= best)
                }
                merged = both
            }
            for end in 0...24 {
                let capped = merged.capped(at: Revision(UInt64(end)))
                #expect(capped.inconsistency == nil && history.supports(capped))
            }
        }
    }

    @Test("What need not be listed is passed over, and nothing else is")
    func nextListed() {
        let checkpoint = Checkpoint(
            Revision(100),
            lagging: [
                LaggingShard(
                    shard: ShardID(rawValue: 1), of: 4, checkpoint: Revision(10),
                    last: Revision(12)),
                LaggingShard(
                    shard: ShardID(rawValue: 3), of: 4, checkpoint: Revision(50),
                    last: Revision(51)),
            ])
        #expect(checkpoint.oldest == Revision(10))
        var revision = checkpoint.oldest
        var listed: [UInt64] = []
        while revision < Revision(103) {
            revision = checkpoint.nextListed(after: revision)
            listed.append(revision.rawValue)
        }
        #expect(listed == [11, 12, 51, 101, 102, 103])
    }

    @Test("A shard count that another checkpoint does not share says nothing about it")
    func otherCount() {
        let all = LaggingShard(
            shard: ShardID(rawValue: 0), of: 1, checkpoint: Revision(5), last: Revision(9))
        let one = LaggingShard(
            shard: ShardID(rawValue: 2), of: 4, checkpoint: Revision(3), last: Revision(20))
        let merged = Checkpoint(Revision(10), lagging: [all])
            .merged(with: Checkpoint(Revision(30), lagging: [one]))
        #expect(merged.lagging.map(\.checkpoint) == [Revision(5)])
        #expect(merged.lagging.map(\.last) == [Revision(20)])
    }
}
