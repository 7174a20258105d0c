import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite("A shard that lags")
struct LaggingShardTests {
    /// A tree of some leaves whose keys lie in different shards.
    private struct Tree {
        var scene = TreeScene(proxyCount: 1)
        /// A key whose leaf is in ``shard``, and one whose path is elsewhere.
        var late: UInt8 = 0
        var hot: UInt8 = 0
        var shard = ShardID(rawValue: 0)
        var number: UInt64 = 0

        init() throws {
            let keys = [UInt8](1...40)
            for key in keys { try put(key, 0) }
            try settle()
            var paths: [UInt8: Set<ShardID>] = [:]
            for key in keys {
                try act(key, 1)
                let writes = try #require(scene.proxies[0].attempt).writes
                paths[key] = Set(writes.map { ShardID(of: $0.block, shardCount: 16) })
                try land()
            }
            try settle()
            // A value that changes touches its leaf alone.
            let single = paths.filter { $0.value.count == 1 }
            late = try #require(single.keys.min())
            shard = try #require(single[late]?.first)
            hot = try #require(single.filter { !$0.value.contains(shard) }.keys.min())
        }

        /// Proposes a put, and lands it when `answering`.
        mutating func act(_ key: UInt8, _ value: UInt8) throws {
            number += 1
            try scene.act(number, .put(key, value: value))
            try scene.prepare()
        }

        mutating func put(_ key: UInt8, _ value: UInt8) throws {
            try act(key, value)
            try land()
        }

        private mutating func land() throws {
            try scene.answer()
            if scene.store.log.tail.entries.count >= 32 { scene.store.log.seal() }
        }

        /// Ends all that is being made final; what touches the shard that is out fails.
        mutating func settle(out: ShardID? = nil) throws {
            while let next = scene.proxies[0].finalising.first {
                let fails = next.blocks.contains {
                    ShardID(of: $0.block, shardCount: 16) == out
                }
                try scene.finalise(isFinal: !fails)
                try scene.readTail(of: 0)
            }
        }

        /// Time passes in which nobody writes.
        mutating func rest(out: ShardID? = nil) throws {
            for _ in 0..<3 {
                scene.now = scene.now.advanced(by: Limits.laggingRetryTime)
                try scene.handle(0) { $0.tick(&$1) }
                try settle(out: out)
            }
        }
    }

    @Test("Hot blocks of healthy shards are written on while one shard is out for 10,000 entries")
    func outage() throws {
        var tree = try Tree()
        try tree.rest()
        let outage = tree.shard
        for value in 11...13 { try tree.put(tree.late, UInt8(value)) }
        for step in 0..<10_000 {
            try tree.put(tree.hot, UInt8(truncatingIfNeeded: step))
            tree.scene.now = tree.scene.now.advanced(by: .milliseconds(1))
            if step % 8 == 0 { try tree.settle(out: outage) }
        }
        let answers = (1...tree.number).map { tree.scene.answers[$0]?.first }
        #expect(answers.allSatisfy { if case .acted? = $0 { true } else { false } })
        let tail = tree.scene.store.log.tail
        #expect(tail.revision.rawValue - tail.checkpoint.revision.rawValue < 100)
        #expect(tail.checkpoint.lagging.map(\.shard) == [outage])
        let lagging = try #require(tail.checkpoint.lagging.first)
        #expect(lagging.last.rawValue - lagging.checkpoint.rawValue == 3)
        let history = try #require(tree.scene.proxies[0].history)
        #expect(history.itemCount < 200 && history.writeCount < 200)

        // Whoever comes anew reads what is left behind, and what is above the checkpoint.
        var cold: BlockHistory?
        var held = HeldObjects()
        while true {
            do {
                try BlockHistory.catchUp(&cold, to: tail, source: held)
                break
            } catch {
                for key in error.keys {
                    held.objects[key] = try tree.scene.store.log.object(key)
                }
            }
        }
        #expect(held.objects.count < 30)
        #expect(try #require(cold).writeCount < 200)

        // The shard is back.
        try tree.rest()
        try tree.put(tree.hot, 1)
        let after = tree.scene.store.log.tail.checkpoint
        #expect(after.lagging.isEmpty && tree.scene.store.unfinal.count <= 1)
        try tree.rest()
        #expect(tree.scene.proxies[0].writer.isFinal)
    }

    @Test("Past the bound writes of the lagging shard's blocks are refused, and of no others")
    func bound() throws {
        var tree = try Tree()
        try tree.rest()
        let outage = tree.shard
        try tree.put(tree.late, 21)
        for step in 0..<Limits.laggingRevisionCountMax + 100 {
            try tree.put(tree.hot, UInt8(truncatingIfNeeded: step))
            if step % 8 == 0 { try tree.settle(out: outage) }
        }
        // Its pends are taken, it only does not become final: then the bound is reached.
        try tree.put(tree.late, 22)
        for step in 0..<64 {
            try tree.put(tree.hot, UInt8(step))
            if step % 8 == 0 { try tree.settle(out: outage) }
        }
        try tree.act(tree.late, 23)
        let refused = tree.number
        guard case .failed(let error)? = tree.scene.answers[refused]?.first else {
            Issue.record("the write of a block that takes none was not refused")
            return
        }
        #expect(error.code == .overloaded && error.outcome == .notApplied)
        #expect(error.message.contains("shard \(outage)"))
        #expect(tree.scene.proxies[0].attempt == nil)
        // In one batch with it, what touches other shards lands.
        try tree.act(tree.hot, 9)
        #expect(tree.scene.proxies[0].attempt != nil)
        try tree.scene.answer()
        try tree.rest()
        try tree.put(tree.hot, 1)
        try tree.put(tree.late, 24)
        guard case .acted? = tree.scene.answers[tree.number]?.first else {
            Issue.record("a block of a shard that is back is not written")
            return
        }
    }

