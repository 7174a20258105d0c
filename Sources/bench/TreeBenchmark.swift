import BlockMeasurement
import BlockModel
import BlockRuntime
import BlockStructures

/// The B+tree alone: in memory, in one overlay, without log, wire or disk.
struct TreeBenchmark {
    static let title = "B+tree of 100,000 entries in memory, keys of 8 and values of 16 bytes"

    private static let entryCount = 100_000
    private static let value = Bytes(repeating: 7, count: 16)

    /// The figures of the TypeScript reference for its bare B-tree of as many entries, measured on
    /// a machine of this kind, times the factor that is aimed at.
    private enum Aim {
        static let insert = 50 * 19_000.0
        static let find = 50 * 20_000.0
        static let scan = 20 * 1_200_000.0
    }

    private enum Order: String, CaseIterable {
        case random
        case sequential

        func keys(_ generator: inout SeededGenerator) throws -> [Bytes] {
            let numbers = Array(0..<UInt64(entryCount))
            let ordered =
                switch self {
                case .random: numbers.shuffled(using: &generator)
                case .sequential: numbers
                }
            return try ordered.map { number throws(DatabaseError) in try number.keyBytes }
        }

        var figures: (insert: Figure, find: Figure, scan: Figure) {
            func figure(_ work: String, _ title: String, _ aim: Double) -> Figure {
                Figure("tree.\(work).\(rawValue)", title, unit: "entries/s", aim: aim)
            }
            return (
                figure("insert", "insert, \(rawValue) order", Aim.insert),
                figure("find", "find, \(rawValue) order", Aim.find),
                figure("scan", "scan, after inserts in \(rawValue) order", Aim.scan)
            )
        }
    }

    let setting: BenchSetting

    init(_ setting: BenchSetting) { self.setting = setting }

    func run() throws -> [MeasuredFigure] {
        var samples = SampleSet()
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<setting.runs {
            for order in Order.allCases { try measure(order, &generator, &samples) }
        }
        return samples.measurements
    }

    private func measure(
        _ order: Order, _ generator: inout SeededGenerator, _ samples: inout SampleSet
    ) throws {
        let count = TreeBenchmark.entryCount
        let tree = try TreeBenchmark.emptyTree()
        let keys = try order.keys(&generator)
        let searched = try order.keys(&generator)
        let figures = order.figures
        let insert = try setting.rate(of: count) {
            for key in keys { try tree.insert(key, TreeBenchmark.value) }
        }
        samples.add(insert, to: figures.insert)

        var found = 0
        let find = try setting.rate(of: count) {
            for key in searched where try tree.contains(key) { found += 1 }
        }
        invariant(found == count, "\(found) of \(count) keys were found")
        samples.add(find, to: figures.find)

        var scanned = 0
        var byteCount = 0
        let scan = try setting.rate(of: count) {
            var cursor = tree.cursor()
            while let entry = try cursor.next() {
                scanned += 1
                byteCount += entry.key.count + entry.value.count
            }
        }
        invariant(scanned == count, "\(scanned) of \(count) entries were scanned")
        invariant(byteCount == count * (8 + 16), "the entries scanned have \(byteCount) bytes")
        samples.add(scan, to: figures.scan)
    }

    private static func emptyTree() throws -> BTree {
        let ids = StructuralBlockIDs(
            incarnation: Incarnation(generation: 1, nonce: Identifier128(1)),
            action: ActionID(rawValue: Identifier128(2)))
        let tracker = Tracker(
            snapshot: EmptySnapshot(), header: BTree.emptyHeader(encoding: .bytes), ids: ids)
        return try BTree(tracker: tracker, collection: CollectionID(name: "bench"))
    }
}

/// A collection before its first entry.
private struct EmptySnapshot: BlockSnapshot {
    func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? { nil }
}
