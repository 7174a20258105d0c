import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// One that shows by a standstill.
    static let stuck = PlantedSeed(bug: .pendExpires, seed: 5)

    /// The first seed that finds each, as `simulator --bug NAME 1 1500` finds it.
    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 39),
        PlantedSeed(bug: .promiseNotDurable, seed: 570),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 240),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 3),
        PlantedSeed(bug: .replyBeforeSync, seed: 16),
        PlantedSeed(bug: .amnesiaIgnored, seed: 302),
        PlantedSeed(bug: .noDedupeScan, seed: 2),
        PlantedSeed(bug: .lifeIgnored, seed: 4),
        PlantedSeed(bug: .decideBeforePends, seed: 34),
        PlantedSeed(bug: .noScanAfterMoved, seed: 3),
        PlantedSeed(bug: .firstRevisionRaised, seed: 2),
        PlantedSeed(bug: .landingNotChosen, seed: 3),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 5),
        PlantedSeed(bug: .nextRevisionInDoubt, seed: 5),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 3),
        PlantedSeed(bug: .pendExpires, seed: 5),
        PlantedSeed(bug: .discardRemovesPend, seed: 3),
        PlantedSeed(bug: .pendWithoutBase, seed: 4),
        PlantedSeed(bug: .peerCountedTwice, seed: 107),
        PlantedSeed(bug: .baseIgnored, seed: 4),
        PlantedSeed(bug: .pendFoundByRevision, seed: 3),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 3),
        PlantedSeed(bug: .checkpointBelowQuorum, seed: 70),
        PlantedSeed(bug: .anyCopyIsRead, seed: 4),
        PlantedSeed(bug: .blockHashUnchecked, seed: 5),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 5),
        PlantedSeed(bug: .sealBeforeSegment, seed: 2),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 3),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 5),
    ]
}
