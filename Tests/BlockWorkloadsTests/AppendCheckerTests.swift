import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Hand-made histories of lists that transactions append to.
@Suite("The checker of list-append transactions")
struct AppendCheckerTests {
    private typealias Scene = TransactionScene
    private typealias Step = TransactionScene.Step

    // MARK: Good

    private static let good: [TransactionScene] = [
        Scene(.lists, [Step(1, 2, reads: ["x": ""])], final: [:]),
        // One after another.
        Scene(
            .lists,
            [
                Step(1, 2, reads: ["x": ""], writes: ["x": "a"]),
                Step(3, 4, reads: ["x": "a"], writes: ["x": "b"]),
                Step(5, 6, reads: ["x": "a,b"]),
            ], final: ["x": "a,b"]),
        // Two at the same time, in the order that was not sent first.
        Scene(
            .lists,
            [
                Step(1, 9, reads: ["x": "b"], writes: ["x": "a"]),
                Step(2, 8, reads: ["x": ""], writes: ["x": "b"]), Step(10, 11, reads: ["x": "b,a"]),
            ], final: ["x": "b,a"]),
        // Of unknown outcome: never seen, and seen.
        Scene(
            .lists,
            [
                Step(1, nil, reads: ["x": ""], writes: ["x": "a"]), Step(3, 4, reads: ["x": ""]),
                Step(5, 6, reads: ["x": ""], writes: ["x": "b"]),
            ], final: ["x": "b"]),
        Scene(
            .lists,
            [
                Step(1, 2, .unknown, reads: ["x": ""], writes: ["x": "a"]),
                Step(3, 4, reads: ["x": ""]), Step(5, 6, reads: ["x": "a"]),
            ], final: ["x": "a"]),
        // What a failed one read and would have written counts for nothing.
        Scene(
            .lists,
            [
                Step(1, 2, reads: ["x": ""], writes: ["x": "a"]),
                Step(3, 4, .aborted, reads: ["x": "z"], writes: ["x": "b"]),
                Step(5, 6, reads: ["x": "a"]),
            ], final: ["x": "a"]),
        // Two elements of one transaction, and two keys, seen whole.
        Scene(
            .lists,
            [
                Step(1, 9, reads: ["x": "", "y": ""], writes: ["x": "a", "x": "b", "y": "c"]),
                Step(2, 3, reads: ["x": "", "y": ""]), Step(4, 5, reads: ["y": "c", "x": "a,b"]),
                Step(6, 7, reads: ["x": "a,b", "x": "a,b"]),
            ], final: ["x": "a,b", "y": "c"]),
        // Each reads what the other one writes, but they do so one after the other.
        Scene(
            .lists,
            [
                Step(1, 9, reads: ["x": "", "y": ""], writes: ["x": "a"]),
                Step(1, 9, reads: ["x": "a", "y": ""], writes: ["y": "b"]),
            ], final: ["x": "a", "y": "b"]),
        // Without a last read it can be valid, too.
        Scene(
            .lists,
            [Step(1, 2, writes: ["x": "a"]), Step(3, 4, reads: ["x": "a"])], final: nil),
    ]

    @Test("What could have happened one after another is valid", arguments: good.indices)
    func valid(number: Int) {
        let result = Self.good[number].result
        #expect(result.violations == [])
        #expect(result.checkedCount > 0)
    }

    // MARK: Bad

