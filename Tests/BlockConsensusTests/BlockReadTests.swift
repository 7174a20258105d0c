import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Which answers answer (protocol: listed-write-is-the-answer).
@Suite struct BlockReadTests {
    private let members: Membership

    init() throws {
        members = Membership(shard: ShardID(rawValue: 0), in: try Sample.map(shardCount: 1))
    }

    private func copy(_ number: UInt64) -> PeerReply {
        .block(
            BlockCopy(
                write: BlockScene.write(number), baseRevision: Revision(number - 1),
                bytes: BlockScene.block(after: number).canonicalBytes))
    }

    /// How a read as of `revision` ends after `replies`, each of another peer.
    private func result(
        _ revision: UInt64, committed: [UInt64], _ replies: [PeerReply]
    ) throws -> RoundResult? {
        guard case .readBlock(let request) = BlockScene.read(revision, committed: committed) else {
            return nil
        }
        var read = BlockRead(
            request, members: members, deadline: .origin.advanced(by: .seconds(9)))
        var effects = RoundEffects(
            now: .origin, timing: ProtocolTiming(), policy: TailPolicy(),
            ballots: BallotSource(proposer: ProposerID(rawValue: .zero)),
            generator: SeededGenerator(seed: 1))
        read.start(&effects)
        for (peer, reply) in zip(members.peers, replies) {
            try #require(effects.result == nil, "the read had ended before")
            read.receive(reply, from: peer, stamp: 0, &effects)
        }
        return effects.result
    }

    private func isAnswer(_ result: RoundResult?, _ number: UInt64) -> Bool {
        guard case .reply(.block(let copy?))? = result else { return false }
        return copy.write == BlockScene.write(number)
    }

    // protocol: listed-write-is-the-answer
    @Test("Of a block that the log lists a write of, the newest of a quorum is no answer")
    func newestOfQuorum() throws {
        #expect(try result(3, committed: [2, 3], [copy(1), copy(2)]) == nil)
        #expect(try result(3, committed: [3], [.block(nil), copy(1)]) == nil)
        #expect(isAnswer(try result(3, committed: [2, 3], [copy(1), copy(2), copy(3)]), 3))
        #expect(isAnswer(try result(3, committed: [2, 3], [copy(3)]), 3))
    }

    // protocol: empty-list-asks-a-quorum
    @Test("Of one that it lists none of, the newest of a quorum is the answer, of fewer none")
    func quorum() throws {
        #expect(try result(3, committed: [], [copy(2)]) == nil)
        #expect(isAnswer(try result(3, committed: [], [copy(1), copy(2)]), 2))
        #expect(try result(3, committed: [], [.block(nil), .block(nil)]) == .reply(.block(nil)))
    }
}
