import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made and random histories of counters.
@Suite("The checker of counters")
struct CounterCheckerTests {
    private typealias Scene = TransactionScene
    private typealias Step = TransactionScene.Step

    private static let good: [TransactionScene] = [
        Scene(.counters, [Step(1, 2, reads: ["x": ""])], final: [:]),
        // Counted, read, counted on.
        Scene(
            .counters,
            [
                Step(1, 2, reads: ["x": ""], writes: ["x": "1"]), Step(3, 4, reads: ["x": "1"]),
                Step(5, 6, client: 2, reads: ["x": "1"], writes: ["x": "2"]),
                Step(7, 8, reads: ["x": "2"]),
            ], final: ["x": "2"]),
        // A read during a count sees what was before or what is after.
        Scene(
            .counters,
            [
                Step(1, 9, reads: ["x": ""], writes: ["x": "1"]),
                Step(2, 8, client: 2, reads: ["x": "1"]), Step(2, 8, client: 3, reads: ["x": ""]),
            ], final: ["x": "1"]),
        // Of unknown outcome: made and not made.
        Scene(
            .counters,
            [
                Step(1, nil, reads: ["x": ""], writes: ["x": "1"]),
                Step(3, 4, client: 2, reads: ["x": "1"]),
            ], final: ["x": "1"]),
        Scene(
            .counters,
            [
                Step(1, nil, reads: ["x": ""], writes: ["x": "1"]),
                Step(3, 4, client: 2, reads: ["x": ""], writes: ["x": "1"]),
            ], final: ["x": "1"]),
        // One that failed, and two counters at once.
        Scene(
            .counters,
            [
                Step(1, 2, .aborted, reads: ["x": ""], writes: ["x": "1"]),
                Step(3, 4, reads: ["x": "", "y": ""], writes: ["x": "1", "y": "1"]),
                Step(5, 6, client: 2, reads: ["y": "1"]),
            ], final: ["x": "1", "y": "1"]),
    ]

    private static let bad: [(sentence: String, scene: TransactionScene)] = [
        (
            "went back for client 1",
            Scene(
                .counters,
                [
                    Step(1, nil, client: 2, reads: ["x": ""], writes: ["x": "1"]),
                    Step(3, 4, reads: ["x": "1"]), Step(5, 6, reads: ["x": ""]),
                ], final: ["x": "1"])
        ),
        (
            "after it had been seen at 1",
            Scene(
                .counters,
                [
                    Step(1, 2, reads: ["x": ""], writes: ["x": "1"]),
                    Step(3, 4, client: 2, reads: ["x": ""]),
                ], final: ["x": "1"])
        ),
        (
            "twice: one is lost",
            Scene(
                .counters,
                [
                    Step(1, 9, reads: ["x": ""], writes: ["x": "1"]),
                    Step(1, 9, client: 2, reads: ["x": ""], writes: ["x": "1"]),
                ], final: ["x": "1"])
        ),
        (
            // Made twice.
            "1 counts were acknowledged",
            Scene(
                .counters, [Step(1, 2, reads: ["x": ""], writes: ["x": "1"])], final: ["x": "2"])
        ),
        (
            "ends at 0",
            Scene(.counters, [Step(1, 2, reads: ["x": ""], writes: ["x": "1"])], final: [:])
        ),
        (
            // One that failed, and was made.
            "ends at 1: 0 counts",
            Scene(
                .counters, [Step(1, 2, .aborted, reads: ["x": ""], writes: ["x": "1"])],
                final: ["x": "1"])
        ),
        (
            "was seen at 2, and ends at 1",
            Scene(
                .counters,
                [
                    Step(1, nil, reads: ["x": ""], writes: ["x": "1"]),
                    Step(1, nil, reads: ["x": "1"], writes: ["x": "2"]),
                    Step(3, 4, client: 2, reads: ["x": "2"]),
                ], final: ["x": "1"])
        ),
        (
            "when 0 counts had been begun",
            Scene(
                .counters,
                [
                    Step(1, 2, client: 2, reads: ["x": "1"]),
                    Step(3, 4, reads: ["x": ""], writes: ["x": "1"]),
                ], final: ["x": "1"])
        ),
        (
            "not by one",
            Scene(
                .counters, [Step(1, 2, reads: ["x": "3"], writes: ["x": "1"])], final: ["x": "1"])
        ),
    ]

