import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// The first seed that finds each, as `simulator --bug NAME 1 1500` finds it.
    /// One that shows by a standstill.
    static let stuck = PlantedSeed(bug: .readWithoutWriteBack, seed: 1)

    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 68),
        PlantedSeed(bug: .promiseNotDurable, seed: 331),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 186),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 2),
        PlantedSeed(bug: .replyBeforeSync, seed: 18),
        PlantedSeed(bug: .amnesiaIgnored, seed: 1),
        PlantedSeed(bug: .noDedupeScan, seed: 2),
        PlantedSeed(bug: .lifeIgnored, seed: 27),
        PlantedSeed(bug: .decideBeforePends, seed: 478),
        PlantedSeed(bug: .noScanAfterMoved, seed: 4),
        PlantedSeed(bug: .firstRevisionRaised, seed: 16),
        PlantedSeed(bug: .landingNotChosen, seed: 3),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 11),
        PlantedSeed(bug: .nextRevisionInDoubt, seed: 11),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 6),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 2),
        PlantedSeed(bug: .pendExpires, seed: 20),
        PlantedSeed(bug: .discardRemovesPend, seed: 188),
        PlantedSeed(bug: .pendWithoutBase, seed: 356),
        PlantedSeed(bug: .peerCountedTwice, seed: 6),
        PlantedSeed(bug: .baseIgnored, seed: 2),
        PlantedSeed(bug: .pendFoundByRevision, seed: 2),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 2),
        PlantedSeed(bug: .checkpointBelowQuorum, seed: 34),
        PlantedSeed(bug: .anyCopyIsRead, seed: 2),
        PlantedSeed(bug: .blockHashUnchecked, seed: 68),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 1),
        PlantedSeed(bug: .sealBeforeSegment, seed: 9),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 8),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 1),
    ]
}
