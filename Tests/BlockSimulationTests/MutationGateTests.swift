import BlockModel
import BlockSimulation
import Testing

/// The gate that every planted bug has to pass.
@Suite struct MutationGateTests {
    private static let seed = PlantedSeed.all[0]
    private static let test = PlantedUnitTest.all[0]

    @Test("A bug that the worlds find takes the median of what three ranges of seeds take")
    func found() throws {
        let gate = MutationGate(seeds: [Self.seed], tests: []) { seed, _ in
            [5, 1_000_002, 2_000_009].contains(seed)
        }
        let row = try gate.row(of: Self.seed.bug)
        #expect(row.isFound)
        #expect(row.text.split(separator: " ") == ["\(Self.seed.bug)", "5", "5", "2", "9"])
    }

    @Test("One that half of the ranges miss fails it") func missed() throws {
        let gate = MutationGate(seeds: [Self.seed], tests: []) { seed, _ in seed == 7 }
        let row = try gate.row(of: Self.seed.bug)
        #expect(!row.isFound)
        #expect(
            row.text.split(separator: " ")
                == ["\(Self.seed.bug)", "MISSED", "7", "missed", "missed"])
    }

    @Test("Of one that a unit test finds no world is run, and the row names the test")
    func unitTest() throws {
        var runCount = 0
        let gate = MutationGate(seeds: [], tests: [Self.test]) { _, _ in
            runCount += 1
            return false
        }
        let row = try gate.row(of: Self.test.bug)
        #expect(row.isFound && runCount == 0)
        #expect(row.text.contains("by unit test \(Self.test.file): \"\(Self.test.name)\""))
    }

    @Test("One that neither a seed nor a unit test is known of fails it, whatever worlds show")
    func neither() throws {
        let gate = MutationGate(seeds: [], tests: [Self.test]) { _, _ in true }
        let row = try gate.row(of: Self.seed.bug)
        #expect(!row.isFound && row.text.contains("no seed and no unit test is known"))
    }
}
