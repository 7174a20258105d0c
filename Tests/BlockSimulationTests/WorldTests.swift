import BlockRuntime
import BlockSimulation
import Testing

#if SIMULATION_HOOKS
/// The seeded world over the machines that ship.
@Suite struct WorldTests {
    /// Seeds of one run of the suite, in parts that run side by side.
    static let seedCount = 200
    static let partCount = 4

    @Test("No promise is broken in any seed, every fault happens, every rare branch is taken")
    func seeds() async throws {
        let share = WorldTests.seedCount / WorldTests.partCount
        let parts = try await withThrowingTaskGroup(of: Part.self) { group in
            for part in 0..<WorldTests.partCount {
                let seeds = UInt64(part * share + 1)...UInt64((part + 1) * share)
                group.addTask { try Part.run(seeds) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let acknowledged = parts.reduce(0) { $0 + $1.acknowledgedCount }
        #expect(
            acknowledged > WorldTests.seedCount * 20, "the worlds stood still: they prove nothing")
        for fault in WorldTests.faults {
            let count = parts.reduce(0) { $0 + $1.seedCounts[fault, default: 0] }
            #expect(count >= 5, "\(fault) in \(count) worlds of \(WorldTests.seedCount)")
        }
        for mark in WorldTests.expectedMarks {
            let count = parts.reduce(0) { $0 + $1.marks[mark, default: 0] }
            #expect(count >= 3, "\(mark): never or hardly passed")
        }
    }

    /// Seeds that run one after another, and what they passed.
    private struct Part: Sendable {
        var acknowledgedCount = 0
        var marks: [String: Int] = [:]
        /// In how many worlds each mark was passed.
        var seedCounts: [String: Int] = [:]

        static func run(_ seeds: ClosedRange<UInt64>) throws -> Part {
            var part = Part()
            for seed in seeds {
                let recorder = MarkRecorder()
                let verdict = try SimulationHooks.$marks.withValue(recorder) {
                    try World.run(seed: seed)
                }
                part.acknowledgedCount += verdict.acknowledgedCount
                #expect(
                    verdict.outcome == .valid,
                    "seed \(seed): replay with `make simulate SEED=\(seed)`")
                part.marks.merge(recorder.counts) { $0 + $1 }
                part.seedCounts.merge(recorder.counts.mapValues { _ in 1 }) { $0 + $1 }
            }
            return part
        }
    }

    /// What goes wrong in worlds: each family in so many that its absence would be seen.
    static let faults = [
        "disk.bit.flipped", "disk.sync.failed", "journal.slot.torn",
        "world.connection.broken",
        "world.crash.client", "world.crash.coordinator", "world.crash.peer", "world.crash.proxy",
        "world.link.slow", "world.message.clogged", "world.message.cut", "world.message.doubled",
        "world.message.lost", "world.message.straggler", "world.partition",
        "world.peer.diedInside", "world.powerCut",
    ]

    /// Not here, because no world of today gets there: `ballots.newProposer` (after 2³² ballots),
    /// `blockPend.outstanding` and `blockReplica.outstanding` (proxies mind no other pends),
    /// `blockRead.damaged` and `fetch.damaged` (a replica's own check comes before),
    /// `disk.synced.dropped` (no disk takes synced writes back), `scrub.repair` (nobody walks),
    /// `writer.actionFailed` and `writer.batchTooLarge` (no action is so large).
    static let expectedMarks = [
        "acceptor.accept.rejected", "acceptor.prepare.rejected", "blockPend.needsBase",
        "blockRead.askOthers", "blockRead.repair", "chain.detached", "chain.extended",
        "coordinator.discard", "coordinator.reply.foreign", "disk.read.failed", "proposer.retry",
        "proposer.seal", "proposer.writeBack", "storage.content.corrupt",
        "structures.updatesBecomeImage",
        "counters.counted", "life.later", "lists.conflict", "lists.unknownHappened",
        "once.sentAgain", "past.askedAgain", "queue.delivered",
        "tail.commit.alreadyLanded", "tailRead.timeout", "tailRead.undecided",
        "tree.branchMerge", "tree.branchShare", "tree.branchSplit", "tree.emptied",
        "tree.leafMerge", "tree.leafShare", "tree.leafSplit", "tree.rootCollapse",
        "tree.rootSplit", "writer.finalised", "writer.foundLanded", "writer.joined",
        "writer.missingBlocks", "writer.moved", "writer.rebased", "writer.scanFetches",
    ]

    @Test("The same seed twice is the same run", arguments: [3, 5, 8, 14, 77] as [UInt64])
    func replay(seed: UInt64) throws {
        let first = try World.run(seed: seed)
        let second = try World.run(seed: seed)
        #expect(first.trace == second.trace)
        #expect(first.eventCount == second.eventCount)
        #expect(first.acknowledgedCount == second.acknowledgedCount)
    }

    @Test("Different seeds are different runs")
    func distinct() throws {
        let traces = try (1...10).map { try World.run(seed: UInt64($0)).trace.value }
        #expect(Set(traces).count == traces.count)
    }

    @Test("Every planted bug has a seed")
    func everyBug() { #expect(Set(PlantedSeed.all.map(\.bug)) == Set(PlantedBug.allCases)) }

    /// Each planted bug, and the first seed that is known to find it: the checkers have teeth. When
    /// the worlds change, `make mutations` finds new ones.
    @Test("The checkers find every planted bug", arguments: PlantedSeed.all)
    func plantedBugs(planted: PlantedSeed) throws {
        let verdict = try SimulationHooks.$plantedBug.withValue(planted.bug) {
            try World.run(seed: planted.seed)
        }
        #expect(
            verdict.outcome != .valid, "\(planted.bug.rawValue) escaped in seed \(planted.seed)")
        let sound = try World.run(seed: planted.seed)
        #expect(sound.outcome == .valid, "seed \(planted.seed) fails without the bug, too")
    }
}
#endif
