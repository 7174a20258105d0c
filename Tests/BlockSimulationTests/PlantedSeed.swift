import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 216),
        PlantedSeed(bug: .promiseNotDurable, seed: 284),
    ]
}