    private static let bad: [(anomaly: String, scene: TransactionScene)] = [
        (
            "G0:",
            Scene(
                .lists,
                [
                    Step(1, 9, writes: ["x": "a", "y": "c"]),
                    Step(1, 9, writes: ["x": "b", "y": "d"]),
                ], final: ["x": "a,b", "y": "d,c"])
        ),
        (
            "G0-realtime:",
            Scene(
                .lists,
                [Step(1, 2, writes: ["x": "a"]), Step(3, 4, writes: ["x": "b"])],
                final: ["x": "b,a"])
        ),
        (
            "G1a,",
            Scene(
                .lists,
                [
                    Step(1, 2, .aborted, reads: ["x": ""], writes: ["x": "a"]),
                    Step(3, 4, reads: ["x": "a"]),
                ], final: [:])
        ),
        (
            "G1b,",
            Scene(
                .lists,
                [
                    Step(1, 9, reads: ["x": ""], writes: ["x": "a", "x": "b"]),
                    Step(2, 8, reads: ["x": "a"]),
                ], final: ["x": "a,b"])
        ),
        (
            "G1c:",
            Scene(
                .lists,
                [
                    Step(1, 9, reads: ["y": "b"], writes: ["x": "a"]),
                    Step(1, 9, reads: ["x": "a"], writes: ["y": "b"]),
                ], final: ["x": "a", "y": "b"])
        ),
        (
            "G1c-realtime:",
            Scene(
                .lists,
                [Step(1, 2, reads: ["x": "a"]), Step(3, 4, reads: ["x": ""], writes: ["x": "a"])],
                final: ["x": "a"])
        ),
        (
            // A torn read.
            "G-single:",
            Scene(
                .lists,
                [
                    Step(1, 9, reads: ["x": "", "y": ""], writes: ["x": "a", "y": "b"]),
                    Step(1, 9, reads: ["x": "", "y": "b"]),
                ], final: ["x": "a", "y": "b"])
        ),
        (
            // A lost update that left its element there.
            "G-single:",
            Scene(
                .lists,
                [
                    Step(1, 9, reads: ["x": ""], writes: ["x": "a"]),
                    Step(1, 9, reads: ["x": ""], writes: ["x": "b"]),
                ], final: ["x": "a,b"])
        ),
        (
            // A stale read.
            "G-single-realtime:",
            Scene(
                .lists,
                [Step(1, 2, reads: ["x": ""], writes: ["x": "a"]), Step(3, 4, reads: ["x": ""])],
                final: ["x": "a"])
        ),
        (
            // Write skew.
            "G2-item:",
            Scene(
                .lists,
                [
                    Step(1, 9, reads: ["x": "", "y": ""], writes: ["x": "a"]),
                    Step(1, 9, reads: ["x": "", "y": ""], writes: ["y": "b"]),
                ], final: ["x": "a", "y": "b"])
        ),
        (
            // What it read counts also where nobody was told what became of it.
            "G2-item:",
            Scene(
                .lists,
                [
                    Step(1, nil, reads: ["x": "", "y": ""], writes: ["x": "a"]),
                    Step(1, 9, reads: ["x": "", "y": ""], writes: ["y": "b"]),
                ], final: ["x": "a", "y": "b"])
        ),
        (
            "incompatible order:",
            Scene(
                .lists,
                [
                    Step(1, 9, writes: ["x": "a"]), Step(1, 9, writes: ["x": "b"]),
                    Step(3, 4, reads: ["x": "a"]),
                ], final: ["x": "b,a"])
        ),
        (
            "duplicate:",
            Scene(.lists, [Step(1, 2, reads: ["x": ""], writes: ["x": "a"])], final: ["x": "a,a"])
        ),
        (
            "which nobody appended",
            Scene(.lists, [Step(1, 2, reads: ["x": "z"])], final: [:])
        ),
        (
            "lost append:",
            Scene(.lists, [Step(1, 2, reads: ["x": ""], writes: ["x": "a"])], final: [:])
        ),
        (
            // Half of one of unknown outcome.
            "lost append:",
            Scene(.lists, [Step(1, nil, writes: ["x": "a", "y": "b"])], final: ["x": "a"])
        ),
        (
            "internal:",
            Scene(
                .lists,
                [Step(1, 9, writes: ["x": "a"]), Step(1, 9, reads: ["x": "", "x": "a"])],
                final: ["x": "a"])
        ),
    ]

    @Test("Every anomaly is found and called by its name", arguments: bad.indices)
    func invalid(number: Int) {
        let (anomaly, scene) = Self.bad[number]
        let violations = scene.result.violations
        #expect(violations.contains { $0.contains(anomaly) }, "\(anomaly) \(violations)")
    }

