import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// The first seed that finds each, as `make mutations` prints it.
    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 93),
        PlantedSeed(bug: .promiseNotDurable, seed: 8),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 919),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .noDedupeScan, seed: 6),
        PlantedSeed(bug: .decideBeforePends, seed: 193),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 1),
        PlantedSeed(bug: .sealBeforeSegment, seed: 9),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 24),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 1),
        PlantedSeed(bug: .replyBeforeSync, seed: 44),
    ]
}
