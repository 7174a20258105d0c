import BlockModel
import BlockRuntime
import BlockStructures
import Testing

/// A snapshot that brings blocks only when they have been asked for once, as a fetch would.
private final class FetchingSnapshot: BlockSnapshot {
    private let stored: MemorySnapshot
    private var atHand: Set<BlockID> = []
    private(set) var fetchCount = 0

    init(_ stored: MemorySnapshot) { self.stored = stored }

    func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? {
        guard atHand.contains(id) else { throw MissingBlocks([id]) }
        return try stored.block(id)
    }

    func fetch(_ missing: MissingBlocks) {
        fetchCount += missing.ids.count
        atHand.formUnion(missing.ids)
    }
}

@Suite struct TreeCursorTests {
    private static func key(_ number: Int) -> Bytes { [UInt8(number / 256), UInt8(number % 256)] }

    /// A tree of the even numbers below 400, some levels deep, as a snapshot.
    private static func stored() throws -> (snapshot: MemorySnapshot, header: CollectionHeader) {
        let tree = try BTree(tracker: Samples.tracker(), collection: Samples.collection)
        for number in stride(from: 0, to: 400, by: 2) { try tree.insert(key(number), [1]) }
        return (
            try MemorySnapshot().applying(tree.tracker.transforms, at: Revision(1)), tree.header
        )
    }

    private static func tree(
        over snapshot: any BlockSnapshot, _ header: CollectionHeader
    ) throws -> BTree {
        let tracker = Tracker(snapshot: snapshot, header: header, ids: Samples.ids(2))
        return try BTree(tracker: tracker, collection: Samples.collection)
    }

    private static let bounds: [KeyBound?] = [
        nil, KeyBound(key(0)), KeyBound(key(0), isInclusive: false), KeyBound(key(57)),
        KeyBound(key(58)), KeyBound(key(58), isInclusive: false), KeyBound(key(398)),
        KeyBound(key(398), isInclusive: false), KeyBound(key(500)),
    ]

    @Test("a step that a missing block stopped gives the same entry when it is made again")
    func missing() throws {
        let (stored, header) = try Self.stored()
        for lower in Self.bounds {
            for upper in Self.bounds {
                let range = KeyRange(lower: lower, upper: upper)
                let inside = stride(from: 0, to: 400, by: 2).map(Self.key).filter(range.contains)
                for isAscending in [true, false] {
                    let snapshot = FetchingSnapshot(stored)
                    var cursor = try Self.tree(over: snapshot, header)
                        .cursor(range, isAscending: isAscending)
                    var keys: [Bytes] = []
                    while true {
                        do {
                            guard let entry = try cursor.next() else { break }
                            keys.append(entry.key)
                        } catch let missing as MissingBlocks {
                            snapshot.fetch(missing)
                        }
                    }
                    #expect(keys == (isAscending ? inside : inside.reversed()))
                    #expect(try cursor.next() == nil)
                    #expect(snapshot.fetchCount > 0)
                }
            }
        }
    }

    @Test("a cursor reads no leaf before it gives an entry of it")
    func laziness() throws {
        let (stored, header) = try Self.stored()
        let depth = try {
            let tree = try Self.tree(over: stored, header)
            _ = try tree.first()
            return tree.tracker.reads.count
        }()
        let tree = try Self.tree(over: stored, header)
        var cursor = tree.cursor()
        #expect(tree.tracker.reads.isEmpty)
        // A leaf of this capacity has two entries at least.
        for _ in 0..<2 { _ = try cursor.next() }
        #expect(tree.tracker.reads.count == depth)
        // The range ends inside the first leaf: its neighbour does not matter.
        let other = try Self.tree(over: stored, header)
        #expect(try other.keys(in: KeyRange(upper: KeyBound(Self.key(1)))) == [Self.key(0)])
        #expect(other.tracker.reads.count == depth)
    }

    @Test("a stored tree that contains itself is reported when it gets too deep, and not for ever")
    func cycle() throws {
        let leafID = BlockID(content: [1])
        let rootID = BlockID(content: [2])
        func block(_ id: BlockID, _ type: StaticString, _ items: [Bytes]) -> SnapshotBlock {
            var block = Block(
                header: Block.Header(
                    id: id, type: BlockType(type), collection: Samples.collection))
            block.assign(BlockAttribute(1), .list(items))
            return SnapshotBlock(block: block, revision: Revision(1))
        }
        let root = [leafID.digest.bytes, [5], rootID.digest.bytes]
        let snapshot = MemorySnapshot(blocks: [
            leafID: block(leafID, "TL", [[1], []]), rootID: block(rootID, "TB", root),
        ])
        let tree = try BTree(
            tracker: Samples.tracker(snapshot, root: rootID), collection: Samples.collection)
        var cursor = tree.cursor()
        var count = 0
        do {
            while try cursor.next() != nil, count <= Limits.treeDepthMax { count += 1 }
            Issue.record("nothing was thrown after \(count) entries")
        } catch let error as DatabaseError {
            #expect(error.code == .corrupted)
            #expect(count == Limits.treeDepthMax)
        }
    }
}
