import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// One that shows by a standstill.
    static let stuck = PlantedSeed(bug: .pendExpires, seed: 11)

    /// Bugs that no world is known to find; a unit test finds each.
    static let unseeded: Set<PlantedBug> = [
        .creatorNotCompared, .discardWithoutFence, .doubtDroppedByCollection, .doubtDroppedByProxy,
        .doubtDroppedBySession, .dropWithoutIncarnation, .forgottenToldAsDefinite,
        .generationTakenAnew, .goneEndsDoubt, .goneToldAsDefinite, .listsBelieved,
        .readTakenForSeen, .sealedTakenForLost, .writeBackRaisesNoDoubt,
    ]

    /// The first seed that finds each, as `simulator --bug NAME 1 1500` finds it.
    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 58),
        PlantedSeed(bug: .promiseNotDurable, seed: 21),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 240),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 2),
        PlantedSeed(bug: .replyBeforeSync, seed: 12),
        PlantedSeed(bug: .amnesiaIgnored, seed: 224),
        PlantedSeed(bug: .noDedupeScan, seed: 2),
        PlantedSeed(bug: .lifeIgnored, seed: 4),
        PlantedSeed(bug: .decideBeforePends, seed: 16),
        PlantedSeed(bug: .noScanAfterMoved, seed: 3),
        PlantedSeed(bug: .firstRevisionRaised, seed: 3),
        PlantedSeed(bug: .landingNotChosen, seed: 3),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 8),
        PlantedSeed(bug: .nextRevisionInDoubt, seed: 59),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 2),
        PlantedSeed(bug: .pendExpires, seed: 11),
        PlantedSeed(bug: .discardRemovesPend, seed: 3),
        PlantedSeed(bug: .pendWithoutBase, seed: 55),
        PlantedSeed(bug: .peerCountedTwice, seed: 5),
        PlantedSeed(bug: .baseIgnored, seed: 2),
        PlantedSeed(bug: .pendFoundByRevision, seed: 3),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 2),
        PlantedSeed(bug: .checkpointBelowQuorum, seed: 70),
        PlantedSeed(bug: .anyCopyIsRead, seed: 4),
        PlantedSeed(bug: .emptyListReadFromOne, seed: 10),
        PlantedSeed(bug: .blockHashUnchecked, seed: 34),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 5),
        PlantedSeed(bug: .sealBeforeSegment, seed: 10),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 3),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 5),
    ]
}
