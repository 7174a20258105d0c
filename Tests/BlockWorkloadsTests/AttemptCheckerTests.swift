import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of attempts that clients sent as they are.
@Suite("The checker of raw attempts")
struct AttemptCheckerTests {
    private typealias Answer = AttemptHistory.Answer

    /// An attempt is one number: its target. Each is sent once for every answer.
    private static func violations(
        _ attempts: [(target: UInt64, answers: [Answer])], landed: [UInt64]
    ) -> [String] {
        var history = AttemptHistory()
        for (target, answers) in attempts {
            for answer in answers {
                let id = history.add(
                    AttemptHistory.Try(
                        client: 1, collection: "x",
                        participant: Participant(
                            collection: CollectionID(name: "x"),
                            incarnation: CustomScene.incarnation, target: Revision(target)),
                        payload: CustomScene.payload(target), sent: .origin))
                history.tell(id, answer)
            }
        }
        let log = CustomLog(
            incarnation: CustomScene.incarnation,
            entries: landed.map { CustomLog.Entry(payload: CustomScene.payload($0), actions: []) })
        return AttemptChecker.check(history, collection: "x", logs: [log]).violations
    }

    @Test(
        "Answers that agree with the log are valid",
        arguments: [
            ([.committed(Revision(1))], [1]), ([.none], [1]), ([.none], []),
            ([.askTheLog, .askTheLog], [1]), ([.askTheLog], []), ([.never, .notBegun], []),
            ([.none, .notBegun], [1]), ([.notBegun, .committed(Revision(1)), .askTheLog], [1]),
        ] as [([AttemptHistory.Answer], [UInt64])])
    func good(answers: [AttemptHistory.Answer], landed: [UInt64]) {
        #expect(Self.violations([(1, answers)], landed: landed) == [])
    }

    @Test(
        "Answers that contradict the log are found",
        arguments: [
            ("and did not", [.committed(Revision(1))], []),
            ("and did not", [.none, .committed(Revision(1))], [5]),
            ("to have landed at 2", [.committed(Revision(2))], [1]),
            ("told to be dead, and landed", [.none, .never], [1]),
            ("was begun, and it landed", [.notBegun, .notBegun], [1]),
            ("landed 2 times", [.committed(Revision(1))], [1, 1]),
        ] as [(String, [AttemptHistory.Answer], [UInt64])])
    func bad(sentence: String, answers: [AttemptHistory.Answer], landed: [UInt64]) {
        let violations = Self.violations([(1, answers)], landed: landed)
        #expect(violations.contains { $0.contains(sentence) }, "\(violations)")
    }

    @Test("Attempts of a life whose log is not known are not judged")
    func otherLife() {
        var history = AttemptHistory()
        let id = history.add(
            AttemptHistory.Try(
                client: 1, collection: "x",
                participant: Participant(
                    collection: CollectionID(name: "x"), incarnation: CustomScene.incarnation,
                    target: Revision(1)),
                payload: CustomScene.payload(1), sent: .origin))
        history.tell(id, .committed(Revision(1)))
        #expect(AttemptChecker.check(history, collection: "x", logs: []).violations == [])
    }

    @Test("What the reply to a commit says is what is known, and no more")
    func answers() {
        let dead = TailValue.absent(generation: 1)
        let none = DatabaseError(.overloaded, "")
        let doubt = DatabaseError(.commitResultUnknown, "", outcome: .unknown)
        #expect(Answer(.committed(Revision(3), chainHash: .zero)) == .committed(Revision(3)))
        #expect(Answer(.refused(.gone(dead))) == .askTheLog)
        #expect(Answer(.refused(.fenced(dead))) == .never)
        #expect(Answer(.refused(.moved(landing: .absent, dead))) == .never)
        #expect(Answer(.refused(.moved(landing: .notLookedFor, dead))) == .askTheLog)
        #expect(Answer(.refused(.blocked(dead))) == .notBegun)
        #expect(Answer(.refused(.pending(BlockID(.zero), []))) == .notBegun)
        #expect(Answer(.failed(none)) == .notBegun)
        #expect(Answer(.failed(doubt)) == .none)
    }

    @Test("Random good histories are valid, and with one answer or landing broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 29)
        for _ in 0..<1000 {
            var attempts: [(target: UInt64, answers: [Answer])] = []
            var landed: [UInt64] = []
            for target in 1...UInt64(3 + generator.below(8)) {
                let isThere = generator.chance(2, in: 3)
                // An entry of somebody else keeps the place otherwise.
                landed.append(isThere ? target : 100 + target)
                let good: [Answer] =
                    isThere
                    ? [.none, .askTheLog, .committed(Revision(target))]
                    : [.none, .askTheLog, .notBegun, .never]
                attempts.append(
                    (
                        target,
                        (0...generator.below(3)).map { _ in good[generator.below(good.count)] }
                    ))
            }
            #expect(Self.violations(attempts, landed: landed) == [])
            let victim = generator.below(attempts.count)
            let target = attempts[victim].target
            let isThere = landed[victim] == target
            attempts[victim].answers.append(isThere ? .never : .committed(Revision(target)))
            #expect(!Self.violations(attempts, landed: landed).isEmpty)
        }
    }
}
