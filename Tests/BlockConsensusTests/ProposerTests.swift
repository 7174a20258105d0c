import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// One change of a register: who is asked what, when it is decided, and when it is given up.
@Suite("A proposer") struct ProposerTests {
    private typealias Scene = ProposerDoubtTests.Scene

    private static func ballot(of operation: PeerRequest.Operation) -> Ballot? {
        switch operation {
        case .prepare(_, let ballot), .accept(_, let ballot, _, _): ballot
        default: nil
        }
    }

    /// The members that were asked for a promise, or for an accept.
    private static func asked(_ scene: Scene, toAccept: Bool) -> [PeerID] {
        scene.sends.compactMap { send in
            switch send.operation {
            case .prepare: toAccept ? nil : send.peer
            case .accept: toAccept ? send.peer : nil
            default: nil
            }
        }
    }

    @Test("A change is proposed once a majority has promised, and told once a majority accepted")
    func decided() throws {
        let tail = Sample.tail()
        var scene = try Scene(.commit(Sample.commit(7, at: Revision(1), on: tail)), on: tail)
        #expect(Set(Self.asked(scene, toAccept: false)) == Set(scene.members.peers))
        let ballot = try #require(Self.ballot(of: scene.last.operation))
        let stamp = scene.last.stamp
        func promise(_ peer: PeerID) -> (inout Proposer, inout RoundEffects) -> Void {
            let reply = PeerReply.promise(
                ballot, accepted: Sample.ballot(1, 9), value: TailValue.live(tail).registerBytes)
            return { $0.receive(reply, from: peer, stamp: stamp, &$1) }
        }
        scene.run(promise(scene.members.peers[0]))
        // The same peer once more is not a second one (protocol: quorum-of-distinct-peers).
        scene.run(promise(scene.members.peers[0]))
        #expect(scene.acceptCount == 0)
        scene.run(promise(scene.members.peers[1]))
        #expect(Set(Self.asked(scene, toAccept: true)) == Set(scene.members.peers))
        #expect(Self.ballot(of: scene.last.operation) == ballot)
        let acceptStamp = scene.last.stamp
        for (count, peer) in scene.members.peers.prefix(2).enumerated() {
            #expect(scene.result == nil, "told after \(count) accepts")
            scene.run {
                $0.receive(
                    .accepted(ballot, promisesNext: false), from: peer, stamp: acceptStamp, &$1)
            }
        }
        guard case .reply(.committed(let revision, _))? = scene.result else {
            Issue.record("\(String(describing: scene.result))")
            return
        }
        #expect(revision == Revision(1))
    }

    @Test("One that lost to a higher ballot tries again above it, after a pause")
    func lost() throws {
        var scene = try Scene(.read, on: Sample.tail())
        let first = try #require(Self.ballot(of: scene.last.operation))
        let rival = Sample.ballot(first.counter + 40, 9)
        let stamp = scene.last.stamp
        let before = scene.sends.count
        for peer in scene.members.peers.prefix(2) {
            scene.run { $0.receive(.rejected(promised: rival), from: peer, stamp: stamp, &$1) }
        }
        #expect(scene.sends.count == before, "it competes at once")
        scene.now = scene.now.advanced(by: RetryTiming.rivals.first)
        scene.run { $0.tick(&$1) }
        let next = try #require(Self.ballot(of: scene.last.operation))
        #expect(next > rival && scene.sends.count > before)
        #expect(scene.result == nil)
    }

    @Test("Without a majority it ends when its time does, and says so") func expired() throws {
        var scene = try Scene(.read, on: Sample.tail())
        scene.expire()
        #expect(scene.error?.code == .quorumUnavailable)
        #expect(scene.error?.outcome == .notApplied)
    }

    #if SIMULATION_HOOKS
    @Test("An accept that leaves before the segment that it points to is found")
    func plantedSealBeforeSegment() throws {
        let full = TailFunctionTests.grow(Sample.tail(), by: Limits.segmentEntryCountMax).tail
        let attempt = Sample.commit(50, at: full.revision.next, on: full)
        func acceptCount() throws -> Int {
            var scene = try Scene(.commit(attempt), on: full)
            scene.promise(.live(full))
            return scene.acceptCount
        }
        #expect(try acceptCount() == 0)
        let early = try SimulationHooks.$plantedBug.withValue(.sealBeforeSegment) {
            try acceptCount()
        }
        #expect(early > 0)
    }

    @Test("A storage peer that is counted twice makes a quorum of one, and is found")
    func plantedPeerCountedTwice() throws {
        func ending() throws -> RoundResult? {
            let map = try Sample.map()
            var effects = RoundEffects(
                now: .origin, timing: ProtocolTiming(), policy: TailPolicy(),
                ballots: BallotSource(proposer: Sample.proposer(1)),
                generator: SeededGenerator(seed: 1))
            let members = Membership(shard: ShardID(rawValue: 0), in: map)
            var write = QuorumWrite(
                .getContent(BlockID(content: [1])), members: members,
                deadline: Instant.origin.advanced(by: .seconds(1)))
            write.start(&effects)
            for _ in 0..<2 {
                write.receive(.stored, from: members.peers[0], stamp: 0, &effects)
            }
            return effects.result
        }
        #expect(try ending() == nil)
        let mistaken = try SimulationHooks.$plantedBug.withValue(.peerCountedTwice) {
            try ending()
        }
        #expect(mistaken == .stored)
    }
    #endif
}
