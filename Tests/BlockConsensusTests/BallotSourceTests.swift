import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

@Suite("Ballots of one process")
struct BallotSourceTests {
    @Test("Every ballot is above the last one and above what was seen")
    func rising() {
        var source = BallotSource(proposer: Sample.proposer(1))
        var last = Ballot.zero
        for seen in [0, 5, 3, 100, 99] as [UInt64] {
            let ballot = source.next(epoch: .first, above: Sample.ballot(seen))
            #expect(ballot > last)
            #expect(ballot > Sample.ballot(seen))
            last = ballot
        }
    }

    @Test("A register with a hostile counter does not lock the process out of the others")
    func hostileCounter() {
        var source = BallotSource(proposer: Sample.proposer(1))
        let hostile = source.next(epoch: .first, above: Sample.ballot(1 << 40))
        let other = source.next(epoch: .first, above: .zero)
        #expect(other.counter <= Limits.ballotCounterJumpMax)
        #expect(other.proposer != hostile.proposer)
        guard case .promise = Acceptor.prepare(.untouched, other).reply else {
            Issue.record("an untouched register refuses \(other)")
            return
        }
        // Ballots of the new id rise like those of the old one, and none comes back.
        var made: Set<Ballot> = [hostile, other]
        for seen in [0, 1 << 40, 0, 1 << 50] as [UInt64] {
            #expect(made.insert(source.next(epoch: .first, above: Sample.ballot(seen))).inserted)
        }
    }
}
