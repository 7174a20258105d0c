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
        for mark in WorldTests.expectedMarks {
            let count = parts.reduce(0) { $0 + $1.marks[mark, default: 0] }
            #expect(count >= 3, "\(mark): never or hardly passed")
        }
    }

    /// Seeds that run one after another, and what they passed.
    private struct Part: Sendable {
        var acknowledgedCount = 0
        var marks: [String: Int] = [:]

        static func run(_ seeds: ClosedRange<UInt64>) throws -> Part {
            var part = Part()
            let recorder = MarkRecorder()
            try SimulationHooks.$marks.withValue(recorder) {
                for seed in seeds {
                    let verdict = try World.run(seed: seed)
                    part.acknowledgedCount += verdict.acknowledgedCount
                    #expect(
                        verdict.outcome == .valid,
                        "seed \(seed): replay with `make simulate SEED=\(seed)`")
                }
            }
            part.marks = recorder.counts
            return part
        }
    }

    static let expectedMarks = [
        "acceptor.accept.rejected", "acceptor.prepare.rejected", "writer.foundLanded",
        "writer.moved", "writer.scanFetches", "coordinator.reply.foreign",
        "proposer.retry", "proposer.seal", "proposer.writeBack", "tail.commit.alreadyLanded",
        "tailRead.timeout", "tailRead.undecided", "world.crash", "world.message.clogged",
        "world.message.cut", "world.message.doubled", "world.message.lost",
        "world.message.straggler", "world.partition", "world.peer.diedInside",
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
