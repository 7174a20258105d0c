import BlockModel
import BlockRuntime

/// Makes the ballots of one process: never the same one twice.
///
/// The counter is one for all registers and only ever rises, so that forgetting a register can
/// never bring a ballot back; the proposer id is drawn at every start of the process.
package struct BallotSource: Sendable {
    package let proposer: ProposerID
    private var counter: UInt64 = 0

    package init(proposer: ProposerID) { self.proposer = proposer }

    /// A ballot above every one made before and above `seen`.
    package mutating func next(epoch: Epoch, above seen: Ballot) -> Ballot {
        counter = max(counter, seen.counter) + 1
        return Ballot(epoch: epoch, counter: counter, proposer: proposer)
    }
}
