/// A defect that a simulation may switch on, to prove that the checkers have teeth.
///
/// The letters are those of the design's mutation catalogue. Nothing of this exists in a build
/// without the `SimulationHooks` trait: ``planted(_:)`` is then the constant false.
///
/// Not planted, because what they break is not there to be broken:
///
/// | mutation | why not |
/// |---|---|
/// | N2, N3, N5, N7, N8, N10–N14, N18 | no attempt spans several collections |
/// | N16 | binds follow the log only, never a guess: then a greatest bind is as good as a set |
/// | Q4, Q8, Q9, Q11, E1–E4, X1 of Q8 | there is one epoch |
/// | Q10 | no pend is collected by its age |
/// | Q12 | a pend waits for the version of its base, so that every quorum shows the write listed |
/// | F1–F4, F6–F10 | no commit is fused with its pends |
///
/// N15, the last bind of a pend taking the place of those before it, no world finds: a late bind
/// would have to come between a later one and the discard of its own target, on two replicas. The
/// test "Late binds take nothing away" of `BlockReplicaTests` does.
///
/// "Scrub copies on a conflict" no world can find: of a sound log no two versions of one place
/// differ, whatever disks do, as what lies where it does not belong is listed as damaged. The test
/// "Two different writes at one revision are reported and left as they are" of `ScrubTests` does.
///
/// "Base revision ignored" is Q6 here, "one peer counted twice" Q5, "action ids of a batch not
/// checked again after `Moved`" D1, "segment keyed without its hash" S1.
public enum PlantedBug: String, CaseIterable, Sendable {
    // MARK: Registers

    /// M1: a read takes the highest value of a mixed quorum and does not write it back.
    case readWithoutWriteBack
    /// M2: a promise is answered but not kept over a restart.
    case promiseNotDurable
    /// M3: an accept does not raise the promise.
    case acceptDoesNotPromise
    /// M4: a ballot is used again with another value.
    case ballotReused
    /// F5: a coordinator has the same proposer id after a restart, and begins to count anew.
    case proposerReused
    /// A quorum is half of the members.
    case quorumOffByOne
    /// Replies leave before the batch they depend on is synced.
    case replyBeforeSync
    /// E5, rule 9: a peer whose store ends before what it acknowledged votes on.
    case amnesiaIgnored

    // MARK: Attempts

    /// N4: a retried action is proposed without a scan for its earlier landing.
    case noDedupeScan
    /// N6: an attempt lands in whatever life of the collection it finds.
    case lifeIgnored
    /// N9: the decision is asked for before the bodies are durable on a quorum.
    case decideBeforePends
    /// D1: after a lost race the entries in between are not read for the actions of the batch.
    case noScanAfterMoved
    /// D2: an action is looked for above the revision known when it came, not above its own.
    case firstRevisionRaised
    /// D3: an action seen in a tail that is not chosen is acknowledged.
    case landingNotChosen
    /// D5: an attempt whose fate is unknown is told to have failed.
    case doubtToldAsFailure
    /// A coordinator that only writes back another one's half-accepted attempt, and is asked for
    /// that attempt, takes it for one that nobody has tried.
    case writeBackRaisesNoDoubt
    /// A proxy forgets, when a later try is refused, that an earlier one had no answer.
    case doubtDroppedByProxy
    /// A client session forgets likewise.
    case doubtDroppedBySession
    /// A custom collection forgets likewise.
    case doubtDroppedByCollection
    /// An attempt in doubt is told to have failed since its collection is gone.
    case goneEndsDoubt
    /// An attempt is told to be dead without a look at its target, which is sealed.
    case sealedTakenForLost
    /// An action is begun on a snapshot older than what was read, and never compared with that.
    case readTakenForSeen
    /// D6: an attempt of unknown fate is taken for dead, and made again at the next revision.
    case nextRevisionInDoubt
    /// X1: a rebase does not look at the header part, where the root is.
    case rebaseIgnoresHeader
    /// X2: a rebase looks at the blocks written only, not at those read on the way.
    case rebaseIgnoresReads
    /// X3: a rebase takes a transform over although its block was written meanwhile.
    case rebaseIgnoresWrites

    // MARK: Lives

    /// DL2: a creation makes whatever life is next, not the one after the life its sender saw.
    case generationTakenAnew
    /// DL3: a creation that may have made a life nobody remembers is told to have made none.
    case forgottenToldAsDefinite
    /// DL4: a creation does not look whether the life it finds is its own.
    case creatorNotCompared
    /// DL5: a drop that finds a later life is told to have done nothing.
    case goneToldAsDefinite
    /// DL7: a drop ends whatever life it finds.
    case dropWithoutIncarnation

    /// D4: of an action that may be in truncated history, what is left of it is scanned.
    case truncatedWindowScanned

    // MARK: Pends

    /// The pends of an attempt that may still land are taken back once they are old, and no fence
    /// at its home keeps it from landing.
    case discardWithoutFence

    /// N1: the pends of an attempt are taken back when its time is up.
    case pendExpires
    /// N17: a pend is removed with the target given up, whatever else it was bound to meanwhile.
    case discardRemovesPend
    /// Q3: a pend is acknowledged without its base.
    case pendWithoutBase
    /// Q5: a peer that acknowledges a pend or an object twice counts twice.
    case peerCountedTwice
    /// Q6: a write is applied to whatever version is the newest below it, not to its base.
    case baseIgnored
    /// Q7: the pend of a committed write is found by its revision, not by its payload.
    case pendFoundByRevision
    /// The blocks of an attempt that lost its race are finalised.
    case lostAttemptFinalised

    /// Coordinators believe what clients say the log lists.
    case listsBelieved

    // MARK: Reads and checkpoints

    /// Q1: a checkpoint counts versions of fewer than a quorum.
    case checkpointBelowQuorum
    /// A block of which the log lists no write is read from one replica instead of a quorum (A2.2).
    case emptyListReadFromOne
    /// A checkpoint claims all that its revision covers, of the shards that lag as well.
    case laggingShardForgotten
    /// Q2: any replica's version is the answer, whatever write the log lists.
    case anyCopyIsRead
    /// A block is served and taken without a look at its hash.
    case blockHashUnchecked

    // MARK: Segments and history

    /// S5: history is deleted before the tail says that it is gone.
    case deletedBeforeTruncation

    /// S1: a segment is stored under its index alone, without its hash.
    case segmentKeyWithoutHash
    /// S2: the pointer to a segment is decided before the segment is durable on a quorum.
    case sealBeforeSegment
    /// S3: a tail that is not chosen is handed to a reader, who follows its segment pointers.
    case unchosenTailFollowed
    /// S6: a replica acknowledges a segment because its index exists, whatever its hash.
    case segmentIndexExistsIsEnough
}
