import BlockModel
import BlockRuntime

/// One thing that a coordinator has storage peers do, in as many messages as it takes: a value that
/// is fed with answers and with time, and says what to send next.
///
/// A kind of round is one file. A coordinator that wants one hands it to
/// ``Coordinator/add(_:owner:isHeld:)``; nothing else has to know that there is such a kind.
protocol Round {
    /// The shard that its requests are about and whose members decide it. When it asks all peers of
    /// the cluster, any.
    var shard: ShardID { get }
    /// When it ends at the latest, with whatever was reached by then.
    var deadline: Instant { get }

    /// The first requests.
    mutating func start(_ effects: inout RoundEffects)

    /// A peer has answered.
    /// - Parameter stamp: What came with the request: tells late answers from current ones.
    mutating func receive(
        _ reply: PeerReply, from peer: PeerID, stamp: Int, _ effects: inout RoundEffects)

    /// The time has come that the round wanted to be woken at.
    mutating func tick(_ effects: inout RoundEffects)

    /// Stops the process unless the round, which has not ended, is what it should be. Called after
    /// each of its steps in tests and simulations.
    /// - Complexity: O(members of the shard).
    func checkInvariants()

    // MARK: What only some rounds have

    /// A tail that ``RoundEffects/readTail(_:)`` asked for was read, or could not be.
    mutating func tailWasRead(
        of collection: CollectionID, _ result: RoundResult, _ effects: inout RoundEffects)

    /// What its coordinator does when it has ended, besides telling its owner.
    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator)
}

extension Round {
    mutating func tailWasRead(
        of collection: CollectionID, _ result: RoundResult, _ effects: inout RoundEffects
    ) {
        invariant(false, "the tail of \(collection) was not asked for")
    }

    func end(
        _ result: RoundResult, as running: RunningRound, in coordinator: inout Coordinator
    ) {
        coordinator.report(result, of: running)
    }
}

/// A round of the members of one shard.
protocol ShardRound: Round {
    var members: Membership { get }
}

extension ShardRound {
    var shard: ShardID { members.shard }
}
