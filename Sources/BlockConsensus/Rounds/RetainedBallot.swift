import BlockModel
import BlockRuntime

/// A ballot that a quorum has promised with its accepts of the one before it, and the value that
/// they accepted: whoever holds it may send an accept without a prepare
/// (protocol: retained-ballot).
///
/// The value is chosen, and whether it is still the newest one shows when the accept is answered.
/// So it is a base of a change, and no authority for an answer.
package struct RetainedBallot {
    package let ballot: Ballot
    package let value: TailValue
    /// Of the value in a register.
    package let byteCount: Int
}

extension Coordinator {
    /// The right to go on without a prepare, once: whoever takes it uses it or gives it up.
    mutating func takeRetained(_ collection: CollectionID) -> RetainedBallot? {
        guard let right = retainedBallots[collection] else { return nil }
        if !planted(.retainedBallotUsedAgain) { retainedBallots.remove(collection) }
        invariant(right.ballot.epoch == map.epoch, "a ballot of another epoch is kept")
        // Another coordinator has taken a ballot above it: a prepare is quicker than a refusal.
        guard turnMemory[collection].sharedUntil <= now else { return nil }
        return right
    }

    /// Keeps what a proposal has left of rights.
    mutating func keepRetained(of proposer: Proposer) {
        guard let right = proposer.retained else { return }
        retainedBallots.put(right, for: proposer.collection, weight: right.byteCount)
    }
}
