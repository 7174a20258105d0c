import BlockModel
import BlockRuntime

/// A planted bug of which no seed among the first few hundred worlds is known, and the test of one
/// machine that finds it.
package struct PlantedUnitTest: Sendable {
    package let bug: PlantedBug
    /// Below `Tests`, without the ending.
    package let file: String
    package let name: String

    init(_ bug: PlantedBug, _ file: String, _ name: String) {
        self.bug = bug
        self.file = file
        self.name = name
    }

    package static let all = [
        PlantedUnitTest(
            .acceptDoesNotPromise, "BlockConsensusTests/AcceptorTests",
            "An accept that raises no promise lets an older ballot in, and is found"),
        PlantedUnitTest(
            .nextPromiseNotDurable, "BlockConsensusTests/AcceptorTests",
            "A next ballot that is said to be promised and is not kept is found"),
        PlantedUnitTest(
            .nextPromiseTakenForGranted, "BlockConsensusTests/RetainedBallotTests",
            "A ballot that fewer than a quorum have promised, or nobody has, is found"),
        PlantedUnitTest(
            .retainedBelowQuorum, "BlockConsensusTests/RetainedBallotTests",
            "A ballot that fewer than a quorum have promised, or nobody has, is found"),
        PlantedUnitTest(
            .retainedBallotUsedAgain, "BlockConsensusTests/RetainedBallotTests",
            "A ballot that is used again, with another value, is found"),
        PlantedUnitTest(
            .amnesiaIgnored, "BlockStorageTests/AckJournalTests",
            "A peer that takes part though its journal remembers more is found"),
        PlantedUnitTest(
            .checkpointBelowQuorum, "BlockConsensusTests/BlockFinaliseTests",
            "Calling it final on fewer is found"),
        PlantedUnitTest(
            .creatorNotCompared, "BlockConsensusTests/LifeInterleavingTests",
            "Each rule that is left out is found"),
        PlantedUnitTest(
            .deletedBeforeTruncation, "BlockConsensusTests/SpaceSweepTests",
            "Nothing is deleted before the tail says that it is gone"),
        PlantedUnitTest(
            .discardRemovesPend, "BlockConsensusTests/BlockReplicaTests",
            "A discard of one target that takes all of the pend is found"),
        PlantedUnitTest(
            .discardWithoutFence, "BlockNodeTests/PendWalkTests",
            "Discarding without a fence is found: what lands then has no content"),
        PlantedUnitTest(
            .doubtDroppedByCollection, "BlockTransactionsTests/LocalCollectionSeenTests",
            "A doubt that a refusal ends, and a page that nobody sees, are found"),
        PlantedUnitTest(
            .doubtDroppedByProxy, "BlockNodeTests/ProxyDoubtTests",
            "A proxy that forgets its doubt is found"),
        PlantedUnitTest(
            .dropWithOpenDecision, "BlockConsensusTests/TailFunctionTests",
            "A home with an open decision is not dropped"),
        PlantedUnitTest(
            .drainTakesRequests, "BlockNodeTests/HostDefectTests",
            "A service that stops lets nobody in, and one that does is found"),
        PlantedUnitTest(
            .drainToldAsFailure, "BlockNodeTests/HostDefectTests",
            "What is cut off by the end of a drain is in doubt, and one that denies it is found"),
        PlantedUnitTest(
            .foreignVotesCount, "BlockNodeTests/HostDefectTests",
            "An answer in the name of another storage does not count for the peer that was asked"),
        PlantedUnitTest(
            .forgottenToldAsDefinite, "BlockConsensusTests/LifeInterleavingTests",
            "Each rule that is left out is found"),
        PlantedUnitTest(
            .generationTakenAnew, "BlockConsensusTests/LifeInterleavingTests",
            "Each rule that is left out is found"),
        PlantedUnitTest(
            .goneEndsDoubt, "BlockTransactionsTests/InFlightBatchTests",
            "Gone that is told as certain is found"),
        PlantedUnitTest(
            .goneToldAsDefinite, "BlockConsensusTests/LifeInterleavingTests",
            "Each rule that is left out is found"),
        PlantedUnitTest(
            .homeChosenAnew, "BlockTransactionsTests/TransactionAloneTests",
            "A try that had no answer is made again at the same home"),
        PlantedUnitTest(
            .laggingShardForgotten, "BlockTransactionsTests/LaggingShardTests",
            "A checkpoint leaves out no shard that lags"),
        PlantedUnitTest(
            .lifeIgnored, "BlockConsensusTests/TailFunctionTests",
            "An attempt that lands in another life is found"),
        PlantedUnitTest(
            .listsBelieved, "BlockConsensusTests/ClaimCheckTests",
            "Believing it is found: a version of what was never decided comes to be"),
        PlantedUnitTest(
            .openDecisionForgotten, "BlockConsensusTests/TransactionInterleavingTests",
            "A decision whose coordinator died is carried out everywhere before its home is "
                + "dropped"),
        PlantedUnitTest(
            .openDecisionTruncated, "BlockConsensusTests/SpaceSweepTests",
            "No more is truncated than is final in every shard, and no decision that is open"),
        PlantedUnitTest(
            .peerCountedTwice, "BlockConsensusTests/ProposerTests",
            "A storage peer that is counted twice makes a quorum of one, and is found"),
        PlantedUnitTest(
            .pendWithoutBase, "BlockConsensusTests/BlockReplicaTests",
            "A pend that is confirmed without its base makes no version, and is found"),
        PlantedUnitTest(
            .predecessorsAnswerTaken, "BlockNodeTests/HostDefectTests",
            "An answer to a batch that this process has not sent does not count"),
        PlantedUnitTest(
            .promiseNotDurable, "BlockStorageTests/CrashTests",
            "A promise that is not durable is forgotten, an accepted value is not"),
        PlantedUnitTest(
            .readNotHeld, "BlockConsensusTests/TransactionInterleavingTests",
            "What is only read is held until the decision, whoever is kept waiting by that"),
        PlantedUnitTest(
            .readTakenForSeen, "BlockTransactionsTests/LocalCollectionSeenTests",
            "A doubt that a refusal ends, and a page that nobody sees, are found"),
        PlantedUnitTest(
            .sealBeforeSegment, "BlockConsensusTests/ProposerTests",
            "An accept that leaves before the segment that it points to is found"),
        PlantedUnitTest(
            .readWithoutWriteBack, "BlockConsensusTests/TailReadTests",
            "A read that tells what one replica holds, and leaves it at that, is found"),
        PlantedUnitTest(
            .rollbackWithoutFence, "BlockConsensusTests/TransactionInterleavingTests",
            "A rule that is dropped is missed"),
        PlantedUnitTest(
            .sealedTakenForLost, "BlockConsensusTests/TailFunctionTests",
            "Of an attempt whose target is sealed nobody says that it did not land"),
        PlantedUnitTest(
            .sharedIntentIgnored, "BlockConsensusTests/TransactionInterleavingTests",
            "What is only read is held until the decision, whoever is kept waiting by that"),
        PlantedUnitTest(
            .sharedIntentTimedOut, "BlockConsensusTests/TransactionInterleavingTests",
            "What is only read is held until the decision, whoever is kept waiting by that"),
        PlantedUnitTest(
            .groupReadUnchecked, "BlockTransactionsTests/TransactionGroupTests",
            "To take what a fellow writes for unchanged is found"),
        PlantedUnitTest(
            .freshByTheHome, "BlockTransactionsTests/TransactionGroupTests",
            "To take a collection for known anew because the home has decided is found"),
        PlantedUnitTest(
            .homeRefusalLast, "BlockTransactionsTests/TransactionGroupTests",
            "To tell another reason where the home cannot tell what became of it is found"),
        PlantedUnitTest(
            .vanishedTakenForNo, "BlockConsensusTests/TransactionInterleavingTests",
            "To take a refusal for the end of an attempt whose home is gone is found"),
        PlantedUnitTest(
            .nextRevisionInDoubt, "BlockTransactionsTests/DiaryInterleavingTests",
            "To make again what may have landed, before its revision was read, is found"),
        PlantedUnitTest(
            .truncatedWindowScanned, "BlockTransactionsTests/DedupeScanTests",
            "To scan what is left of truncated history makes an action twice, and is found"),
        PlantedUnitTest(
            .vanishedTakenForDead, "BlockConsensusTests/PrepareTests",
            "What the home says of an attempt: committed, dead, undecided, or that it cannot tell"),
        PlantedUnitTest(
            .writeBackRaisesNoDoubt, "BlockConsensusTests/ProposerDoubtTests",
            "A write-back that raises no doubt is found"),
    ]
}
