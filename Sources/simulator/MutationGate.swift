import BlockModel
import BlockRuntime
import BlockSimulation

#if SIMULATION_HOOKS
/// How many seeds it takes to find each planted bug: the measure of whether worlds and checkers can
/// see what they are for.
enum MutationGate {
    /// Ranges of seeds that do not overlap, each from its beginning: the median of what they take
    /// says more than one lucky seed.
    private static let rangeCount = 3
    /// A bug that a range does not find within this many seeds is missed there.
    private static let seedCountMax: UInt64 = 20_000
    private static let distance: UInt64 = 1_000_000

    /// Prints one row for each bug: the name, the median, and what each range took.
    /// - Returns: 1 when a bug is missed by half of the ranges or more, else 0.
    static func run(_ command: Command) -> Int32 {
        var status: Int32 = 0
        for bug in command.bug.map({ [$0] }) ?? PlantedBug.allCases {
            let taken = (0..<rangeCount).map { seedsToFind(bug, range: $0) }
            let median = taken.sorted()[rangeCount / 2]
            let isMissed = median > seedCountMax
            let counts = taken.map { $0 > seedCountMax ? "missed" : "\($0)" }
            print(
                padded(bug.rawValue, 28) + padded(isMissed ? "MISSED" : "\(median)", 8)
                    + counts.joined(separator: " "))
            if isMissed { status = 1 }
        }
        return status
    }

    private static func seedsToFind(_ bug: PlantedBug, range: Int) -> UInt64 {
        let first = UInt64(range) * distance + 1
        for seed in first..<first + seedCountMax
        where !isValid(seed, bug) { return seed - first + 1 }
        return seedCountMax + 1
    }

    private static func isValid(_ seed: UInt64, _ bug: PlantedBug) -> Bool {
        SimulationHooks.$plantedBug.withValue(bug) {
            do {
                return try World.run(seed: seed).outcome == .valid
            } catch {
                Simulator.usage("seed \(seed): \(error)")
            }
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.utf8.count))
    }
}
#endif
