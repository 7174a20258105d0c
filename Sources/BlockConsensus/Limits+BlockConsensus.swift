import BlockModel
import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: What a client may store

    /// Tails that a list of collections reads at a time: enough to hide the way there and back.
    package static let listTailReadsMax = 32

    // MARK: Versions and pends

    /// Times that a linearizable read looks at a register that its own coordinator is changing,
    /// before it takes part and writes back.
    package static let tailLookCountMax = 4
    /// Bytes of blocks that a storage peer keeps ready, decoded and checked: some thousand leaves,
    /// so that a write of a hot one reads and hashes what it changes only.
    package static let blockMemoBytesMax = 64 * 1024 * 1024
    /// Bytes of the undecided changes of one block, as they are stored: all of them are read when
    /// a coordinator wants to know what is in the way of a change.
    package static let blockPendBytesMax = 16 * 1024 * 1024
    /// Bytes of all undecided changes that a storage peer keeps: beyond any load that decides what
    /// it pends, and little beside a disk. More are refused, none is evicted.
    package static let peerPendBytesMax = 1024 * 1024 * 1024
    /// Entries of one log that a coordinator knows the payloads of, to check what it is told of the
    /// log: as many as a list of committed writes has. What is older is read again.
    package static let chosenLogCountMax = 4096
    /// Writes of blocks that it keeps of one of these logs; of the oldest entries it forgets them.
    package static let chosenLogResultCountMax = 32_768
    /// The same of all logs together, in bytes.
    package static let chosenLogsBytesMax = 16 * 1024 * 1024
    /// Time that one page of a scrub, or one step of a walk over pends, has.
    package static let scrubTime = Duration.seconds(30)

    // MARK: The tail register

    /// Bytes of the open entries in a tail, the largest part of the budget above.
    package static let tailEntriesBytesMax = 44 * 1024
    /// How long an attempt over several collections that is in the way of others is left alone
    /// before it is fenced: many times what one takes whose home can be reached.
    package static let intentPoliteness = Duration.milliseconds(100)
    /// Attempts that are resolved at once of one tail that no proxy asks about.
    package static let settledAtOnceMax = 8
    /// Time that each step has by which a coordinator finds out what became of an attempt.
    package static let resolutionTime = Duration.seconds(1)

    // MARK: Messages

    /// How far a ballot counter may jump in one message: a hostile counter must not exhaust it.
    package static let ballotCounterJumpMax: UInt64 = 1 << 32

    /// Values that a coordinator holds with the ballots that were promised for what follows them,
    /// so that a change of a register needs no prepare: of 256 of the largest.
    package static let retainedBallotsBytesMax = 256 * tailBytesMax

    // MARK: Queues

    /// Requests a coordinator holds for one register before it answers `overloaded`.
    package static let registerQueueCountMax = 1024
    /// How long a register is kept free for a proposer that came too late, at least: two trips
    /// to a proxy nearby, which has to read what landed before it. One that takes longer is known
    /// to do so once it has come back.
    package static let keptPlaceTimeMin = Duration.milliseconds(20)
    /// The same at most: a proposer that never comes back costs the others no more, and only once
    /// for each time that it was told.
    package static let keptPlaceTimeMax = Duration.milliseconds(200)
    /// How long the turns of all proposers of one register take together, when each has enough to
    /// land: the longer, the fewer looks at what others landed, and the longer the others wait.
    package static let turnsTime = Duration.milliseconds(100)
    /// For how long a proposer that did not come back in its turn gets no time to do so.
    package static let idleProposerTime = Duration.milliseconds(250)
    /// How long after signs of another coordinator that changes a register one leaves room for it:
    /// many turns, and little where the other one is gone.
    package static let sharedRegisterTime = Duration.seconds(1)
    /// Proposers, and registers, of which a coordinator remembers how to be fair to them.
    package static let turnMemoryCountMax = 4096
    /// Rounds with storage peers that a coordinator has under way for all of them, some hundred
    /// bytes each beside what they carry: 64 attempts of the most blocks.
    package static let roundCountMax = 64 * transformBlockCountMax
}
