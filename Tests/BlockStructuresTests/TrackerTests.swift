import BlockModel
import BlockRuntime
import BlockStructures
import Testing

@Suite struct TrackerTests {
    private static let items = BlockAttribute(1)
    private static let ids: [BlockID] = {
        var source = Samples.ids(9)
        return (0..<6).map { _ in source.next() }
    }()

    private static func block(_ id: BlockID, _ list: [Bytes]) -> Block {
        var block = Block(
            header: Block.Header(id: id, type: BlockType("TL"), collection: Samples.collection))
        block.assign(items, .list(list))
        return block
    }

    private static func snapshot(_ count: Int) -> MemorySnapshot {
        var snapshot = MemorySnapshot()
        for (number, id) in ids.prefix(count).enumerated() {
            snapshot.blocks[id] = SnapshotBlock(
                block: block(id, [[UInt8(number)]]), revision: Revision(UInt64(number) + 1))
        }
        return snapshot
    }

    private static func append(_ byte: UInt8) -> BlockOperation {
        .splice(items, index: 0, deleteCount: 0, inserted: [[byte]])
    }

    @Test("Reads are recorded with their revisions, absent blocks too, each once")
    func reads() throws {
        let tracker = Samples.tracker(Self.snapshot(2))
        _ = try tracker.block(Self.ids[1])
        _ = try tracker.block(Self.ids[4])
        _ = try tracker.block(Self.ids[1])
        try tracker.insert(Self.block(Self.ids[5], []))
        let expected = [
            ReadDependency(block: Self.ids[1], revision: Revision(2)),
            ReadDependency(block: Self.ids[4], revision: .zero),
        ].sorted()
        #expect(tracker.reads == expected)
        #expect(!tracker.isHeaderRead)
        _ = tracker.header
        #expect(tracker.isHeaderRead)
    }

    @Test("D-2: inserting a block leaves the deletes of others alone")
    func unrelatedDelete() throws {
        let tracker = Samples.tracker(Self.snapshot(1))
        try tracker.delete(Self.ids[0])
        try tracker.insert(Self.block(Self.ids[5], []))
        #expect(tracker.transforms[Self.ids[0]] == BlockTransform(delete: true))
    }

    @Test("D-3, D-4: a block deleted, even twice, and inserted again reads as inserted")
    func reinserted() throws {
        let base = Self.snapshot(1)
        let tracker = Samples.tracker(base)
        try tracker.delete(Self.ids[0])
        #expect(try tracker.block(Self.ids[0]) == nil)
        try tracker.delete(Self.ids[0])
        let block = Self.block(Self.ids[0], [[9]])
        try tracker.insert(block)
        #expect(try tracker.block(Self.ids[0]) == block)
        let after = try base.applying(tracker.transforms, at: Revision(9))
        #expect(after.blocks[Self.ids[0]]?.block == block)
    }

    @Test("A block made and deleted here leaves no trace")
    func madeAndDeleted() throws {
        let tracker = Samples.tracker()
        try tracker.insert(Self.block(Self.ids[0], []))
        try tracker.delete(Self.ids[0])
        #expect(tracker.transforms.isEmpty)
        #expect(tracker.reads.isEmpty)
    }

