/// A defect that a simulation may switch on, to prove that the checkers have teeth.
///
/// Each names the rule of the protocol that it breaks. The pages of `OptimysticCore.docc` name it
/// under that rule, and say of each rule without one why there is none. Nothing of this exists in a
/// build without the `SimulationHooks` trait: ``planted(_:)`` is then the constant false.
///
/// Two that are not here, since no world would find them:
///
/// - The last bind of a pend takes the place of those before it: a late bind would have to come
///   between a later one and the discard of its own target, on two replicas. The test "Late binds
///   take nothing away: bound is a set" of `BlockReplicaTests` finds it.
/// - A scrub copies on a conflict: of a sound log no two versions of one place differ, whatever
///   disks do, as what lies where it does not belong is listed as damaged. The test "Two different
///   writes at one revision are reported and left as they are" of `ScrubTests` finds it.
@usableFromInline
package enum PlantedBug: String, CaseIterable, Sendable {
    // MARK: Registers

    /// A read takes the highest value of a mixed quorum and does not write it back
    /// (protocol: write-back-before-answer).
    case readWithoutWriteBack
    /// A promise is answered but not kept over a restart (protocol: sync-before-reply).
    case promiseNotDurable
    /// An accept does not raise the promise (protocol: accept-raises-promise).
    case acceptDoesNotPromise
    /// A ballot is used again with another value (protocol: one-ballot-one-value).
    case ballotReused
    /// A coordinator has the same proposer id after a restart, and begins to count anew
    /// (protocol: one-ballot-one-value).
    case proposerReused
    /// A ballot that was promised beforehand is used again, although its accept had no success
    /// (protocol: retained-ballot).
    case retainedBallotUsedAgain
    /// An acceptor says that it has promised the next ballot, and does not keep it
    /// (protocol: retained-ballot).
    case nextPromiseNotDurable
    /// The next ballot is used although fewer than a quorum have promised it
    /// (protocol: retained-ballot).
    case retainedBelowQuorum
    /// Whoever accepts is taken to have promised the next ballot as well
    /// (protocol: retained-ballot).
    case nextPromiseTakenForGranted
    /// A quorum is half of the members (protocol: quorum-of-distinct-peers).
    case quorumOffByOne
    /// Replies leave before the batch they depend on is synced (protocol: sync-before-reply).
    case replyBeforeSync
    /// A peer whose store ends before what it acknowledged votes on
    /// (protocol: a-peer-that-forgot-is-a-new-peer).
    case amnesiaIgnored

    // MARK: Attempts

    /// A retried action is proposed without a scan for its earlier landing (protocol: dedupe-scan).
    case noDedupeScan
    /// An attempt lands in whatever life of the collection it finds
    /// (protocol: incarnation-everywhere).
    case lifeIgnored
    /// The decision is asked for before the bodies are durable on a quorum
    /// (protocol: pends-before-decision).
    case decideBeforePends
    /// After a lost race the entries in between are not read for the actions of the batch
    /// (protocol: scan-again-after-moved).
    case noScanAfterMoved
    /// An action is looked for above the revision known when it came, not above its own
    /// (protocol: first-revision-is-fixed).
    case firstRevisionRaised
    /// An action seen in a tail that is not chosen is acknowledged (protocol: act-on-chosen).
    case landingNotChosen
    /// An attempt whose fate is unknown is told to have failed
    /// (protocol: doubt-belongs-to-the-attempt, same-change-recognised).
    case doubtToldAsFailure
    /// A coordinator that only writes back another one's half-accepted attempt, and is asked for
    /// that attempt, takes it for one that was never tried
    /// (protocol: doubt-belongs-to-the-attempt, same-change-recognised).
    case writeBackRaisesNoDoubt
    /// A proxy forgets, when a later try is refused, that an earlier one had no answer
    /// (protocol: doubt-belongs-to-the-attempt).
    case doubtDroppedByProxy
    /// A client session forgets likewise (protocol: doubt-belongs-to-the-attempt).
    case doubtDroppedBySession
    /// A custom collection forgets likewise (protocol: doubt-belongs-to-the-attempt).
    case doubtDroppedByCollection
    /// An attempt in doubt is told to have failed since its collection is gone
    /// (protocol: gone-after-doubt-is-unknown).
    case goneEndsDoubt
    /// An attempt is told to be dead without a look at its target, which is sealed
    /// (protocol: moved-says-what-was-looked-for).
    case sealedTakenForLost
    /// An action is begun on a snapshot older than what was read, and never compared with that
    /// (protocol: seen-is-not-read).
    case readTakenForSeen
    /// An attempt of unknown fate is taken for dead, and made again at the next revision
    /// (protocol: unknown-holds-the-next).
    case nextRevisionInDoubt
    /// A rebase does not look at the header part, where the root is (protocol: header-is-read).
    case rebaseIgnoresHeader
    /// A rebase looks at the blocks written only, not at those read on the way
    /// (protocol: every-visited-block-is-read).
    case rebaseIgnoresReads
    /// A rebase takes a transform over although its block was written meanwhile
    /// (protocol: written-blocks-are-computed-again).
    case rebaseIgnoresWrites
    /// The blocks that an action makes get ids by its place in its batch, which is another one when
    /// it is executed again (protocol: execution-is-deterministic).
    case blockIDsByPlace

    // MARK: Lives

    /// A creation makes whatever life is next, not the one after the life its sender saw
    /// (protocol: create-on-what-was-seen).
    case generationTakenAnew
    /// A creation that may have made a life that no register remembers is told to have made none
    /// (protocol: create-on-what-was-seen).
    case forgottenToldAsDefinite
    /// A creation does not look whether the life it finds is its own
    /// (protocol: create-on-what-was-seen).
    case creatorNotCompared
    /// A drop that finds a later life is told to have done nothing
    /// (protocol: gone-after-doubt-is-unknown, drop-names-the-life).
    case goneToldAsDefinite
    /// A drop ends whatever life it finds (protocol: drop-names-the-life).
    case dropWithoutIncarnation

    /// Of an action that may be in truncated history, what is left of it is scanned
    /// (protocol: first-revision-is-fixed).
    case truncatedWindowScanned

    // MARK: Transactions

    /// A collection is prepared for a write although others hold what they read of it
    /// (protocol: reads-hold-shared-intents).
    case sharedIntentIgnored
    /// What is read is compared with what it was, and not held until the decision
    /// (protocol: reads-hold-shared-intents).
    case readNotHeld
    /// Whoever is kept waiting by what holds a read takes that away as if its time were up, though
    /// its attempt may still land (protocol: reads-hold-shared-intents).
    case sharedIntentTimedOut
    /// A later try of a transaction is decided at another collection than the first one was
    /// (protocol: home-is-fixed).
    case homeChosenAnew
    /// A home is truncated above a decision that not everybody has carried out
    /// (protocol: open-decisions-hold-the-log).
    case openDecisionTruncated
    /// A decision that another coordinator left open when it died is closed although not everybody
    /// has carried it out (protocol: open-decisions-hold-the-log).
    case openDecisionForgotten
    /// A home is dropped although a decision of it is open (protocol: drop-waits-for-decisions).
    case dropWithOpenDecision
    /// A home whose history is gone is taken to say that the attempt is dead
    /// (protocol: vanished-reads-again).
    case vanishedTakenForDead
    /// An attempt is rolled back before it is fenced at its home
    /// (protocol: home-decides, fence-before-discard).
    case rollbackWithoutFence
    /// What a transaction reads of several collections is of several moments
    /// (protocol: vector-is-proven).
    case cutOfOneLook
    /// Of a transaction that shares a decision, conditions that fail are passed over
    /// (protocol: group-shares-one-home).
    case groupConditionUnchecked
    /// Of a transaction that shares a decision, what it has read is not compared with what those
    /// before it write (protocol: group-shares-one-home).
    case groupReadUnchecked
    /// What a home has decided makes all collections of a transaction known anew, also those that
    /// had no part in it (protocol: group-shares-one-home).
    case freshByTheHome
    /// Of a transaction that two collections refuse the first reason is told, whatever its home
    /// says (protocol: gone-after-doubt-is-unknown).
    case homeRefusalLast
    /// A refusal of one try is told as the end of the attempt, where the history that would tell
    /// what became of it is gone (protocol: gone-after-doubt-is-unknown).
    case vanishedTakenForNo
    /// A reader passes over an intent without a look at its home (protocol: vector-is-proven).
    case intentsIgnored

    // MARK: Pends

    /// The pends of an attempt that may still land are taken back once they are old, and no fence
    /// at its home keeps it from landing (protocol: fence-before-discard).
    case discardWithoutFence

    /// The pends of an attempt are taken back when its time is up
    /// (protocol: no-timer-removes-a-pend).
    case pendExpires
    /// A pend is removed with the target given up, whatever else it was bound to meanwhile
    /// (protocol: bound-is-a-set).
    case discardRemovesPend
    /// A pend is acknowledged without its base (protocol: pend-needs-its-base).
    case pendWithoutBase
    /// A peer that acknowledges a pend or an object twice counts twice
    /// (protocol: empty-list-asks-a-quorum, quorum-of-distinct-peers).
    case peerCountedTwice
    /// A write is applied to whatever version is the newest below it, not to its base
    /// (protocol: applied-on-its-base).
    case baseIgnored
    /// The pend of a committed write is found by its revision, not by its payload
    /// (protocol: pend-found-by-payload).
    case pendFoundByRevision
    /// The blocks of an attempt that lost its race are finalised (protocol: pend-found-by-payload).
    case lostAttemptFinalised

    /// Coordinators believe what clients say the log lists
    /// (protocol: facts-from-the-coordinators-own-tail).
    case listsBelieved

    // MARK: Reads and checkpoints

    /// A checkpoint counts versions of fewer than a quorum (protocol: checkpoint-counts-a-quorum).
    case checkpointBelowQuorum
    /// A block of which the log lists no write is read from one replica instead of a quorum
    /// (protocol: empty-list-asks-a-quorum).
    case emptyListReadFromOne
    /// A checkpoint claims all that its revision covers, of the shards that lag as well
    /// (protocol: finality-by-shard, lists-are-never-shortened).
    case laggingShardForgotten
    /// Any replica's version is the answer, whatever write the log lists
    /// (protocol: listed-write-is-the-answer).
    case anyCopyIsRead
    /// A block is served and taken without a look at its hash (protocol: hash-on-every-read).
    case blockHashUnchecked

    // MARK: Segments and history

    /// History is deleted before the tail says that it is gone (protocol: truncate-then-delete).
    case deletedBeforeTruncation

    /// A segment is stored under its index alone, without its hash
    /// (protocol: segment-key-has-the-hash).
    case segmentKeyWithoutHash
    /// The pointer to a segment is decided before the segment is durable on a quorum
    /// (protocol: segment-before-pointer).
    case sealBeforeSegment
    /// A tail that is not chosen is handed to a reader, who follows its segment pointers
    /// (protocol: act-on-chosen).
    case unchosenTailFollowed
    /// A replica acknowledges a segment because its index exists, whatever its hash
    /// (protocol: segment-key-has-the-hash).
    case segmentIndexExistsIsEnough

    // MARK: Hosts

    /// An answer goes to another caller that waits, who takes it for its own
    /// (protocol: doubt-belongs-to-the-attempt).
    case callersMixedUp
    /// A service that stops says of a change under way that it has failed
    /// (protocol: doubt-belongs-to-the-attempt).
    case drainToldAsFailure
    /// A service that stops lets requests in that it will not answer.
    case drainTakesRequests
    /// What another storage answers at the address of a peer counts for the peer that was asked
    /// (protocol: quorum-of-distinct-peers, a-peer-that-forgot-is-a-new-peer).
    case foreignVotesCount
    /// A coordinator takes an answer to a predecessor of its process for one to itself
    /// (protocol: one-ballot-one-value).
    case predecessorsAnswerTaken
}
