import BlockRuntime
import BlockWorkloads
import Glibc
import Testing

/// What clients of a load test draw.
@Suite("The choices of a load test")
struct LoadChoiceTests {
    private func draws(_ ranks: ZipfianRanks, _ count: Int, seed: UInt64) -> [Int: Int] {
        var generator = SeededGenerator(seed: seed)
        var counts: [Int: Int] = [:]
        for _ in 0..<count { counts[ranks.rank(using: &generator), default: 0] += 1 }
        return counts
    }

    @Test("Ranks are as popular as Zipf's law says", arguments: [3, 1000, 100_000])
    func distribution(count: Int) {
        let ranks = ZipfianRanks(count: count)
        let drawn = 400_000
        let counts = draws(ranks, drawn, seed: 7)
        #expect(counts.keys.allSatisfy { (0..<count).contains($0) })
        // The first two are exact: five standard deviations.
        for rank in 0..<2 {
            let expected = ranks.share(of: rank) * Double(drawn)
            let observed = Double(counts[rank] ?? 0)
            #expect(abs(observed - expected) < 5 * expected.squareRoot(), "rank \(rank)")
        }
        // The others approximate the law, whose sums they keep to within 2 % of all draws.
        for limit in [3, 10, 100, 1000, 50_000] where limit <= count {
            let expected = (0..<limit).reduce(0) { $0 + ranks.share(of: $1) }
            let observed = Double((0..<limit).reduce(0) { $0 + (counts[$1] ?? 0) })
            #expect(abs(observed / Double(drawn) - expected) < 0.02, "the first \(limit)")
        }
    }

    @Test("One rank, and two, are drawn too")
    func few() {
        #expect(draws(ZipfianRanks(count: 1), 1000, seed: 1) == [0: 1000])
        let two = draws(ZipfianRanks(count: 2), 100_000, seed: 1)
        #expect(two.keys.sorted() == [0, 1])
        // 2^0.99 to 1.
        #expect((66_000...67_500).contains(two[0] ?? 0), "\(two)")
    }

    @Test("Ranks that grew are the ranks of so many")
    func growth() {
        var grown = ZipfianRanks(count: 10)
        for count in [11, 500, 499, 1000] { grown.grow(to: count) }
        #expect(grown.count == 1000)
        let whole = ZipfianRanks(count: 1000)
        #expect(abs(grown.share(of: 0) - whole.share(of: 0)) < 1e-12)
        #expect(draws(grown, 10_000, seed: 3) == draws(whole, 10_000, seed: 3))
    }

    @Test("The sum that is known for many items is that of the law")
    func manyItems() {
        // Euler-Maclaurin: the sum up to n from the sum up to m.
        let exact = 1 / ZipfianRanks(count: 1_000_000).share(of: 0)
        let rest = 1 - ZipfianRanks.theta
        func integral(_ bound: Double) -> Double { pow(bound, rest) / rest }
        let estimated = exact + integral(1e10) - integral(1e6)
        let known = 1 / ZipfianRanks.ofManyItems.share(of: 0)
        #expect(abs(known - estimated) < 1e-4, "\(known) and \(estimated)")
    }

    @Test(
        "The same seed draws the same steps, another seed others", arguments: LoadWorkload.allCases)
    func determinism(workload: LoadWorkload) {
        func steps(_ seed: UInt64) -> [LoadChoice.Step] {
            var choice = LoadChoice(
                workload, recordCount: 1000, generator: SeededGenerator(seed: seed))
            return (0..<500).map { choice.next(recordCount: 1000 + $0) }
        }
        #expect(steps(1) == steps(1))
        #expect((steps(1) == steps(2)) == (workload == .append))
        let one = LoadChoice(workload, recordCount: 1000, generator: SeededGenerator(seed: 3))
        var other = one.drawing(from: SeededGenerator(seed: 1))
        #expect((0..<500).map { other.next(recordCount: 1000 + $0) } == steps(1))
    }