    @Test("Updates of an inserted block go into it, those of a stored one are listed")
    func updates() throws {
        let tracker = Samples.tracker(Self.snapshot(1))
        try tracker.insert(Self.block(Self.ids[5], [[1]]))
        try tracker.update(Self.ids[5], Self.append(2))
        try tracker.update(Self.ids[0], Self.append(3))
        #expect(tracker.transforms[Self.ids[5]].insert?.list(Self.items) == [[2], [1]])
        #expect(tracker.transforms[Self.ids[0]].updates == [Self.append(3)])
        #expect(throws: TransformError.baseAbsent) {
            try tracker.update(Self.ids[4], Self.append(1))
        }
    }

    @Test("More updates than the block is long become its image")
    func image() throws {
        let base = Self.snapshot(1)
        let tracker = Samples.tracker(base)
        for number in 0..<3000 {
            try tracker.update(
                Self.ids[0],
                .splice(Self.items, index: 0, deleteCount: 1, inserted: [[UInt8(number & 255)]]))
        }
        let transform = tracker.transforms[Self.ids[0]]
        #expect(transform.insert != nil)
        #expect(transform.violation == nil)
        let after = try base.applying(tracker.transforms, at: Revision(9))
        #expect(try after.blocks[Self.ids[0]]?.block == tracker.block(Self.ids[0]))
    }

    @Test("D-55: the snapshot does not see the changes, nor a copy later ones")
    func isolation() throws {
        let base = Self.snapshot(1)
        let tracker = Samples.tracker(base)
        try tracker.update(Self.ids[0], Self.append(3))
        let copy = try tracker.block(Self.ids[0])
        let transforms = tracker.transforms
        try tracker.update(Self.ids[0], Self.append(4))
        #expect(copy?.list(Self.items) == [[3], [0]])
        #expect(transforms[Self.ids[0]].updates.count == 1)
        #expect(base.blocks[Self.ids[0]]?.block.list(Self.items) == [[0]])
    }

    @Test("A block out of reach is named and nothing is recorded")
    func missing() throws {
        var base = Self.snapshot(1)
        base.missing = [Self.ids[0]]
        let tracker = Samples.tracker(base)
        #expect(throws: MissingBlocks([Self.ids[0]])) { try tracker.block(Self.ids[0]) }
        #expect(tracker.reads.isEmpty)
    }

    private struct Failure: Error {}

    @Test("D-27, D-28: random nested scopes undo exactly what failed")
    func scopes() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let base = Self.snapshot(4)
            let tracker = Samples.tracker(base)
            var model = base.blocks.mapValues(\.block)
            try Self.scope(tracker, &model, &generator, depth: 0)
            for id in Self.ids {
                #expect(try tracker.block(id) == model[id])
            }
            let after = try base.applying(tracker.transforms, at: Revision(9))
            #expect(after.blocks.mapValues(\.block) == model)
        }
    }

    private static func scope(
        _ tracker: Tracker, _ model: inout [BlockID: Block], _ generator: inout SeededGenerator,
        depth: Int
    ) throws {
        for _ in 0..<generator.below(6) {
            let index = generator.below(ids.count)
            let id = ids[index]
            switch generator.below(5) {
            case 0:
                try tracker.delete(id)
                model[id] = nil
            case 1:
                // An id is either known or new; the tracker relies on it. The snapshot has four.
                if index < 4 { _ = try tracker.block(id) }
                let block = block(id, [[UInt8(generator.below(256))]])
                try tracker.insert(block)
                model[id] = block
            case 2 where depth < 4:
                let before = model
                do {
                    try AtomicScope.run(on: tracker) {
                        try scope(tracker, &model, &generator, depth: depth + 1)
                        if generator.chance(1, in: 2) { throw Failure() }
                    }
                } catch is Failure {
                    model = before
                }
            default:
                guard try tracker.block(id) != nil else { continue }
                let operation = append(UInt8(generator.below(256)))
                try tracker.update(id, operation)
                try model[id]?.apply(operation)
            }
        }
    }

    @Test("A scope that fails may leave nothing behind, what it read included")
    func forgottenReads() throws {
        struct Failure: Error {}
        let tracker = Samples.tracker(Self.snapshot(3))
        _ = try tracker.block(Self.ids[0])
        for isKept in [false, true] {
            #expect(throws: Failure.self) {
                try AtomicScope.run(on: tracker, keepsReads: { _ in isKept }) {
                    _ = tracker.header
                    // What an inner one has read belongs to the one around it.
                    try? AtomicScope.run(on: tracker) {
                        try tracker.update(Self.ids[1], Self.append(7))
                        throw Failure()
                    }
                    try tracker.update(Self.ids[0], Self.append(7))
                    throw Failure()
                }
            }
            let read = isKept ? [Self.ids[0], Self.ids[1]] : [Self.ids[0]]
            #expect(tracker.reads.map(\.block) == read.sorted())
            #expect(tracker.isHeaderRead == isKept)
            #expect(tracker.transforms.isEmpty)
        }
    }

    @Test("A scope that fails puts header and version back; a version names one state only")
    func header() throws {
        let tracker = Samples.tracker()
        let version = tracker.version
        var inside = version
        #expect(throws: Failure.self) {
            try AtomicScope.run(on: tracker) {
                tracker.header.root = Self.ids[0]
                inside = tracker.version
                throw Failure()
            }
        }
        #expect(tracker.header.root == nil)
        #expect(tracker.headerChange == nil)
        #expect(tracker.version == version)
        tracker.header.root = Self.ids[1]
        #expect(![version, inside].contains(tracker.version))
    }
}