    @Test("A cycle says which transactions it is made of, and why they follow each other")
    func sentence() {
        let result = Self.bad[0].scene.result
        #expect(
            result.violations == [
                "G0: transaction 0 of client 1 is written over in \"x\" by transaction 1 of "
                    + "client 1, which is written over in \"y\" by transaction 0 of client 1"
            ])
    }

    @Test("A cycle that is short is told, although a long one comes first")
    func short() {
        // A ring of fifty, each of which misses what the next one writes; two of them close it.
        var steps = (0..<50).map { number in
            Step(
                1, 99, reads: ["k\(number)": "", "k\((number + 1) % 50)": ""],
                writes: ["k\(number)": "e\(number)"])
        }
        steps.append(Step(1, 99, reads: ["k0": "", "k30": "e30"]))
        var scene = Scene(.lists, steps, final: [:])
        scene.final = (0..<50).map {
            TreeEntry(key: Bytes("k\($0)".utf8), value: Bytes("e\($0)".utf8))
        }
        let violations = scene.result.violations
        #expect(violations.count == 1)
        #expect(violations[0].hasPrefix("G2-item:"))
        #expect(violations[0].split(separator: "which").count < 50, "\(violations)")
    }

    @Test("A long history is checked, and one stale read in it is found")
    func long() {
        // The time of all pairs would be felt, and recursion would not come back.
        var steps: [TransactionScene.Step] = []
        var scene = Scene(.lists, [], final: [:])
        var entries: [TreeEntry] = []
        for number in 0..<30_000 as Range<Int64> {
            let key = "k\(number / 10)"
            let elements = (number / 10 * 10..<number).map { "e\($0)" }.joined(separator: ",")
            steps.append(
                Step(
                    2 * number, 2 * number + 1, reads: [key: elements], writes: [key: "e\(number)"])
            )
            if number % 10 == 9 {
                entries.append(
                    TreeEntry(key: Bytes(key.utf8), value: Bytes("\(elements),e\(number)".utf8)))
            }
        }
        scene.steps = steps
        scene.final = entries
        #expect(scene.result.violations == [])
        scene.steps.append(Step(90_000, 90_001, reads: ["k0": ""]))
        let violations = scene.result.violations
        #expect(violations.count == 1 && violations[0].hasPrefix("G-single-realtime:"))
    }

    // MARK: Random

    @Test("Random good histories are valid, and with one operation broken they are not")
    func random() {
        var generator = SeededGenerator(seed: 15)
        var flaggedCount = 0
        var brokenCount = 0
        while brokenCount < 1000 {
            let good = RandomAppends(&generator)
            #expect(good.scene.result.violations == [])
            var broken = good
            guard broken.breakOne(&generator) else { continue }
            brokenCount += 1
            if !broken.scene.result.violations.isEmpty { flaggedCount += 1 }
        }
        #expect(flaggedCount >= 990, "\(flaggedCount)")
    }
}

/// A random history of transactions that do happen one after another.
private struct RandomAppends {
    private(set) var scene = TransactionScene(.lists, [], final: [:])
    private var lists: [String: [String]] = [:]

    init(_ generator: inout SeededGenerator) {
        var lastElement = 0
        for times in TransactionTimes.drawn(8, &generator) {
            let isCertain = generator.chance(9, in: 10)
            let isAborted = generator.chance(1, in: 8)
            var step = TransactionScene.Step(
                times.begins, isCertain ? times.ends : nil, client: times.client,
                isAborted ? .aborted : .committed)
            let hasEffect = isCertain ? !isAborted : generator.chance(1, in: 2)
            for key in ["x", "y", "z"] where generator.chance(1, in: 2) {
                step.reads.append(
                    TransactionHistory.Read(key: Bytes(key.utf8), value: value(of: key)))
                guard generator.chance(1, in: 2) else { continue }
                for _ in 0..<(1 + generator.below(2)) {
                    lastElement += 1
                    let element = "e\(lastElement)"
                    step.writes.append(
                        TransactionHistory.Write(key: Bytes(key.utf8), value: Bytes(element.utf8)))
                    if hasEffect { lists[key, default: []].append(element) }
                }
            }
            scene.steps.append(step)
        }
        scene.final = ["x", "y", "z"].compactMap { key in
            value(of: key).map { TreeEntry(key: Bytes(key.utf8), value: $0) }
        }
    }

