import BlockRuntime

/// A planted bug and a seed that finds it.
struct PlantedSeed: Sendable, CustomStringConvertible {
    let bug: PlantedBug
    let seed: UInt64

    var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// Not found by any of the first 600 seeds: it takes a peer that restarts between two rounds of
    /// duelling coordinators. `CrashTests` and the model of the register guard the rule meanwhile.
    static let unseeded: Set<PlantedBug> = [.promiseNotDurable]

    /// The first seed that finds each, as `simulator --bug NAME 1 1500` finds it.
    /// One that shows by a standstill.
    static let stuck = PlantedSeed(bug: .pendExpires, seed: 7)

    static let all = [
        PlantedSeed(bug: .readWithoutWriteBack, seed: 16),
        PlantedSeed(bug: .acceptDoesNotPromise, seed: 205),
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 3),
        PlantedSeed(bug: .replyBeforeSync, seed: 18),
        PlantedSeed(bug: .amnesiaIgnored, seed: 270),
        PlantedSeed(bug: .noDedupeScan, seed: 7),
        PlantedSeed(bug: .lifeIgnored, seed: 4),
        PlantedSeed(bug: .decideBeforePends, seed: 180),
        PlantedSeed(bug: .noScanAfterMoved, seed: 9),
        PlantedSeed(bug: .firstRevisionRaised, seed: 7),
        PlantedSeed(bug: .landingNotChosen, seed: 3),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 4),
        PlantedSeed(bug: .nextRevisionInDoubt, seed: 76),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 3),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 3),
        PlantedSeed(bug: .pendExpires, seed: 7),
        PlantedSeed(bug: .discardRemovesPend, seed: 92),
        PlantedSeed(bug: .pendWithoutBase, seed: 25),
        PlantedSeed(bug: .peerCountedTwice, seed: 125),
        PlantedSeed(bug: .baseIgnored, seed: 3),
        PlantedSeed(bug: .pendFoundByRevision, seed: 3),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 3),
        PlantedSeed(bug: .checkpointBelowQuorum, seed: 70),
        PlantedSeed(bug: .anyCopyIsRead, seed: 4),
        PlantedSeed(bug: .blockHashUnchecked, seed: 83),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 9),
        PlantedSeed(bug: .sealBeforeSegment, seed: 13),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 3),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 9),
    ]
}