    @Test("A list trimmed to the newest write would make a read answer with what was before")
    func listsAreWhole() throws {
        // Writes at 3, 4 and 5 of one block are pended, of which only the one at 2 is a version.
        let block = Self.block(1)
        var history = BlockHistory(
            incarnation: Self.life, floor: Checkpoint(Revision(2)))
        for revision in 3...6 as ClosedRange<UInt64> {
            let touched = revision < 6 ? block : Self.block(2)
            history.append(
                Revision(revision), payload: Sample.payload(revision),
                blocks: [Self.touched(touched, revision)])
        }
        let shard = ShardID(of: block, shardCount: 16)
        let checkpoint = Checkpoint(
            Revision(6),
            lagging: [
                LaggingShard(shard: shard, of: 16, checkpoint: Revision(2), last: Revision(5))
            ])
        history.raiseFloor(to: checkpoint)
        #expect(history.committed(block, through: Revision(4)).map(\.revision.rawValue) == [3, 4])
        #expect(
            history.committed(block, through: Revision(6)).map(\.revision.rawValue) == [3, 4, 5])
        #expect(history.committed(Self.block(2), through: Revision(6)).isEmpty)
        // The shard came as far as 4.
        history.raiseFloor(
            to: Checkpoint(
                Revision(5),
                lagging: [
                    LaggingShard(shard: shard, of: 16, checkpoint: Revision(4), last: Revision(5))
                ]))
        #expect(history.committed(block, through: Revision(6)).map(\.revision.rawValue) == [5])
        history.raiseFloor(to: Checkpoint(Revision(6)))
        #expect(history.writeCount == 0)
    }

    // protocol: finality-by-shard, lists-are-never-shortened
    @Test(
        "A checkpoint leaves out no shard that lags",
        arguments: [nil, PlantedBug.laggingShardForgotten])
    func forgotten(bug: PlantedBug?) throws {
        try SimulationHooks.$plantedBug.withValue(bug) {
            var tree = try Tree()
            try tree.rest()
            let outage = tree.shard
            try tree.put(tree.late, 21)
            var isTrue = true
            for step in 0..<64 {
                try tree.act(tree.hot, UInt8(step))
                if let claim = tree.scene.proxies[0].attempt?.checkpoint {
                    isTrue = isTrue && tree.scene.store.isTrue(claim)
                    if !isTrue { return }
                }
                try tree.scene.answer()
                if step % 8 == 0 { try tree.settle(out: outage) }
            }
            #expect(isTrue == (bug == nil))
        }
    }

    @Test("More shards than a checkpoint can name keep it back, and fewer are named")
    func tooMany() throws {
        var checkpointer = Checkpointer(
            incarnation: Self.life, checkpoint: .zero, shardCount: 256)
        var history = BlockHistory(incarnation: Self.life, floor: .zero)
        let blocks = (0..<UInt64(256)).map { Self.block($0, shardCount: 256) }
        for (index, block) in blocks.enumerated() {
            let revision = UInt64(index) + 1
            history.append(
                Revision(revision), payload: Sample.payload(revision),
                blocks: [Self.touched(block, revision)])
        }
        let collection = CollectionID(name: "t")
        var sweep: [FinaliseEntry] = []
        for _ in 0..<256 / Limits.finaliseSweepCountMax {
            sweep += checkpointer.begin(history, collection, countMin: 1, retriesLagging: true)
        }
        #expect(sweep.count == 256)
        // Every third one fails.
        for entry in sweep { checkpointer.ended(entry, isFinal: entry.revision.rawValue % 3 != 0) }
        let claim = try #require(checkpointer.checkpoint(above: .zero, upTo: Revision(256)))
        #expect(claim.lagging.count == Limits.laggingShardCountMax)
        #expect(claim.revision == Revision(65 * 3 - 1) && claim.oldest == Revision(2))
        let retries = checkpointer.begin(history, collection, countMin: 1, retriesLagging: true)
        #expect(retries.map(\.revision.rawValue).sorted() == (1...85).map { $0 * 3 })
        #expect(checkpointer.begin(history, collection, countMin: 1, retriesLagging: true).isEmpty)
        for entry in retries { checkpointer.ended(entry, isFinal: entry.revision != Revision(30)) }
        let later = try #require(checkpointer.checkpoint(above: claim, upTo: Revision(256)))
        #expect(later.revision == Revision(256) && later.oldest == Revision(29))
        #expect(later.lagging.map(\.last) == [Revision(30)])
    }

    private struct HeldObjects: LogObjectSource {
        var objects: [LogObjectKey: LogObject] = [:]
        func object(_ key: LogObjectKey) -> LogObject? { objects[key] }
    }

    private static let life = Incarnation(generation: 1, nonce: Identifier128(9))

    /// A block in the shard of that number, of 16 shards where nothing else is said.
    private static func block(_ shard: UInt64, shardCount: UInt64 = 16) -> BlockID {
        var bytes = Bytes(repeating: 7, count: 32)
        let prefix = shard * (UInt64.max / shardCount) + 1000
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: prefix >> (56 - 8 * index)) }
        guard let digest = Digest(bytes) else { fatalError("invariant: 32 bytes") }
        return BlockID(digest)
    }

    private static func touched(_ block: BlockID, _ revision: UInt64) -> TouchedBlock {
        TouchedBlock(
            block: block, baseRevision: Revision(revision - 1), basePayload: nil,
            transformHash: .zero,
            resultHash: Digest(domain: "test", [UInt8(truncatingIfNeeded: revision)]))
    }
}
