import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// The first seed that finds each, as `make mutations` prints it.
    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 574),
        PlantedSeed(bug: .promiseNotDurable, seed: 403),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 1379),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .noDedupeScan, seed: 6),
        PlantedSeed(bug: .decideBeforePends, seed: 306),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 27),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 16),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 1),
        PlantedSeed(bug: .sealBeforeSegment, seed: 9),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 206),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 1),
        PlantedSeed(bug: .replyBeforeSync, seed: 58),
    ]
}