    @Test("Each mix has its shares", arguments: LoadWorkload.allCases)
    func shares(workload: LoadWorkload) {
        #expect(workload.shares.reduce(0) { $0 + $1.percent } == 100)
        var choice = LoadChoice(workload, recordCount: 100, generator: SeededGenerator(seed: 9))
        var counts: [LoadWorkload.Kind: Int] = [:]
        for _ in 0..<20_000 { counts[kind(choice.next(recordCount: 100)), default: 0] += 1 }
        #expect(counts.count == workload.shares.count)
        for (kind, percent) in workload.shares {
            // Five standard deviations of the widest.
            #expect(abs((counts[kind] ?? 0) - percent * 200) < 360, "\(kind)")
        }
    }

    private func kind(_ step: LoadChoice.Step) -> LoadWorkload.Kind {
        switch step {
        case .read: .read
        case .update: .update
        case .insert: .insert
        case .scan(_, let count):
            (1...LoadWorkload.scanCountMax).contains(count) ? .scan : .append
        case .readModifyWrite: .readModifyWrite
        case .append: .append
        case .transfer(let from, let to): from == to ? .append : .transfer
        }
    }

    private func records(_ workload: LoadWorkload, _ count: Int) -> [Int: Int] {
        var choice = LoadChoice(workload, recordCount: count, generator: SeededGenerator(seed: 5))
        var counts: [Int: Int] = [:]
        for _ in 0..<100_000 {
            if case .read(let number) = choice.next(recordCount: count) {
                counts[number, default: 0] += 1
            }
        }
        return counts
    }

    @Test("Popular records are scattered over all, and the most popular one has its share")
    func scattered() {
        let counts = records(.c, 10_000)
        #expect(counts.keys.allSatisfy { (0..<10_000).contains($0) })
        let popular = counts.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.prefix(20)
        let share = ZipfianRanks.ofManyItems.share(of: 0)
        let first = Double(popular[0].value) / 100_000
        #expect(abs(first - share) < 0.004, "\(first) of \(share)")
        for part in 0..<4 {
            let range = part * 2500..<(part + 1) * 2500
            #expect(popular.contains { range.contains($0.key) }, "none of \(range)")
        }
    }

    @Test("A record that is inserted changes the popularity of no other")
    func growing() {
        func starts(_ count: Int) -> [Int] {
            var choice = LoadChoice(
                .e, recordCount: 1000, generator: SeededGenerator(seed: 5))
            var counts: [Int: Int] = [:]
            for _ in 0..<50_000 {
                if case .scan(let number, _) = choice.next(recordCount: count) {
                    counts[number, default: 0] += 1
                }
            }
            #expect(counts.keys.allSatisfy { (0..<count).contains($0) })
            return counts.sorted { $0.value > $1.value }.map(\.key)
        }
        let before = starts(1000)
        let after = starts(1700)
        #expect(after.prefix(20).contains { $0 >= 1000 }, "new ones are popular too")
        #expect(Array(after.filter { $0 < 1000 }.prefix(3)) == Array(before.prefix(3)))
    }

    @Test("Where the latest are popular, the newest record is the most popular one")
    func latest() {
        let counts = records(.d, 10_000)
        #expect(counts.max { $0.value < $1.value }?.key == 9999)
        let newest = (9000..<10_000).reduce(0) { $0 + (counts[$1] ?? 0) }
        #expect(newest > counts.values.reduce(0, +) * 7 / 10)
    }

    @Test("Numbers count as done when all before them are, whatever came of them")
    func numbers() {
        var numbers = RecordNumbers(loaded: 10)
        #expect((0..<4).map { _ in numbers.take() } == [10, 11, 12, 13])
        numbers.finish(11, isAcknowledged: true)
        #expect(numbers.doneCount == 10)
        numbers.finish(10, isAcknowledged: false)
        #expect(numbers.doneCount == 12)
        numbers.finish(13, isAcknowledged: true)
        numbers.finish(12, isAcknowledged: true)
        #expect(numbers.doneCount == 14)
        #expect(numbers.doubtful == [10])
        #expect(numbers.take() == 14)
    }
}