    @Test("What only grows, by what was counted, is valid", arguments: good.indices)
    func valid(number: Int) {
        let result = Self.good[number].result
        #expect(result.violations == [])
        #expect(result.checkedCount > 0)
    }

    @Test("What goes back, is lost or made twice is found", arguments: bad.indices)
    func invalid(number: Int) {
        let (sentence, scene) = Self.bad[number]
        let violations = scene.result.violations
        #expect(violations.contains { $0.contains(sentence) }, "\(sentence): \(violations)")
    }

    @Test("Random good histories are valid, and with one operation broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 16)
        var flaggedCount = 0
        var brokenCount = 0
        while brokenCount < 1000 {
            let good = Self.drawn(&generator)
            #expect(good.result.violations == [])
            guard let broken = Self.broken(good, &generator) else { continue }
            brokenCount += 1
            if !broken.result.violations.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }

    private static func drawn(_ generator: inout SeededGenerator) -> TransactionScene {
        var scene = Scene(.counters, [], final: [:])
        var number = 0
        for times in TransactionTimes.drawn(8, &generator) {
            let isCertain = generator.chance(9, in: 10)
            let isAborted = generator.chance(1, in: 8)
            var step = Step(
                times.begins, isCertain ? times.ends : nil, client: times.client,
                isAborted ? .aborted : .committed)
            let value = number == 0 ? nil : Bytes("\(number)".utf8)
            step.reads = [TransactionHistory.Read(key: Bytes("x".utf8), value: value)]
            if generator.chance(2, in: 3) {
                step.writes = [
                    TransactionHistory.Write(
                        key: Bytes("x".utf8), value: Bytes("\(number + 1)".utf8))
                ]
                if isCertain ? !isAborted : generator.chance(1, in: 2) { number += 1 }
            }
            scene.steps.append(step)
        }
        if number > 0 {
            scene.final = [TreeEntry(key: Bytes("x".utf8), value: Bytes("\(number)".utf8))]
        }
        return scene
    }

    /// With one operation broken; nil when the one drawn cannot be broken in such a way.
    private static func broken(
        _ good: TransactionScene, _ generator: inout SeededGenerator
    ) -> TransactionScene? {
        var scene = good
        let certain = scene.steps.indices.filter {
            scene.steps[$0].to != nil && scene.steps[$0].outcome == .committed
        }
        guard !certain.isEmpty else { return nil }
        let number = certain[generator.below(certain.count)]
        let step = scene.steps[number]
        let seen = CounterChecker.number(step.reads[0].value)
        func see(_ value: Int) {
            scene.steps[number].reads = [
                TransactionHistory.Read(key: step.reads[0].key, value: Bytes("\(value)".utf8))
            ]
        }
        switch generator.below(5) {
        case 0:
            // Lost: it ends at less than was acknowledged.
            let acknowledged = certain.count { !scene.steps[$0].writes.isEmpty }
            guard acknowledged > 0 else { return nil }
            let end = Bytes("\(acknowledged - 1)".utf8)
            scene.final = [TreeEntry(key: step.reads[0].key, value: end)]
        case 1:
            let possible = scene.steps.count {
                !$0.writes.isEmpty && ($0.outcome == .committed || $0.to == nil)
            }
            let end = Bytes("\(possible + 1)".utf8)
            scene.final = [TreeEntry(key: step.reads[0].key, value: end)]
        case 2:
            // It goes back behind what somebody had seen.
            guard step.writes.isEmpty,
                let before = certain.filter({ scene.steps[$0].to ?? .max < step.from })
                    .map({ CounterChecker.number(scene.steps[$0].reads[0].value) }).max(),
                before > 0
            else { return nil }
            see(before - 1)
        case 3:
            guard step.writes.isEmpty else { return nil }
            see(seen + 100)
        default:
            // Counted on from what is not there.
            guard !step.writes.isEmpty else { return nil }
            see(seen + 1)
        }
        return scene
    }
}
