import BlockRuntime
import BlockSimulation
import Testing

/// The seeded world over the machines that ship.
@Suite struct WorldTests {
    /// Seeds of one run of the suite; each is one case, so that a failure names its own.
    static let seedCount = 200

    @Test("No promise is broken in any seed", arguments: 1...4)
    func seeds(quarter: Int) throws {
        let count = WorldTests.seedCount / 4
        var acknowledged = 0
        for seed in UInt64((quarter - 1) * count + 1)...UInt64(quarter * count) {
            let verdict = try World.run(seed: seed)
            acknowledged += verdict.acknowledgedCount
            #expect(
                verdict.outcome == .valid, "seed \(seed): replay with `make simulate SEED=\(seed)`")
        }
        #expect(acknowledged > count * 20, "the worlds stood still: they prove nothing")
    }

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

    #if SIMULATION_HOOKS
    @Test("Every kind of fault happens, and every rare branch of the machines is taken")
    func marks() throws {
        let recorder = MarkRecorder()
        try SimulationHooks.$marks.withValue(recorder) {
            for seed in UInt64(1)...60 { _ = try World.run(seed: seed) }
        }
        for mark in WorldTests.expectedMarks {
            #expect(recorder.counts[mark, default: 0] >= 3, "\(mark): never or hardly passed")
        }
    }

    static let expectedMarks = [
        "acceptor.accept.rejected", "acceptor.prepare.rejected", "appender.foundLanded",
        "appender.moved", "appender.scanFetches", "coordinator.reply.foreign",
        "proposer.retry", "proposer.seal", "proposer.writeBack", "tail.commit.alreadyLanded",
        "tailRead.timeout", "tailRead.undecided", "world.crash", "world.message.clogged",
        "world.message.cut", "world.message.doubled", "world.message.lost",
        "world.partition", "world.peer.diedInside",
    ]

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
    #endif
}
