import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// The first seed that finds each, as `make mutations` prints it.
    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 61),
        PlantedSeed(bug: .promiseNotDurable, seed: 273),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 186),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 1),
        PlantedSeed(bug: .replyBeforeSync, seed: 34),
        PlantedSeed(bug: .noDedupeScan, seed: 2),
        PlantedSeed(bug: .lifeIgnored, seed: 42),
        PlantedSeed(bug: .decideBeforePends, seed: 309),
        PlantedSeed(bug: .noScanAfterMoved, seed: 4),
        PlantedSeed(bug: .firstRevisionRaised, seed: 5),
        PlantedSeed(bug: .landingNotChosen, seed: 78),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 11),
        PlantedSeed(bug: .nextRevisionInDoubt, seed: 92),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 5),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 2),
        PlantedSeed(bug: .pendExpires, seed: 5),
        PlantedSeed(bug: .discardRemovesPend, seed: 58),
        PlantedSeed(bug: .pendWithoutBase, seed: 2),
        PlantedSeed(bug: .peerCountedTwice, seed: 2),
        PlantedSeed(bug: .baseIgnored, seed: 2),
        PlantedSeed(bug: .pendFoundByRevision, seed: 2),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 2),
        PlantedSeed(bug: .checkpointBelowQuorum, seed: 193),
        PlantedSeed(bug: .anyCopyIsRead, seed: 2),
        PlantedSeed(bug: .blockHashUnchecked, seed: 100),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 1),
        PlantedSeed(bug: .sealBeforeSegment, seed: 9),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 3),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 1),
    ]
}
