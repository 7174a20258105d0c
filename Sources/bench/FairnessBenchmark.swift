import BlockDeployment
import BlockMeasurement
import BlockRuntime
import Optimystic

/// What proxies that write one collection at once get done, each and together, beside what one does
/// alone: through all services, the clients of each proxy knowing that one only.
struct FairnessBenchmark {
    static let title =
        "one collection through 2 proxies, \(writerCount) writers each, beside one proxy alone"

    private static let proxyCount = 2
    private static let writerCount = 8
    private static let warmUpTime = Duration.seconds(1)
    private static let measuredSeconds = 8

    /// The collections that are written, one operation of a client after the other.
    private enum Kind: String, CaseIterable {
        case tree, diary, queue

        /// - Returns: What one client does; `number` grows.
        func open(
            _ name: String, in database: Database
        ) async throws -> @Sendable (_ client: Int, _ number: Int) async throws -> Void {
            let value = Bytes(repeating: 7, count: 256)
            switch self {
            case .tree:
                let tree = try await database.tree(name, key: Int.self, coding: .bytes)
                return { client, number in
                    var changed = value
                    changed[client] = UInt8(truncatingIfNeeded: number)
                    try await tree.set(client << 8 | number % 256, to: changed)
                }
            case .diary:
                let diary = try await database.diary(named: name)
                return { _, _ in _ = try await diary.append(value) }
            case .queue:
                let queue = try await database.queue(named: name)
                return { _, _ in _ = try await queue.enqueue(value) }
            }
        }
    }

    /// When operations were acknowledged, by proxy, and how many failed.
    private struct Tally: Sendable {
        var acknowledged: [[Instant]] = Array(repeating: [], count: proxyCount)
        var failureCount = 0

        mutating func add(_ other: Tally) {
            for proxy in acknowledged.indices {
                acknowledged[proxy] += other.acknowledged[proxy]
            }
            failureCount += other.failureCount
        }
    }

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() async throws -> [MeasuredFigure] {
        var shape = LocalCluster.Shape()
        shape.proxies = Self.proxyCount
        shape.isolatesProxies = true
        let (cluster, removal) = try setting.startCluster(shape: shape)
        defer { setting.cleanup.run(removal) }
        var databases: [Database] = []
        defer { for database in databases { database.close() } }
        for member in cluster.members where member.role == .clientProxy {
            databases.append(try await Database.connect(cluster.url(of: [member])))
        }
        var samples = SampleSet()
        for kind in Kind.allCases {
            for run in 1...setting.runs {
                try await measure(kind, run, databases, &samples)
            }
        }
        return samples.measurements
    }

    private func measure(
        _ kind: Kind, _ run: Int, _ databases: [Database], _ samples: inout SampleSet
    ) async throws {
        func figure(
            _ part: String, _ title: String, _ unit: String, aim: Double? = nil
        ) -> Figure {
            Figure("fairness.\(kind.rawValue).\(part)", title, unit: unit, aim: aim)
        }
        func rate(_ tally: Tally) -> Double {
            Double(tally.acknowledged.reduce(0) { $0 + $1.count }) / Double(Self.measuredSeconds)
        }
        let few = try await drive(
            kind, "\(kind.rawValue)-few-\(run)", [databases[0]], writers: Self.writerCount
        ).tally
        let many = try await drive(
            kind, "\(kind.rawValue)-many-\(run)", [databases[0]],
            writers: Self.writerCount * Self.proxyCount
        ).tally
        let (both, start) = try await drive(
            kind, "\(kind.rawValue)-both-\(run)", databases, writers: Self.writerCount)

        samples.add(
            rate(few),
            to: figure("few", "\(kind.rawValue): one proxy, 8 writers", "commits/s"))
        samples.add(rate(many), to: figure("many", "  one proxy, 16 writers", "commits/s"))
        samples.add(rate(both), to: figure("both", "  two proxies, 8 writers each", "commits/s"))
        samples.add(
            rate(both) / rate(many),
            to: figure("ratio", "  by one with 16 writers", "times", aim: 0.7))
        samples.add(
            share(both, from: start),
            to: figure("share", "  least part in any second, of its fair one", "times", aim: 0.6))
        samples.add(
            gap(both, from: start),
            to: figure("gap", "  longest time without an answer (aim: below 500)", "ms"))
        samples.add(
            Double(both.failureCount), to: figure("failures", "  failures (aim: 0)", "operations"))
    }

    /// The least part that a proxy had of a second's work, where 1 is its fair part.
    private func share(_ tally: Tally, from start: Instant) -> Double {
        func count(_ instants: [Instant], _ second: Int) -> Int {
            let begin = start.advanced(by: .seconds(second))
            let end = begin.advanced(by: .seconds(1))
            return instants.filter { $0 >= begin && $0 < end }.count
        }
        let shares = (0..<Self.measuredSeconds).flatMap { second in
            let all = tally.acknowledged.reduce(0) { $0 + count($1, second) }
            return tally.acknowledged.map {
                Double(count($0, second) * Self.proxyCount) / Double(max(1, all))
            }
        }
        return shares.min() ?? 0
    }

    /// The longest time, in milliseconds, in which a proxy acknowledged nothing.
    private func gap(_ tally: Tally, from start: Instant) -> Double {
        let end = start.advanced(by: .seconds(Self.measuredSeconds))
        let gaps = tally.acknowledged.map { instants in
            let all = [start] + instants.filter { $0 > start && $0 < end }.sorted() + [end]
            return zip(all, all.dropFirst()).map { $1.since($0).seconds * 1000 }.max() ?? 0
        }
        return gaps.max() ?? 0
    }

    /// Lets writers work on a new collection, so many through each of `databases`.
    /// - Returns: What was acknowledged after the warm-up, and when that ended.
    private func drive(
        _ kind: Kind, _ name: String, _ databases: [Database], writers: Int
    ) async throws -> (tally: Tally, start: Instant) {
        let environment = setting.environment
        var works: [@Sendable (Int, Int) async throws -> Void] = []
        for database in databases { works.append(try await kind.open(name, in: database)) }
        let start = environment.now().advanced(by: Self.warmUpTime)
        let end = start.advanced(by: .seconds(Self.measuredSeconds))
        let total = await withTaskGroup(of: Tally.self) { group in
            for (proxy, work) in works.enumerated() {
                for writer in 0..<writers {
                    group.addTask {
                        var tally = Tally()
                        var number = 0
                        while environment.now() < end {
                            number += 1
                            do {
                                try await work(proxy * writers + writer, number)
                                let now = environment.now()
                                if now >= start, now < end { tally.acknowledged[proxy].append(now) }
                            } catch {
                                tally.failureCount += 1
                            }
                        }
                        return tally
                    }
                }
            }
            var total = Tally()
            for await tally in group { total.add(tally) }
            return total
        }
        return (total, start)
    }
}
