import BlockModel
import BlockRuntime

/// A round under way in a coordinator, and who waits for it.
struct RunningRound {
    let id: UInt64
    var machine: any Round
    let owner: RoundOwner
    /// Ids of the requests sent, to be forgotten with the round.
    var requests: [UInt64] = []

    /// The change that it proposes; nil when it is a round of another kind.
    var proposer: Proposer? { machine as? Proposer }
}

/// A reader of a tail, to know what has happened: what is decided is in what it is given.
enum TailReader {
    case client(Coordinator.Token)
    /// A request whose claims are compared with the log.
    case check(UInt64)
}

/// Who waits for the end of a round.
enum RoundOwner {
    case client(Coordinator.Token)
    case reader(CollectionID, TailReader)
    /// A round that reads tails.
    case round(UInt64, tail: CollectionID)
    /// A proposal that waits for a segment.
    case segment(Digest, of: UInt64)
    /// A proposal that waits for its body or for a pend.
    case prerequisite(of: UInt64)
    /// A request that waits for several rounds.
    case fanOut(UInt64)
    /// A request whose claims wait for an object of the log.
    case check(UInt64, LogObjectKey)
    /// The attempt over several collections that the round decides.
    case decision(of: UInt64)
    /// The attempt over several collections that the round prepares a participant for.
    case participant(CollectionID, of: UInt64)
    /// What finds out what became of an attempt: about its home, or about a participant.
    case resolution(Digest, at: CollectionID?)
    case resolutionObject(Digest, LogObjectKey)
    /// Decisions of a home that are carried out everywhere.
    case closing(CollectionLife)
    /// What is worth doing, though no request waits for it.
    case nobody
}