    private func value(of key: String) -> Bytes? {
        lists[key].map { Bytes($0.joined(separator: ",").utf8) }
    }

    private var committed: [Int] {
        scene.steps.indices.filter {
            scene.steps[$0].to != nil && scene.steps[$0].outcome == .committed
        }
    }

    /// Reads of committed transactions.
    private var reads: [(step: Int, read: Int)] {
        committed.flatMap { step in scene.steps[step].reads.indices.map { (step, $0) } }
    }

    /// Breaks one operation.
    /// - Returns: false when the one that was drawn cannot be broken in such a way.
    mutating func breakOne(_ generator: inout SeededGenerator) -> Bool {
        let writers = committed.filter { !scene.steps[$0].writes.isEmpty }
        guard !reads.isEmpty, !writers.isEmpty else { return false }
        let (step, read) = reads[generator.below(reads.count)]
        let key = scene.steps[step].reads[read].key
        var seen = ElementList.elements(scene.steps[step].reads[read].value)
        let writer = writers[generator.below(writers.count)]
        let order = ElementList.elements(scene.final?.first { $0.key == key }?.value)
        switch generator.below(8) {
        case 0: return lose(writer)
        case 1:
            // It failed, and what it wrote is there.
            let old = scene.steps[writer]
            var failed = TransactionScene.Step(old.from, old.to, client: old.client, .aborted)
            failed.reads = old.reads
            failed.writes = old.writes
            scene.steps[writer] = failed
            return true
        case 2:
            // A stale read: the last element's writer had ended before this one began.
            guard let last = seen.popLast(), let end = end(ofWriterOf: last),
                end < scene.steps[step].from
            else { return false }
        case 3:
            guard let last = seen.last else { return false }
            seen.append(last)
        case 4:
            guard seen.count > 1 else { return false }
            seen.swapAt(seen.count - 1, seen.count - 2)
        case 5: seen.append(Bytes("nobody's".utf8))
        case 6:
            // What was written later was read already.
            guard seen.count < order.count, let end = scene.steps[step].to,
                let begin = scene.steps.first(where: { step in
                    step.writes.contains { $0.value == order[seen.count] }
                })?.from, begin > end
            else { return false }
            seen.append(order[seen.count])
        default:
            // It saw nothing of what it wrote over.
            guard scene.steps[step].writes.contains(where: { $0.key == key }), !seen.isEmpty
            else { return false }
            seen.removeLast()
        }
        scene.steps[step].reads[read] = TransactionHistory.Read(
            key: key, value: seen.isEmpty ? nil : ElementList.bytes(seen))
        return true
    }

    private func end(ofWriterOf element: Bytes) -> Int64? {
        scene.steps.first { step in step.writes.contains { $0.value == element } }?.to
    }

    /// Takes what a transaction wrote last out of everything.
    private mutating func lose(_ writer: Int) -> Bool {
        guard let lost = scene.steps[writer].writes.last else { return false }
        func without(_ value: Bytes?) -> Bytes? {
            let rest = ElementList.elements(value).filter { $0 != lost.value }
            return rest.isEmpty ? nil : ElementList.bytes(rest)
        }
        scene.final = scene.final?.compactMap { entry in
            without(entry.value).map { TreeEntry(key: entry.key, value: $0) }
        }
        for step in scene.steps.indices {
            scene.steps[step].reads = scene.steps[step].reads.map {
                TransactionHistory.Read(key: $0.key, value: without($0.value))
            }
        }
        return true
    }
}
