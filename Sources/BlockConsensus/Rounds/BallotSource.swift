import BlockModel
import BlockRuntime

/// Makes the ballots of one process: never the same one twice.
///
/// The counter is one for all registers and only ever rises, so that forgetting a register can
/// never bring a ballot back; the proposer id is drawn at every start of the process.
///
/// A register with a hostile counter would lift the counter of all so far that acceptors of the
/// others refuse the jump. The source then begins again under another proposer id, which makes its
/// ballots new ones whatever their counters.
package struct BallotSource: Sendable {
    package private(set) var proposer: ProposerID
    private var counter: UInt64 = 0

    package init(proposer: ProposerID) { self.proposer = proposer }

    /// Leaves out a ballot that a proposer may use without having taken it here: the one that
    /// acceptors promise with an accept (protocol: retained-ballot).
    package mutating func reserve(_ ballot: Ballot) {
        guard ballot.proposer == proposer else { return }
        counter = max(counter, ballot.counter)
    }

    /// A ballot above every one made before and above `seen`.
    package mutating func next(epoch: Epoch, above seen: Ballot) -> Ballot {
        if counter >= seen.counter + Limits.ballotCounterJumpMax {
            mark("ballots.newProposer")
            proposer = proposer.successor
            counter = seen.counter
        }
        counter = max(counter, seen.counter) + 1
        invariant(counter > seen.counter, "the counter \(counter) is not above \(seen)")
        return Ballot(epoch: epoch, counter: counter, proposer: proposer)
    }
}

extension ProposerID {
    /// Another id that no other process has: a hash of this one.
    fileprivate var successor: ProposerID {
        let digest = Digest(domain: "optimystic/proposer/1", rawValue.bytes).bytes
        return ProposerID(rawValue: Identifier128(digest.prefix(Identifier128.byteCount)) ?? .zero)
    }
}
