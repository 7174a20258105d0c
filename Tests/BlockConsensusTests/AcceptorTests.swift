import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// One test a rule (protocol: accept-raises-promise, one-ballot-one-value).
@Suite struct AcceptorTests {
    let low = Sample.ballot(1)
    let middle = Sample.ballot(2)
    let high = Sample.ballot(3)

    @Test("A promise keeps the ballot and tells what was accepted")
    func promise() {
        let record = RegisterRecord(promised: low, accepted: low, value: [7])
        let decision = Acceptor.prepare(record, middle)
        #expect(decision.record == RegisterRecord(promised: middle, accepted: low, value: [7]))
        #expect(decision.reply == .promise(middle, accepted: low, value: [7]))
    }

    @Test("A prepare that is not above everything seen is rejected and changes nothing")
    func prepareRejected() {
        let record = RegisterRecord(promised: high, accepted: low, value: [7])
        for ballot in [low, middle, high] {
            let decision = Acceptor.prepare(record, ballot)
            #expect(decision.record == nil)
            #expect(decision.reply == .rejected(promised: high))
        }
    }

    // protocol: accept-raises-promise
    @Test("Accept raises promise")
    func acceptRaisesPromise() {
        let decision = Acceptor.accept(.untouched, middle, [1], wantsNext: false)
        #expect(decision.record == RegisterRecord(promised: middle, accepted: middle, value: [1]))
        #expect(
            Acceptor.accept(decision.record!, low, [2], wantsNext: false).reply
                == .rejected(promised: middle))
    }

    #if SIMULATION_HOOKS
    @Test("An accept that raises no promise lets an older ballot in, and is found")
    func plantedAcceptDoesNotPromise() throws {
        let replies = try SimulationHooks.$plantedBug.withValue(.acceptDoesNotPromise) {
            let newer = try #require(
                Acceptor.accept(.untouched, middle, [1], wantsNext: false).record)
            return [
                Acceptor.prepare(newer, low).reply,
                Acceptor.accept(newer, low, [2], wantsNext: false).reply,
            ]
        }
        #expect(
            replies == [
                .promise(low, accepted: middle, value: [1]), .accepted(low, promisesNext: false),
            ])
    }
    #endif

    // protocol: retained-ballot
    @Test("An accept promises the next ballot where that is wanted, and says what is promised")
    func promisesNext() throws {
        let next = try #require(middle.next)
        let decision = Acceptor.accept(.untouched, middle, [1], wantsNext: true)
        #expect(decision.reply == .accepted(middle, promisesNext: true))
        let record = try #require(decision.record)
        #expect(record == RegisterRecord(promised: next, accepted: middle, value: [1]))
        // Nobody else may have that ballot, or one below it.
        #expect(Acceptor.prepare(record, next).reply == .rejected(promised: next))
        let later = Acceptor.accept(record, next, [2], wantsNext: false)
        #expect(later.reply == .accepted(next, promisesNext: false))
        #expect(later.record?.promised == next)
        // Said again it tells what is promised, and grants nothing.
        let again = Acceptor.accept(record, middle, [1], wantsNext: false)
        #expect(again.reply == .accepted(middle, promisesNext: true) && again.record == nil)
        let beaten = try #require(Acceptor.prepare(record, Sample.ballot(9)).record)
        let late = Acceptor.accept(beaten, middle, [1], wantsNext: true)
        #expect(late.reply == .accepted(middle, promisesNext: false) && late.record == nil)
        #expect(Acceptor.accept(beaten, next, [2], wantsNext: true).record == nil)
        #expect(Sample.ballot(.max).next == nil)
    }

    #if SIMULATION_HOOKS
    @Test("A next ballot that is said to be promised and is not kept is found")
    func plantedNextPromiseNotDurable() throws {
        let decision = SimulationHooks.$plantedBug.withValue(.nextPromiseNotDurable) {
            Acceptor.accept(.untouched, middle, [1], wantsNext: true)
        }
        #expect(decision.reply == .accepted(middle, promisesNext: true))
        let record = try #require(decision.record)
        let rival = Ballot(epoch: middle.epoch, counter: 3, proposer: Sample.proposer(0))
        #expect(Acceptor.prepare(record, rival).record != nil, "a lower ballot gets in between")
    }
    #endif

    @Test("An accept below the promise is rejected and changes nothing")
    func acceptRejected() {
        let record = RegisterRecord(promised: high, accepted: low, value: [7])
        let decision = Acceptor.accept(record, middle, [8], wantsNext: false)
        #expect(decision.record == nil)
        #expect(decision.reply == .rejected(promised: high))
    }

    @Test("The same value at the same ballot is accepted again, also after a higher promise")
    func acceptIsIdempotent() {
        let record = RegisterRecord(promised: high, accepted: low, value: [7])
        let decision = Acceptor.accept(record, low, [7], wantsNext: false)
        #expect(decision.record == nil)
        #expect(decision.reply == .accepted(low, promisesNext: false))
        #expect(!decision.isAlarming)
    }

    // protocol: one-ballot-one-value
    @Test("Another value at an accepted ballot is rejected with an alarm")
    func twoValuesAtOneBallot() {
        let record = RegisterRecord(promised: low, accepted: low, value: [7])
        let decision = Acceptor.accept(record, low, [8], wantsNext: false)
        #expect(decision.record == nil)
        #expect(decision.isAlarming)
    }

    @Test("Ballots compare by epoch, then counter, then proposer")
    func ballotOrder() {
        let older = Ballot(epoch: Epoch(1), counter: 9, proposer: Sample.proposer(9))
        let newer = Ballot(epoch: Epoch(2), counter: 1, proposer: Sample.proposer(1))
        #expect(older < newer)
        #expect(Sample.ballot(1, 9) < Sample.ballot(2, 1))
        #expect(Sample.ballot(2, 1) < Sample.ballot(2, 2))
    }

    // protocol: counter-jump-bounded
    @Test("A counter that jumps more than 2^32 is refused and changes nothing")
    func counterJump() {
        let jump = Sample.ballot(Limits.ballotCounterJumpMax + 1)
        for decision in [
            Acceptor.prepare(.untouched, jump),
            Acceptor.accept(.untouched, jump, [1], wantsNext: false),
            Acceptor.prepare(.untouched, Sample.ballot(.max)),
        ] {
            #expect(decision.record == nil)
            guard case .refused(let error) = decision.reply else {
                Issue.record("not refused: \(decision.reply)")
                continue
            }
            #expect(error.code == .invalidArgument)
            #expect(error.message.contains("ballotCounterJumpMax"))
        }
        let allowed = Sample.ballot(Limits.ballotCounterJumpMax)
        #expect(Acceptor.prepare(.untouched, allowed).record != nil)
    }

    @Test("Over all sequences of three messages the promise never falls below what was accepted")
    func exhaustive() {
        enum Message {
            case prepare(Ballot)
            case accept(Ballot, Bytes)
        }
        let messages: [Message] = [low, middle, high].flatMap {
            [.prepare($0), .accept($0, [1]), .accept($0, [2])]
        }
        for first in messages {
            for second in messages {
                for third in messages {
                    var record = RegisterRecord.untouched
                    for message in [first, second, third] {
                        let before = record
                        let decision =
                            switch message {
                            case .prepare(let ballot): Acceptor.prepare(record, ballot)
                            case .accept(let ballot, let value):
                                Acceptor.accept(record, ballot, value, wantsNext: false)
                            }
                        record = decision.record ?? record
                        #expect(record.promised >= before.promised)
                        #expect(record.accepted >= before.accepted)
                        #expect(record.promised >= record.accepted)
                        if record.accepted == before.accepted {
                            #expect(record.value == before.value)
                        }
                    }
                }
            }
        }
    }
}
