import BlockModel
import BlockRuntime

/// A planted bug and a seed that finds it.
package struct PlantedSeed: Sendable, CustomStringConvertible {
    package let bug: PlantedBug
    package let seed: UInt64

    package var description: String { "\(bug.rawValue) in seed \(seed)" }

    /// One that shows by a standstill.
    package static let stuck = PlantedSeed(bug: .decideBeforePends, seed: 15)

    /// A seed that finds each, mostly the first one, as `simulator --bug NAME 1 1500` finds it.
    package static let all = [
        PlantedSeed(bug: .ballotReused, seed: 1),
        PlantedSeed(bug: .proposerReused, seed: 1),
        PlantedSeed(bug: .quorumOffByOne, seed: 3),
        PlantedSeed(bug: .replyBeforeSync, seed: 34),
        PlantedSeed(bug: .noDedupeScan, seed: 2),
        PlantedSeed(bug: .decideBeforePends, seed: 4),
        PlantedSeed(bug: .noScanAfterMoved, seed: 8),
        PlantedSeed(bug: .firstRevisionRaised, seed: 29),
        PlantedSeed(bug: .landingNotChosen, seed: 63),
        PlantedSeed(bug: .doubtToldAsFailure, seed: 5),
        PlantedSeed(bug: .doubtDroppedBySession, seed: 5),
        PlantedSeed(bug: .rebaseIgnoresHeader, seed: 33),
        PlantedSeed(bug: .rebaseIgnoresReads, seed: 5),
        PlantedSeed(bug: .rebaseIgnoresWrites, seed: 5),
        PlantedSeed(bug: .blockIDsByPlace, seed: 21),
        PlantedSeed(bug: .dropWithoutIncarnation, seed: 36),
        PlantedSeed(bug: .cutOfOneLook, seed: 16),
        PlantedSeed(bug: .intentsIgnored, seed: 25),
        PlantedSeed(bug: .groupConditionUnchecked, seed: 9),
        PlantedSeed(bug: .callersMixedUp, seed: 1),
        PlantedSeed(bug: .pendExpires, seed: 33),
        PlantedSeed(bug: .baseIgnored, seed: 18),
        PlantedSeed(bug: .pendFoundByRevision, seed: 2),
        PlantedSeed(bug: .lostAttemptFinalised, seed: 2),
        PlantedSeed(bug: .emptyListReadFromOne, seed: 32),
        PlantedSeed(bug: .anyCopyIsRead, seed: 18),
        PlantedSeed(bug: .blockHashUnchecked, seed: 101),
        PlantedSeed(bug: .unchosenTailFollowed, seed: 3),
        PlantedSeed(bug: .segmentIndexExistsIsEnough, seed: 39),
        PlantedSeed(bug: .segmentKeyWithoutHash, seed: 39),
    ]
}
