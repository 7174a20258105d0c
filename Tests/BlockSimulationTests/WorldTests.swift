import BlockRuntime
import BlockSimulation
import Testing

#if SIMULATION_HOOKS
/// The seeded world over the machines that ship.
@Suite struct WorldTests {
    /// Seeds of one run of the suite, in parts that run side by side.
    static let seedCount = 200
    static let partCount = 4
    /// How often a mark must be passed in all of them, and in how many of them a fault happens.
    static let markCountMin = 10
    static let faultyWorldCountMin = 5

    // protocol: no-clock-decides
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
        let operations = parts.reduce(0) { $0 + $1.operationCount }
        let acknowledged = parts.reduce(0) { $0 + $1.acknowledgedCount }
        #expect(operations > WorldTests.seedCount * 500, "the worlds have become small")
        #expect(
            acknowledged > WorldTests.seedCount * 250, "the worlds stood still: they prove nothing")
        for mark in MarkNames.all where MarkNames.notReached[mark] == nil {
            let count = parts.reduce(0) { $0 + $1.marks[mark, default: 0] }
            let countMin = MarkNames.rare[mark]?.countMin ?? WorldTests.markCountMin
            #expect(count >= countMin, "\(mark): passed \(count) times")
            guard MarkNames.isFault(mark) else { continue }
            let worlds = parts.reduce(0) { $0 + $1.seedCounts[mark, default: 0] }
            #expect(
                worlds >= min(countMin, WorldTests.faultyWorldCountMin),
                "\(mark) in \(worlds) worlds of \(WorldTests.seedCount)")
            #expect(
                worlds <= WorldTests.seedCount * 9 / 10,
                "\(mark) in \(worlds) worlds of \(WorldTests.seedCount): it hides other faults")
        }
        for (mark, reason) in MarkNames.notReached {
            let count = parts.reduce(0) { $0 + $1.marks[mark, default: 0] }
            #expect(count == 0, "\(mark) is reached, although \(reason)")
        }
    }

    /// Seeds that run one after another, and what they passed.
    private struct Part: Sendable {
        var operationCount = 0
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
                part.operationCount += verdict.operationCount
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

    @Test("The same seed twice is the same run", arguments: [3, 14, 77] as [UInt64])
    func replay(seed: UInt64) throws {
        let first = try World.run(seed: seed)
        let second = try World.run(seed: seed)
        #expect(first.trace == second.trace)
        #expect(first.eventCount == second.eventCount)
        #expect(first.acknowledgedCount == second.acknowledgedCount)
    }

    @Test("Keeping the events as text changes nothing", arguments: [5, 12] as [UInt64])
    func tracing(seed: UInt64) throws {
        let silent = try World.run(seed: seed)
        let traced = try World.run(seed: seed, isTraced: true)
        #expect(silent.trace == traced.trace)
        #expect(silent.report.events.isEmpty && silent.report.logsByNode.isEmpty)
        #expect(traced.report.events.count > 200)
        #expect(traced.report.logsByNode.contains { $0.node == "peer-0" && !$0.lines.isEmpty })
    }

    @Test("Different seeds are different runs")
    func distinct() throws {
        let traces = try (1...5).map { try World.run(seed: UInt64($0)).trace.value }
        #expect(Set(traces).count == traces.count)
    }

    @Test("Over many seeds every topology that is promised comes up, and half lack each family")
    func plans() {
        let all = (1...2000).map { WorldPlan(seed: UInt64($0)) }
        let embeddedCount = all.count { $0.isEmbedded }
        #expect((100...240).contains(embeddedCount), "\(embeddedCount)")
        let customCount = all.count { !$0.customs.isEmpty }
        #expect((300...800).contains(customCount), "\(customCount)")
        let plans = all.filter { !$0.isEmbedded }
        #expect(Set(plans.map(\.replicaCount)) == [3, 5])
        #expect(Set(plans.map(\.peerCount)) == Set(3...9))
        #expect(Set(plans.map(\.coordinatorCount)) == Set(1...4))
        #expect(Set(plans.map(\.proxyCount)) == Set(1...3))
        #expect(Set(plans.map(\.clientCount)) == Set(2...16))
        for plan in plans {
            #expect(plan.frailPeers.count == (plan.replicaCount - 1) / 2)
            #expect(Set(plan.frailPeers).isSubset(of: Set(0..<plan.peerCount)))
        }
        let families: [(String, (WorldPlan) -> Bool)] = [
            ("clocks", \.hasClockFaults), ("core", \.staysBroken), ("damage", \.damagesDisks),
            ("loss", { $0.lossRate > 0 }), ("lost disks", \.losesDisks), ("odds", \.hasOdds),
            ("partitions", { $0.partitionEvery != nil }), ("pauses", { $0.pauseEvery != nil }),
            ("full disks", \.hasFullDisks), ("slow disks", { $0.slowDiskEvery != nil }),
        ]
        for (name, isOn) in families {
            let share = Double(plans.count(where: isOn)) / Double(plans.count)
            #expect((0.2...0.8).contains(share), "\(name) in \(share) of the worlds")
        }
    }

    @Test("Every planted bug has a seed, or is listed as one for unit tests")
    func everyBug() {
        let seeded = Set(PlantedSeed.all.map(\.bug))
        #expect(seeded.union(PlantedSeed.unseeded) == Set(PlantedBug.allCases))
        #expect(seeded.isDisjoint(with: PlantedSeed.unseeded))
    }

    /// Each planted bug, and the first seed that is known to find it: the checkers have teeth. When
    /// the worlds change, `make mutation-gate` shows what it takes, and new seeds are looked for.
    // protocol: quorum-of-distinct-peers, segment-before-pointer
    @Test("The checkers find every planted bug", arguments: PlantedSeed.all)
    func plantedBugs(planted: PlantedSeed) throws {
        let verdict = try SimulationHooks.$plantedBug.withValue(planted.bug) {
            try World.run(seed: planted.seed)
        }
        #expect(
            verdict.outcome != .valid, "\(planted.bug.rawValue) escaped in seed \(planted.seed)")
        // The first worlds are run without bugs anyway.
        guard planted.seed > WorldTests.seedCount else { return }
        let sound = try World.run(seed: planted.seed)
        #expect(sound.outcome == .valid, "seed \(planted.seed) fails without the bug, too")
    }
}
#endif
