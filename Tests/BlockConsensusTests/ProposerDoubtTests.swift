import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// When a proposer may not say any more that its change was not carried out
/// (protocol: doubt-belongs-to-the-attempt).
@Suite("Doubt of a proposer") struct ProposerDoubtTests {
    /// One proposer, its host, and what it told in the end.
    struct Scene {
        let members: Membership
        var proposer: Proposer
        var now = Instant.origin
        var ballots = BallotSource(proposer: Sample.proposer(1))
        var sends: [(peer: PeerID, operation: PeerRequest.Operation, stamp: Int)] = []
        var result: RoundResult?

        init(_ change: TailChange, on tail: Tail, prerequisiteCount: Int = 0) throws {
            let map = try Sample.map()
            members = Membership(shard: map.shard(of: tail.collection), in: map)
            proposer = Proposer(
                collection: tail.collection, members: members, change: change,
                prerequisiteCount: prerequisiteCount,
                deadline: Instant.origin.advanced(by: .seconds(3)), timing: ProtocolTiming())
            run { $0.start(&$1) }
        }

        mutating func run(_ step: (inout Proposer, inout RoundEffects) -> Void) {
            var effects = RoundEffects(
                now: now, timing: ProtocolTiming(), policy: TailPolicy(), ballots: ballots,
                generator: SeededGenerator(seed: 1))
            step(&proposer, &effects)
            if effects.result == nil { proposer.checkInvariants() }
            ballots = effects.ballots
            sends += effects.sends
            result = result ?? effects.result
        }

        /// The newest of its sends, to whomever it was.
        var last: (operation: PeerRequest.Operation, stamp: Int) {
            sends.last.map { ($0.operation, $0.stamp) } ?? (.status, 0)
        }

        var acceptCount: Int {
            sends.count { if case .accept = $0.operation { true } else { false } }
        }

        /// Two members promise: one has accepted `value`, the other nothing.
        mutating func promise(_ value: TailValue) {
            guard case .prepare(_, let ballot) = last.operation else {
                Issue.record("nothing is to be promised: \(last)")
                return
            }
            let stamp = last.stamp
            let half = PeerReply.promise(
                ballot, accepted: Sample.ballot(1, 9), value: value.registerBytes)
            let none = PeerReply.promise(ballot, accepted: .zero, value: [])
            for (peer, reply) in zip(members.peers, [half, none]) {
                run { $0.receive(reply, from: peer, stamp: stamp, &$1) }
            }
        }

        /// The time given runs out, and nobody answers any more.
        mutating func expire() {
            now = now.advanced(by: .seconds(4))
            run { $0.tick(&$1) }
        }

        var error: DatabaseError? {
            if case .failed(let error)? = result { error } else { nil }
        }
    }

    /// A tail whose one entry is the attempt's.
    private static func landed() -> (attempt: CommitAttempt, before: Tail, after: Tail) {
        let before = Sample.tail()
        let attempt = Sample.commit(77, at: Revision(1), on: before)
        let decision = TailChange.commit(attempt).apply(
            to: .live(before), isChosen: true, policy: TailPolicy())
        return (attempt, before, decision.newTail ?? before)
    }

    /// A change, a value that a minority has accepted, and whether its write-back may carry it out.
    struct WriteBack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: TailChange
        let value: TailValue
        let mayCommit: Bool

