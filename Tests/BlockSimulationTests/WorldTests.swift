import BlockModel
import BlockRuntime
import BlockSimulation
import BlockWorkloads
import Testing

#if SIMULATION_HOOKS
/// The seeded world over the machines that ship.
@Suite struct WorldTests {
    /// Seeds of one run of the suite: worlds run side by side, as many as there are cores.
    static let seedCount = 200
    /// How often a mark must be passed in all of them, and in how many of them a fault happens.
    static let markCountMin = 10
    /// Worlds in which a planted bug is looked for, from its seed on.
    static let seedsTriedMax: UInt64 = 12
    static let faultyWorldCountMin = 5

    // protocol: no-clock-decides
    @Test("No promise is broken in any seed, every fault happens, every rare branch is taken")
    func seeds() async throws {
        // One task for each: whatever cores are free take the next ones, to the very last.
        let total = try await withThrowingTaskGroup(of: Part.self) { group in
            for seed in 1...UInt64(WorldTests.seedCount) {
                group.addTask { try Part(seed) }
            }
            return try await group.reduce(into: Part()) { $0.add($1) }
        }
        let operations = total.operationCount
        let acknowledged = total.acknowledgedCount
        #expect(operations > WorldTests.seedCount * 500, "the worlds have become small")
        #expect(
            acknowledged > WorldTests.seedCount * 250, "the worlds stood still: they prove nothing")
        for mark in MarkNames.all where MarkNames.notReached[mark] == nil {
            let count = total.marks[mark, default: 0]
            let countMin = MarkNames.rare[mark]?.countMin ?? WorldTests.markCountMin
            #expect(count >= countMin, "\(mark): passed \(count) times")
            guard MarkNames.isFault(mark) else { continue }
            let worlds = total.seedCounts[mark, default: 0]
            #expect(
                worlds >= min(countMin, WorldTests.faultyWorldCountMin),
                "\(mark) in \(worlds) worlds of \(WorldTests.seedCount)")
            #expect(
                worlds <= WorldTests.seedCount * 9 / 10,
                "\(mark) in \(worlds) worlds of \(WorldTests.seedCount): it hides other faults")
        }
        for (mark, reason) in MarkNames.notReached {
            let count = total.marks[mark, default: 0]
            #expect(count == 0, "\(mark) is reached, although \(reason)")
        }
    }

    /// What worlds did and passed.
    private struct Part: Sendable {
        var operationCount = 0
        var acknowledgedCount = 0
        var marks: [String: Int] = [:]
        /// In how many worlds each mark was passed.
        var seedCounts: [String: Int] = [:]

        init() {}

        init(_ seed: UInt64) throws {
            let recorder = MarkRecorder()
            let verdict = try SimulationHooks.$marks.withValue(recorder) {
                try World.run(seed: seed)
            }
            operationCount = verdict.operationCount
            acknowledgedCount = verdict.acknowledgedCount
            #expect(
                verdict.outcome == .valid,
                "seed \(seed): replay with `make simulate SEED=\(seed)`")
            marks = recorder.counts
            seedCounts = marks.mapValues { _ in 1 }
        }

        mutating func add(_ other: Part) {
            operationCount += other.operationCount
            acknowledgedCount += other.acknowledgedCount
            marks.merge(other.marks) { $0 + $1 }
            seedCounts.merge(other.seedCounts) { $0 + $1 }
        }
    }

    @Test("The same seed twice is the same run, with its events as text and without; others differ")
    func replay() throws {
        var traces: Set<UInt64> = []
        for seed in [3, 14, 77] as [UInt64] {
            let silent = try World.run(seed: seed)
            let traced = try World.run(seed: seed, isTraced: true)
            #expect(silent.trace == traced.trace)
            #expect(silent.eventCount == traced.eventCount)
            #expect(silent.acknowledgedCount == traced.acknowledgedCount)
            #expect(silent.report.events.isEmpty && silent.report.logsByNode.isEmpty)
            #expect(traced.report.events.count > 200)
            #expect(traced.report.logsByNode.contains { $0.node == "peer-0" && !$0.lines.isEmpty })
            #expect(traces.insert(silent.trace.value).inserted)
        }
    }

    @Test("Over many seeds every topology that is promised comes up, and half lack each family")
    func plans() {
        let all = (1...2000).map { WorldPlan(seed: UInt64($0)) }
        let embeddedCount = all.count { $0.isEmbedded }
        #expect((100...240).contains(embeddedCount), "\(embeddedCount)")
        let customCount = all.count { !$0.customs.isEmpty }
        #expect((300...800).contains(customCount), "\(customCount)")
        let hunted = Dictionary(grouping: all.indices) { all[$0].anomalies.map { "\($0.anomaly)" } }
        #expect(hunted.count == 6, "five anomalies, and none")
        for (anomaly, worlds) in hunted {
            guard let anomaly else { continue }
            #expect((20...80).contains(worlds.count), "\(anomaly) in \(worlds.count)")
        }
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

    /// A world in which nothing else goes wrong, and the service that has the next step of
    /// a transaction dies, one step later each time: 120 of them, then from the first one again.
    // protocol: home-decides
    @Test("A transaction is whole wherever in it a service dies")
    func deathsAtSteps() throws {
        let recorder = MarkRecorder()
        let verdict = try SimulationHooks.$marks.withValue(recorder) { try World.run(seed: 25) }
        #expect(verdict.outcome == .valid)
        // Each step more than once.
        #expect(recorder.counts["world.crash.atStep", default: 0] > 2 * 120)
    }

    @Test("Every planted bug has a seed, or a unit test that plants it")
    func everyBug() throws {
        let found = PlantedSeed.all.map(\.bug) + PlantedUnitTest.all.map(\.bug)
        #expect(Set(found) == Set(PlantedBug.allCases))
        #expect(found.count == PlantedBug.allCases.count, "one has two")
        for test in PlantedUnitTest.all {
            let problem = try test.problem()
            #expect(problem == nil)
        }
    }

    @Test("The hazards page says of no bug that worlds find it, unless a seed is known")
    func hazards() throws {
        let title = "\"The checkers find every planted bug\""
        let rows = try PlantedUnitTest.text(of: "HAZARDS.md").split(separator: "\n")
            .filter { $0.contains(title) }
        #expect(!rows.isEmpty)
        for row in rows {
            for test in PlantedUnitTest.all where row.contains("`\(test.bug.rawValue)`") {
                Issue.record("\(test.bug) is found by \"\(test.name)\" only")
            }
        }
    }

    /// Each planted bug, and a seed that is known to find it: the checkers have teeth. Whatever
    /// changes the worlds may take a bug out of its seed: then one of the next few must find it.
    /// Of a bug that is rarer than that, `make mutation-gate` shows what it takes.
    // protocol: quorum-of-distinct-peers, segment-before-pointer
    @Test("The checkers find every planted bug", arguments: PlantedSeed.all)
    func plantedBugs(planted: PlantedSeed) throws {
        let found = try (planted.seed..<planted.seed + WorldTests.seedsTriedMax).first { seed in
            let verdict = try SimulationHooks.$plantedBug.withValue(planted.bug) {
                try World.run(seed: seed)
            }
            return verdict.outcome != .valid
        }
        let seed = try #require(
            found, "\(planted) escaped, and in the seeds after it: look for another one")
        // The first worlds are run without bugs anyway.
        guard seed > WorldTests.seedCount else { return }
        let sound = try World.run(seed: seed)
        #expect(sound.outcome == .valid, "seed \(seed) fails without the bug, too")
    }
}
#endif
