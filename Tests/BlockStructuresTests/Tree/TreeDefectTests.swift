import BlockModel
import BlockRuntime
import BlockStructures
import Testing

/// What went wrong in the implementation that this one does over, each with its number.
@Suite struct TreeDefectTests {
    private static func key(_ number: Int) -> Bytes {
        [UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
    }

    private static func tree(
        capacity: UInt32 = 4, _ keys: some Sequence<Int> = 0..<0
    ) throws -> BTree {
        let tree = try TreeExhaustiveTests.tree(capacity: capacity)
        for key in keys { try tree.insert(Self.key(key), Self.key(key)) }
        return tree
    }

    private static func expectHolds(_ tree: BTree, _ keys: [Int]) throws {
        try tree.checkInvariants()
        #expect(try tree.count() == keys.count)
        #expect(try tree.keys() == keys.map(key))
        for key in keys { #expect(try tree.get(Self.key(key)) == Self.key(key)) }
    }

    @Test("D-19: a full branch splits and all of 10 000 keys are found")
    func branchSplit() throws {
        try Self.expectHolds(Self.tree(capacity: 64, 0..<10_000), Array(0..<10_000))
    }

    @Test("D-191, D-192: 20 000 random keys at capacity 64: each found once, the count is right")
    func randomInserts() throws {
        var generator = SeededGenerator(seed: 191)
        let order = Array(0..<20_000).shuffled(using: &generator)
        let tree = try Self.tree(capacity: 64, order)
        try Self.expectHolds(tree, Array(0..<20_000))
    }

    @Test("D-192: a second handle finds all that a commit stored")
    func reopened() throws {
        let tree = try Self.tree(capacity: 4, 0..<500)
        let snapshot = try MemorySnapshot().applying(
            tree.tracker.transforms, at: Revision(1))
        let other = Tracker(snapshot: snapshot, header: tree.header, ids: Samples.ids(2))
        try Self.expectHolds(
            BTree(tracker: other, collection: Samples.collection), Array(0..<500))
    }

    @Test("D-20: whatever a leaf shares with its neighbour is found, from either side")
    func shares() throws {
        for side in [true, false] {
            for first in 0..<20 {
                var left = Array(0..<24)
                // Neighbours full enough to share: keys in between are put in afterwards.
                let tree = try Self.tree(capacity: 4, stride(from: 0, to: 48, by: 2))
                left = left.map { $0 * 2 } + [1, 3, 5, 21, 23, 25, 41, 43]
                for key in left where key % 2 == 1 { try tree.insert(Self.key(key), Self.key(key)) }
                left.sort()
                for _ in 0..<6 {
                    let index = min(first, left.count - 1)
                    let key = left.remove(at: side ? index : left.count - 1 - index)
                    #expect(try tree.delete(Self.key(key)) != nil)
                    try Self.expectHolds(tree, left)
                }
            }
        }
    }

    @Test("D-21, D-24, D-26: deep trees deleted upwards, downwards and inwards stay right")
    func deepDeletes() throws {
        var generator = SeededGenerator(seed: 21)
        let count = 400
        let orders = [
            Array(0..<count), Array((0..<count).reversed()),
            Array(0..<count).shuffled(using: &generator),
            (0..<count).map { $0 % 2 == 0 ? $0 / 2 : count - 1 - $0 / 2 },
        ]
        for order in orders {
            let tree = try Self.tree(capacity: 4, 0..<count)
            var left = Set(0..<count)
            for key in order {
                #expect(try tree.delete(Self.key(key)) != nil)
                left.remove(key)
                try tree.checkInvariants()
                if left.count % 25 == 0 { try Self.expectHolds(tree, left.sorted()) }
            }
        }
    }

    @Test("D-22: a changed key is at its new place and gone from the old one, at once")
    func changedKey() throws {
        let tree = try Self.tree(capacity: 4, 0..<50)
        #expect(try tree.update(at: tree.find(Self.key(10)), key: Self.key(60), value: [1]))
        #expect(try tree.get(Self.key(10)) == nil)
        #expect(try tree.get(Self.key(60)) == [1])
        #expect(try !tree.update(at: tree.find(Self.key(11)), key: Self.key(12), value: [1]))
        #expect(try tree.get(Self.key(11)) == Self.key(11))
        #expect(try tree.get(Self.key(12)) == Self.key(12))
        try tree.checkInvariants()
    }

    @Test("D-22, D-23: next and prior cross leaves, from entries and from every gap")
    func steps() throws {
        let count = 60
        let tree = try Self.tree(capacity: 4, (0..<count).map { 2 * $0 + 1 })
        for number in 0...2 * count {
            let path = try tree.find(Self.key(number))
            #expect(path.isOnEntry == (number % 2 == 1))
            let after = number + (number % 2 == 1 ? 2 : 1)
            let before = number - (number % 2 == 1 ? 2 : 1)
            let next = try tree.entry(at: tree.next(path))?.key
            let prior = try tree.entry(at: tree.prior(path))?.key
            #expect(next == (after < 2 * count ? Self.key(after) : nil))
            #expect(prior == (before > 0 ? Self.key(before) : nil))
            let range = KeyRange(lower: KeyBound(Self.key(number)))
            let first = number + 1 - number % 2
            #expect(try tree.keys(in: range).first == (first < 2 * count ? Self.key(first) : nil))
        }
        let end = try tree.next(tree.last())
        #expect(!end.isOnEntry)
        #expect(try !tree.next(end).isOnEntry)
        #expect(try tree.entry(at: tree.prior(end))?.key == Self.key(2 * count - 1))
        let start = try tree.prior(tree.first())
        #expect(!start.isOnEntry)
        #expect(try !tree.prior(start).isOnEntry)
        #expect(try tree.entry(at: tree.next(start))?.key == Self.key(1))
    }

    @Test("D-27: a delete or an insert that misses any block changes nothing, whichever it is")
    func atomic() throws {
        let tree = try Self.tree(capacity: 4, 0..<120)
        let full = try MemorySnapshot().applying(tree.tracker.transforms, at: Revision(1))
        let nodes = try tree.checkInvariants()
        var failures = 0
        for missing in nodes {
            for number in stride(from: 0, to: 120, by: 3) {
                var snapshot = full
                snapshot.missing = [missing]
                let tracker = Tracker(
                    snapshot: snapshot, header: tree.header, ids: Samples.ids(2))
                let other = try BTree(tracker: tracker, collection: Samples.collection)
                let version = tracker.version
                do {
                    try other.delete(Self.key(number))
                } catch let error as MissingBlocks {
                    #expect(error.ids == [missing])
                    failures += 1
                    #expect(tracker.transforms.isEmpty)
                    #expect(tracker.headerChange == nil)
                    #expect(tracker.version == version)
                }
            }
        }
        #expect(failures > 100)
    }

    @Test("D-28b: a merge is one change, and the path found after it is valid")
    func mergePath() throws {
        let tree = try Self.tree(capacity: 4, 0..<20)
        try tree.merge(Self.key(7)) { ($0 ?? []) + [1] }
        let path = try tree.find(Self.key(7))
        #expect(tree.isValid(path))
        #expect(try tree.entry(at: path)?.value == Self.key(7) + [1])
    }

    @Test("D-31: a path is invalid after any change, also through another handle")
    func outdated() throws {
        let tree = try Self.tree(capacity: 4, 0..<20)
        let path = try tree.find(Self.key(7))
        var cursor = tree.cursor()
        _ = try cursor.next()
        let other = try BTree(tracker: tree.tracker, collection: Samples.collection)
        #expect(try !other.insert(Self.key(7), []))
        #expect(tree.isValid(path))
        try other.upsert(Self.key(7), [9])
        #expect(!tree.isValid(path))
        #expect(throws: DatabaseError.self) { try tree.next(path) }
        #expect(throws: DatabaseError.self) { try tree.entry(at: path) }
        #expect(throws: DatabaseError.self) { try tree.delete(at: path) }
        #expect(throws: DatabaseError.self) { try tree.update(at: path, value: []) }
        #expect(throws: DatabaseError.self) { _ = try cursor.next() }
    }

    @Test("D-29b: the capacity is the header's, and one out of bounds is refused")
    func capacity() throws {
        #expect(try Self.tree(capacity: 7).capacity == 7)
        for capacity: UInt32 in [0, 3, 129, .max] {
            #expect(throws: DatabaseError.self) { try Self.tree(capacity: capacity) }
        }
    }

    @Test("D-157: an empty value is a value, an empty key a key")
    func emptyValue() throws {
        let tree = try Self.tree()
        #expect(try tree.upsert([], []) == nil)
        #expect(try tree.get([]) == [])
        #expect(try tree.upsert([], [1]) == [])
        #expect(try tree.contains([]))
        #expect(try tree.count() == 1)
    }

    @Test("Every block of a descent, the siblings and the header are in the read set")
    func readSet() throws {
        let tree = try Self.tree(capacity: 4, 0..<100)
        let snapshot = try MemorySnapshot().applying(tree.tracker.transforms, at: Revision(5))
        var most = 0
        for number in 0..<101 {
            let tracker = Tracker(snapshot: snapshot, header: tree.header, ids: Samples.ids(2))
            let other = try BTree(tracker: tracker, collection: Samples.collection)
            _ = try other.get(Self.key(number))
            let path = tracker.reads
            #expect(tracker.isHeaderRead && path.count >= 4)
            #expect(path.allSatisfy { $0.revision == Revision(5) })
            try other.delete(Self.key(number))
            #expect(Set(tracker.reads).isSuperset(of: path))
            most = max(most, tracker.reads.count - path.count)
            let written = Set(tracker.transforms.blocks)
            #expect(Set(tracker.reads.map(\.block)).isSuperset(of: written))
        }
        #expect(most >= 2)
    }

    @Test("Stored blocks that are no nodes are reported, whatever is done, and stop nothing")
    func malformed() throws {
        let id = BlockID(.zero)
        let key: Bytes = [1]
        let large = Bytes(repeating: 0, count: 2 * Limits.valueBytesMax)
        let id32 = Bytes(repeating: 0, count: 32)
        let shapes: [(StaticString, [Bytes])] = [
            ("TL", []), ("TL", [key]), ("TL", [key, key, key]), ("TL", [key, large]),
            ("TL", [Bytes](repeating: key, count: 10)), ("TB", []), ("TB", [id32]),
            ("TB", [id32, key]), ("TB", [id32, key, id32, key]), ("TB", [key, key, key]),
            ("TB", [id32, key, id32]), ("TB", [Bytes](repeating: id32, count: 9)), ("CHD", []),
        ]
        for (type, items) in shapes {
            var block = Block(
                header: Block.Header(
                    id: id, type: BlockType(type), collection: Samples.collection))
            block.assign(BlockAttribute(1), .list(items))
            let snapshot = MemorySnapshot(
                blocks: [id: SnapshotBlock(block: block, revision: Revision(1))])
            let tree = try BTree(
                tracker: Samples.tracker(snapshot, root: id), collection: Samples.collection)
            #expect(throws: DatabaseError.self) { try tree.get(key) }
            #expect(throws: DatabaseError.self) { try tree.insert(key, key) }
            #expect(throws: DatabaseError.self) { try tree.delete(key) }
            #expect(throws: DatabaseError.self) { try tree.last() }
            #expect(throws: DatabaseError.self) { try tree.entries() }
            #expect(throws: DatabaseError.self) { try tree.count() }
            #expect(throws: DatabaseError.self) { try tree.drop() }
            #expect(tree.tracker.transforms.isEmpty)
        }
    }

    @Test("Keys and values over their limits are refused by name; those at it are stored")
    func limits() throws {
        let tree = try Self.tree(capacity: 128)
        let value = Bytes(repeating: 1, count: Limits.valueBytesMax)
        for number in 0..<20 {
            let key = Bytes(repeating: UInt8(number), count: Limits.keyBytesMax)
            #expect(try tree.insert(key, value))
            try tree.checkInvariants()
        }
        #expect(throws: DatabaseError.self) { try tree.insert([1], value + [0]) }
        #expect(throws: DatabaseError.self) {
            try tree.upsert(Bytes(repeating: 0, count: Limits.keyBytesMax + 1), [])
        }
        #expect(try tree.count() == 20)
    }

    @Test("A branch of the most and longest keys fits a block")
    func widestBranch() throws {
        let tree = try Self.tree(capacity: 128)
        let tail = Bytes(repeating: 0, count: Limits.keyBytesMax - 3)
        var generator = SeededGenerator(seed: 5)
        for number in Array(0..<9000).shuffled(using: &generator) {
            try tree.insert(Self.key(number) + tail, [])
        }
        try tree.checkInvariants()
        #expect(try tree.count() == 9000)
    }
}

#if SIMULATION_HOOKS
@Suite struct TreeCoverageTests {
    @Test("Random work at capacity 4 passes every rare branch of the tree")
    func marks() throws {
        let recorder = MarkRecorder()
        try SimulationHooks.$marks.withValue(recorder) {
            var generator = SeededGenerator(seed: 77)
            let tree = try TreeExhaustiveTests.tree()
            for phase in 0..<4 {
                for _ in 0..<2000 {
                    let key: Bytes = [
                        UInt8(generator.below(2)), UInt8(generator.below(256)),
                    ]
                    if generator.chance(phase % 2 == 0 ? 3 : 1, in: 4) {
                        try tree.insert(key, key)
                    } else {
                        try tree.delete(key)
                    }
                    try tree.checkInvariants()
                }
            }
            for key in try tree.keys() { try tree.delete(key) }
        }
        let names = [
            "leafSplit", "branchSplit", "rootSplit", "leafMerge", "leafShare", "branchMerge",
            "branchShare", "rootCollapse", "emptied",
        ]
        for name in names { #expect(recorder.counts["tree.\(name)", default: 0] > 0, "\(name)") }
    }
}
#endif