        static let all: [WriteBack] = {
            let (attempt, before, after) = ProposerDoubtTests.landed()
            let others = TailFunctionTests.grow(before, by: 1).tail
            let sealed = TailFunctionTests.grow(
                after, by: 3, policy: TailPolicy(openEntryCountMax: 2)
            ).tail
            let creation = CreateCollection(
                name: before.name, header: before.header, creation: Sample.creation(1000),
                nonce: .zero)
            let drop = DropCollection(
                collection: before.collection, incarnation: before.incarnation,
                action: Sample.action(2000))
            let gone = TailValue.dropped(Sample.ended(1))
            return [
                WriteBack(
                    testDescription: "an attempt that it shows", change: .commit(attempt),
                    value: .live(after), mayCommit: true),
                WriteBack(
                    testDescription: "an attempt whose target is sealed", change: .commit(attempt),
                    value: .live(sealed), mayCommit: true),
                WriteBack(
                    testDescription: "an attempt that lost its target", change: .commit(attempt),
                    value: .live(others), mayCommit: false),
                WriteBack(
                    testDescription: "an attempt on a life that is over", change: .commit(attempt),
                    value: gone, mayCommit: false),
                WriteBack(
                    testDescription: "the creation of what is there", change: .create(creation),
                    value: .live(before), mayCommit: true),
                WriteBack(
                    testDescription: "a drop of what is gone", change: .drop(drop),
                    value: gone, mayCommit: true),
                WriteBack(
                    testDescription: "a read", change: .read, value: .live(after),
                    mayCommit: false),
            ]
        }()
    }

    @Test(
        "A peer that promised in a later epoch refuses for itself alone, a quorum of them for all",
        arguments: [1, 2])
    func laterEpoch(count: Int) throws {
        var scene = try Scene(.read, on: Sample.tail())
        let later = Ballot(
            epoch: Epoch(rawValue: Epoch.first.rawValue + 1), counter: 9,
            proposer: Sample.proposer(9))
        let stamp = scene.last.stamp
        for peer in scene.members.peers.suffix(count) {
            scene.run { $0.receive(.rejected(promised: later), from: peer, stamp: stamp, &$1) }
        }
        if count == 1 {
            scene.promise(.live(Sample.tail()))
            #expect(scene.result == nil && scene.acceptCount > 0)
        } else {
            #expect(scene.error?.code == .quorumUnavailable)
            #expect(scene.error?.message.contains("epoch 2") == true, "\(scene)")
        }
    }

    // protocol: same-change-recognised
    @Test(
        "Who writes back what may hold its own change is in doubt from the first such accept on",
        arguments: WriteBack.all)
    func writeBack(_ example: WriteBack) throws {
        var scene = try Scene(example.change, on: Sample.tail())
        scene.promise(example.value)
        #expect(scene.acceptCount == 3, "it is written back")
        scene.expire()
        let error = try #require(scene.error)
        #expect(error.outcome == (example.mayCommit ? .unknown : .notApplied), "\(error)")
        #expect(error.code == (example.mayCommit ? .commitResultUnknown : .quorumUnavailable))
    }

    @Test("In doubt by a write-back, no refusal of what the change needs is definite")
    func prerequisites() throws {
        let (attempt, _, after) = Self.landed()
        for isRefused in [false, true] {
            var scene = try Scene(.commit(attempt), on: after, prerequisiteCount: 1)
            scene.promise(.live(after))
            let refusal = CommitRefusal.pending(BlockID(.zero), [])
            scene.run {
                if isRefused {
                    $0.give(up: .refused(refusal), &$1)
                } else {
                    $0.give(up: DatabaseError(.quorumUnavailable, "no quorum"), &$1)
                }
            }
            #expect(scene.error?.outcome == .unknown, "\(String(describing: scene.result))")
        }
        // Nothing was sent yet: it is definite.
        var scene = try Scene(.commit(attempt), on: after, prerequisiteCount: 1)
        scene.run { $0.give(up: DatabaseError(.quorumUnavailable, "no quorum"), &$1) }
        #expect(scene.error?.outcome == .notApplied)
    }

    @Test(
        "In doubt by a write-back, peers that refuse it end nothing, and the time runs out unknown")
    func refusedWriteBack() throws {
        let (attempt, _, after) = Self.landed()
        var scene = try Scene(.commit(attempt), on: after)
        scene.promise(.live(after))
        let stamp = scene.last.stamp
        for peer in scene.members.peers {
            let refusal = PeerReply.refused(DatabaseError(.notParticipating, "damaged"))
            scene.run { $0.receive(refusal, from: peer, stamp: stamp, &$1) }
        }
        #expect(scene.result == nil)
        scene.expire()
        #expect(scene.error?.outcome == .unknown)
    }

    @Test(
        "An attempt in doubt that finds its collection gone is unknown, one never proposed is gone")
    func gone() throws {
        let (attempt, before, _) = Self.landed()
        let gone = TailValue.dropped(Sample.ended(1))
        for isProposed in [true, false] {
            var scene = try Scene(.commit(attempt), on: before)
            if isProposed {
                scene.promise(.live(before))
                #expect(scene.acceptCount == 3)
                // Nobody answers, and a new ballot finds another value.
                for _ in 0..<20 {
                    if case .prepare = scene.last.operation, scene.sends.count > 6 { break }
                    scene.now = scene.now.advanced(by: .milliseconds(100))
                    scene.run { $0.tick(&$1) }
                }
            }
            scene.promise(gone)
            let stamp = scene.last.stamp
            guard case .accept(_, let ballot, _, _) = scene.last.operation else {
                Issue.record("it is not written back: \(scene.last)")
                return
            }
            for peer in scene.members.peers {
                scene.run {
                    $0.receive(
                        .accepted(ballot, promisesNext: false), from: peer, stamp: stamp, &$1)
                }
            }
            if isProposed {
                #expect(scene.error?.outcome == .unknown)
            } else {
                #expect(scene.result == .reply(.refused(.gone(gone))))
            }
        }
    }

    #if SIMULATION_HOOKS
    @Test("A write-back that raises no doubt is found")
    func planted() throws {
        let (attempt, _, after) = Self.landed()
        let outcome = try SimulationHooks.$plantedBug.withValue(.writeBackRaisesNoDoubt) {
            var scene = try Scene(.commit(attempt), on: after)
            scene.promise(.live(after))
            scene.expire()
            return scene.error?.outcome
        }
        #expect(outcome == .notApplied)
    }
    #endif
}
