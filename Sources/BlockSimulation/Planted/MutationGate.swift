import BlockModel
import BlockRuntime

/// Whether each planted bug is found, and how many seeds that takes: the measure of whether worlds
/// and checkers can see what they are for.
///
/// A bug counts as found by the worlds, of which ``PlantedSeed`` knows one, or by the test of one
/// machine that ``PlantedUnitTest`` names: no world is run for those. One that is in neither list
/// fails the gate, whatever a lucky seed may show.
package struct MutationGate {
    /// Ranges of seeds that do not overlap, each from its beginning: the median of what they take
    /// says more than one lucky seed.
    package static let rangeCount = 3
    /// A bug that a range does not find within this many seeds is missed there.
    package static let seedCountMax: UInt64 = 20_000
    private static let distance: UInt64 = 1_000_000

    /// What is printed of a bug.
    package struct Row: Equatable {
        package let text: String
        package let isFound: Bool
    }

    private let seeds: [PlantedSeed]
    private let tests: [PlantedUnitTest]
    /// Whether the world of a seed shows a bug.
    private let finds: (UInt64, PlantedBug) throws -> Bool

    package init(
        seeds: [PlantedSeed] = PlantedSeed.all, tests: [PlantedUnitTest] = PlantedUnitTest.all,
        finds: @escaping (UInt64, PlantedBug) throws -> Bool
    ) {
        self.seeds = seeds
        self.tests = tests
        self.finds = finds
    }

    /// The name of a bug, the median, and what each range took; or the test that finds it.
    package func row(of bug: PlantedBug) throws -> Row {
        if let test = tests.first(where: { $0.bug == bug }) {
            return row(bug, "test", "by unit test \(test.file): \"\(test.name)\"", isFound: true)
        }
        guard seeds.contains(where: { $0.bug == bug }) else {
            return row(bug, "MISSED", "no seed and no unit test is known", isFound: false)
        }
        let taken = try (0..<Self.rangeCount).map { try seedsToFind(bug, range: $0) }
        let median = taken.sorted()[Self.rangeCount / 2]
        let isFound = median <= Self.seedCountMax
        let counts = taken.map { $0 > Self.seedCountMax ? "missed" : "\($0)" }
        return row(
            bug, isFound ? "\(median)" : "MISSED", counts.joined(separator: " "), isFound: isFound)
    }

    private func row(
        _ bug: PlantedBug, _ median: String, _ rest: String, isFound: Bool
    ) -> Row {
        invariant(!rest.isEmpty, "nothing is said of \(bug)")
        return Row(
            text: Self.padded(bug.rawValue, 28) + Self.padded(median, 8) + rest, isFound: isFound)
    }

    private func seedsToFind(_ bug: PlantedBug, range: Int) throws -> UInt64 {
        let first = UInt64(range) * Self.distance + 1
        for seed in first..<first + Self.seedCountMax
        where try finds(seed, bug) { return seed - first + 1 }
        return Self.seedCountMax + 1
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.utf8.count))
    }
}
