import BlockRuntime
import Testing

#if SIMULATION_HOOKS
/// What only simulations switch on.
@Suite struct SimulationHooksTests {
    /// What one point did in each of many runs: nil where it never fired.
    private func shares(ofRuns count: UInt64) -> [Double?] {
        (1...count).map { seed in
            let odds = Buggifier(seed: seed)
            let fired = SimulationHooks.$odds.withValue(odds) {
                (0..<400).count { _ in buggify("buggify.tests.point") }
            }
            return fired == 0 ? nil : Double(fired) / 400
        }
    }

    @Test("A buggify point is active in a quarter of the runs, and fires each fourth time")
    func shares() {
        let shares = shares(ofRuns: 400)
        let active = shares.compactMap { $0 }
        #expect((60...140).contains(active.count), "\(active.count) of 400")
        #expect(active.allSatisfy { (0.12...0.4).contains($0) })
        #expect(self.shares(ofRuns: 400).map { $0 ?? 0 } == shares.map { $0 ?? 0 })
    }

    @Test("A buggify point does nothing outside a simulation, and nothing once it is switched off")
    func off() {
        #expect(!(0..<1000).contains { _ in buggify("buggify.tests.point") })
        for seed in UInt64(1)...40 {
            let odds = Buggifier(seed: seed)
            odds.isOn = false
            SimulationHooks.$odds.withValue(odds) {
                #expect(!(0..<100).contains { _ in buggify("buggify.tests.point") })
            }
        }
    }

    @Test("Which points are active is not the same for all: each is drawn on its own")
    func independence() {
        let together = (UInt64(1)...200).count { seed in
            SimulationHooks.$odds.withValue(Buggifier(seed: seed)) {
                let first = (0..<100).contains { _ in buggify("buggify.tests.first") }
                let second = (0..<100).contains { _ in buggify("buggify.tests.second") }
                return first && second
            }
        }
        #expect((3...30).contains(together), "\(together) of 200")
    }

    @Test("Marks are counted by name, wherever they stand")
    func marks() {
        let recorder = MarkRecorder()
        SimulationHooks.$marks.withValue(recorder) {
            for _ in 0..<3 { mark("tests.mark") }
            mark("tests.mark")
            mark("tests.other")
        }
        mark("tests.other")
        #expect(recorder.counts == ["tests.mark": 4, "tests.other": 1])
    }
}
#endif
