import BlockModel
import BlockRuntime
import BlockStructures
import Testing

/// A sorted array that does what the tree should do.
struct SortedModel {
    private(set) var entries: [TreeEntry] = []

    private func place(_ key: Bytes) -> (index: Int, isFound: Bool) {
        let index = entries.firstIndex { !$0.key.lexicographicallyPrecedes(key) } ?? entries.count
        return (index, index < entries.count && entries[index].key == key)
    }

    subscript(key: Bytes) -> Bytes? {
        let place = place(key)
        return place.isFound ? entries[place.index].value : nil
    }

    mutating func set(_ key: Bytes, _ value: Bytes) {
        let place = place(key)
        let entry = TreeEntry(key: key, value: value)
        if place.isFound {
            entries[place.index] = entry
        } else {
            entries.insert(entry, at: place.index)
        }
    }

    mutating func remove(_ key: Bytes) { entries.removeAll { $0.key == key } }

    func entries(in range: KeyRange, isAscending: Bool) -> [TreeEntry] {
        let inside = entries.filter { range.contains($0.key) }
        return isAscending ? inside : inside.reversed()
    }
}

@Suite struct TreeModelTests {
    /// How keys and values come about.
    struct Shape: CustomTestStringConvertible {
        let capacity: UInt32
        let keyCount: Int
        let valueBytes: [Int]
        let steps: Int
        var testDescription: String { "capacity \(capacity), \(keyCount) keys of \(valueBytes)" }
    }

    static let shapes = [
        Shape(capacity: 4, keyCount: 60, valueBytes: [0, 1], steps: 3000),
        Shape(capacity: 5, keyCount: 200, valueBytes: [2], steps: 3000),
        Shape(capacity: 7, keyCount: 400, valueBytes: [1], steps: 3000),
        Shape(capacity: 64, keyCount: 2000, valueBytes: [8], steps: 6000),
        // Leaves that are full by bytes, by count, or by both in turn.
        Shape(capacity: 64, keyCount: 40, valueBytes: [65_536, 40_000, 0], steps: 600),
        Shape(capacity: 6, keyCount: 60, valueBytes: [65_536, 1, 30_000], steps: 600),
        Shape(capacity: 128, keyCount: 700, valueBytes: [10, 1500, 60_000], steps: 1200),
    ]

    private static func key(_ number: Int, _ shape: Shape) -> Bytes {
        // Keys of many lengths, prefixes of one another among them.
        let text = Bytes("\(number)".utf8)
        return number % 97 == 0 ? text + Bytes(repeating: 0x2E, count: 1000) : text
    }

    @Test("The tree does what a sorted array does, at every step", arguments: shapes)
    func model(shape: Shape) throws {
        var generator = SeededGenerator(seed: UInt64(shape.keyCount))
        var snapshot = MemorySnapshot()
        var header = BTree.emptyHeader(encoding: .bytes, capacity: Int(shape.capacity))
        var model = SortedModel()
        var action = 1
        var tracker = Tracker(snapshot: snapshot, header: header, ids: Samples.ids(action))
        var tree = try BTree(tracker: tracker, collection: Samples.collection)
        for step in 0..<shape.steps {
            // Times in which it grows, shrinks, and lives on.
            let growth = [7, 2, 5][step * 6 / shape.steps % 3]
            let key = Self.key(generator.below(shape.keyCount), shape)
            let bytes = shape.valueBytes[generator.below(shape.valueBytes.count)]
            let value = Bytes(repeating: UInt8(step & 255), count: bytes)
            let before = model[key]
            if generator.below(10) >= growth {
                #expect(try tree.delete(key) == before)
                model.remove(key)
            } else {
                if try Self.write(tree, key, value, before, &generator) { model.set(key, value) }
            }
            #expect(try tree.get(key) == model[key])
            let nodes = try tree.checkInvariants()
            if step % 50 == 0 {
                try Self.compare(tree, model, shape, &generator)
                // Commit, and go on over what is stored.
                action += 1
                snapshot = try snapshot.applying(
                    tracker.transforms, at: Revision(UInt64(action)))
                #expect(snapshot.blocks.keys.sorted() == nodes)
                header = tracker.header
                tracker = Tracker(snapshot: snapshot, header: header, ids: Samples.ids(action))
                tree = try BTree(tracker: tracker, collection: Samples.collection)
            }
        }
        try tree.drop()
        snapshot = try snapshot.applying(tracker.transforms, at: Revision(1 << 20))
        #expect(snapshot.blocks.isEmpty)
    }

    /// - Returns: Whether the key has the value now; false for the insert of a key that was there.
    private static func write(
        _ tree: BTree, _ key: Bytes, _ value: Bytes, _ before: Bytes?,
        _ generator: inout SeededGenerator
    ) throws -> Bool {
        switch generator.below(4) {
        case 0:
            #expect(try tree.insert(key, value) == (before == nil))
            return before == nil
        case 1: #expect(try tree.upsert(key, value) == before)
        case 2:
            try tree.merge(key) { seen in
                #expect(seen == before)
                return value
            }
        default:
            let path = try tree.find(key)
            #expect(path.isOnEntry == (before != nil))
            #expect(try tree.update(at: path, value: value) == (before != nil))
            if before == nil { try tree.insert(key, value) }
        }
        return true
    }

    private static func compare(
        _ tree: BTree, _ model: SortedModel, _ shape: Shape, _ generator: inout SeededGenerator
    ) throws {
        #expect(try tree.count() == model.entries.count)
        #expect(try tree.entry(at: tree.first()) == model.entries.first)
        #expect(try tree.entry(at: tree.last()) == model.entries.last)
        for _ in 0..<6 {
            func bound() -> KeyBound? {
                if generator.chance(1, in: 4) { return nil }
                return KeyBound(
                    key(generator.below(shape.keyCount), shape),
                    isInclusive: generator.chance(1, in: 2))
            }
            let range = KeyRange(lower: bound(), upper: bound())
            for isAscending in [true, false] {
                #expect(
                    try tree.entries(in: range, isAscending: isAscending)
                        == model.entries(in: range, isAscending: isAscending))
            }
        }
    }
}
