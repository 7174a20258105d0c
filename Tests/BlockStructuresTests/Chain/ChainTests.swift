import BlockModel
import BlockRuntime
import BlockStructures
import Testing

@Suite struct ChainTests {
    private static func chain(_ tracker: Tracker = Samples.tracker(capacity: 0)) -> Chain {
        Chain(tracker: tracker, collection: Samples.collection)
    }

    private static func entry(_ number: Int) -> Bytes { Bytes("\(number)".utf8) }

    @Test("The chain does what an array does, at every step, over commits", arguments: [1, 2, 3])
    func model(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // The last of the seeds has entries that fill a block by bytes.
        let bytesMax = seed == 3 ? Limits.valueBytesMax : 10
        var snapshot = MemorySnapshot()
        var tracker = Samples.tracker(capacity: 0)
        var chain = Self.chain(tracker)
        var model: [Bytes] = []
        for step in 1...1500 {
            let end: ChainEnd = generator.chance(1, in: 2) ? .front : .back
            let count = generator.below(generator.chance(1, in: 10) ? 100 : 4)
            if generator.chance(step % 500 < 250 ? 2 : 1, in: 3) {
                let pushed = (0..<count).map { _ in
                    Bytes(repeating: UInt8(step & 255), count: generator.below(bytesMax + 1))
                }
                try chain.push(pushed, at: end)
                if end == .front { model = pushed.reversed() + model } else { model += pushed }
            } else {
                let taken = min(count, model.count)
                let expected =
                    end == .front
                    ? Array(model.prefix(taken))
                    : model.suffix(taken)
                        .reversed()
                #expect(try chain.pop(count, from: end) == expected)
                if end == .front { model.removeFirst(taken) } else { model.removeLast(taken) }
            }
            let blocks = try chain.checkInvariants()
            if step % 20 == 0 {
                #expect(try chain.entries() == model)
                #expect(try chain.entries(from: .back) == model.reversed())
                #expect(try chain.count() == model.count)
                snapshot = try snapshot.applying(
                    tracker.transforms, at: Revision(UInt64(step)))
                #expect(snapshot.blocks.keys.sorted() == blocks)
                tracker = Tracker(
                    snapshot: snapshot, header: tracker.header, ids: Samples.ids(step + 1))
                chain = Self.chain(tracker)
            }
        }
        try chain.drop()
        snapshot = try snapshot.applying(tracker.transforms, at: Revision(5000))
        #expect(snapshot.blocks.isEmpty)
    }

    @Test("Every count from none to three blocks, popped from either end by every step")
    func exhaustive() throws {
        for count in 0...97 {
            for step in [1, 2, 31, 32, 33, 64, 100] {
                for end in [ChainEnd.front, .back] {
                    let chain = Self.chain()
                    let all = (0..<count).map(Self.entry)
                    try chain.push(all)
                    var popped: [Bytes] = []
                    while true {
                        let part = try chain.pop(step, from: end)
                        try chain.checkInvariants()
                        if part.isEmpty { break }
                        popped += part
                    }
                    #expect(popped == (end == .front ? all : all.reversed()))
                }
            }
        }
    }

    @Test("D-30: a long append links every block to its true predecessor")
    func longAppend() throws {
        let chain = Self.chain()
        let all = (0..<1000).map(Self.entry)
        try chain.push(all)
        // Header, and 31 full blocks and one of eight.
        #expect(try chain.checkInvariants().count == 33)
        #expect(try chain.entries() == all)
    }

    @Test("D-12: going backwards twice gives the same twice, and changes nothing")
    func backwardsTwice() throws {
        let chain = Self.chain()
        try chain.push((0..<70).map(Self.entry))
        let version = chain.tracker.version
        let first = try chain.entries(from: .back)
        #expect(try chain.entries(from: .back) == first)
        #expect(first.first == Self.entry(69))
        #expect(chain.tracker.version == version)
    }

    @Test("Popping nothing, or from nothing, gives nothing")
    func nothing() throws {
        let chain = Self.chain()
        #expect(try chain.pop(from: .front).isEmpty)
        #expect(try chain.count() == 0)
        try chain.push([])
        #expect(chain.tracker.transforms.isEmpty)
        try chain.push([[1]])
        #expect(try chain.pop(0, from: .back).isEmpty)
        #expect(try chain.pop(-1, from: .back).isEmpty)
        #expect(try chain.pop(5, from: .back) == [[1]])
        #expect(try chain.pop(5, from: .back).isEmpty)
        #expect(try chain.entries().isEmpty)
    }

    @Test("An entry is replaced in place; an outdated path is refused")
    func update() throws {
        let chain = Self.chain()
        try chain.push((0..<40).map(Self.entry))
        var cursor = chain.cursor(from: .back)
        let last = try #require(try cursor.next())
        try chain.update(at: last.path, [7, 7])
        #expect(try chain.entries(from: .back, countMax: 1) == [[7, 7]])
        #expect(throws: DatabaseError.self) { try chain.update(at: last.path, []) }
        #expect(throws: DatabaseError.self) { _ = try cursor.next() }
        let long = Bytes(repeating: 0, count: Limits.valueBytesMax + 1)
        #expect(throws: DatabaseError.self) { try chain.push([[1], long]) }
        #expect(try chain.count() == 40)
    }

    @Test("A push or pop that misses a block changes nothing")
    func atomic() throws {
        let chain = Self.chain()
        try chain.push((0..<100).map(Self.entry))
        let full = try MemorySnapshot().applying(chain.tracker.transforms, at: Revision(1))
        var failures = 0
        for missing in try chain.checkInvariants() {
            var snapshot = full
            snapshot.missing = [missing]
            for end in [ChainEnd.front, .back] {
                let tracker = Tracker(
                    snapshot: snapshot, header: chain.tracker.header, ids: Samples.ids(2))
                let other = Self.chain(tracker)
                do {
                    _ = try other.pop(70, from: end)
                } catch is MissingBlocks {
                    failures += 1
                    #expect(tracker.transforms.isEmpty && tracker.headerChange == nil)
                }
            }
        }
        #expect(failures >= 6)
    }

    @Test("A push touches the header block only when the block at the end changes")
    func fewWrites() throws {
        let chain = Self.chain()
        try chain.push((0..<33).map(Self.entry))
        let base = try MemorySnapshot().applying(chain.tracker.transforms, at: Revision(1))
        let tracker = Tracker(
            snapshot: base, header: chain.tracker.header, ids: Samples.ids(2))
        try Self.chain(tracker).push([[1]])
        #expect(tracker.transforms.items.count == 1)
        #expect(tracker.headerChange == nil)
    }

    /// Attributes of a data block: the neighbours on either side.
    private static let links = (front: BlockAttribute(2), back: BlockAttribute(3))

    @Test("Links that lead back, past an end or to a stranger end every walk as corrupted")
    func hostileLinks() throws {
        let chain = Self.chain()
        try chain.push((0..<160).map(Self.entry))
        let full = try MemorySnapshot().applying(chain.tracker.transforms, at: Revision(1))
        let root = try #require(chain.tracker.header.root)
        let data = full.blocks.filter { $0.key != root }
        let front = try #require(
            data.first { $0.value.block.bytes(Self.links.front) == nil }?.key)
        var ids = [front]
        while let bytes = data[ids[ids.count - 1]]?.block.bytes(Self.links.back) {
            ids.append(BlockID(try #require(Digest(bytes))))
        }
        try #require(ids.count == 5)
        for from in ids.indices {
            for to in ids.indices {
                for side in [Self.links.front, Self.links.back] {
                    let right = side == Self.links.front ? from - 1 : from + 1
                    if to == right { continue }
                    var snapshot = full
                    var block = try #require(snapshot.blocks[ids[from]]?.block)
                    block.assign(side, .bytes(ids[to].digest.bytes))
                    snapshot.blocks[ids[from]] = SnapshotBlock(block: block, revision: Revision(1))
                    try expectCorrupted(snapshot, chain.tracker.header, "\(from) to \(to)")
                }
            }
        }
    }

    private func expectCorrupted(
        _ snapshot: MemorySnapshot, _ header: CollectionHeader, _ what: String
    ) throws {
        let walks: [(Chain) throws -> Void] = [
            { _ = try $0.entries() }, { _ = try $0.entries(from: .back) }, { try $0.drop() },
            { _ = try $0.count() }, { _ = try $0.pop(1000, from: .front) },
            { _ = try $0.pop(1000, from: .back) },
        ]
        for walk in walks {
            let tracker = Tracker(snapshot: snapshot, header: header, ids: Samples.ids(2))
            let error = #expect(throws: DatabaseError.self, "\(what)") {
                try walk(Self.chain(tracker))
            }
            #expect(error?.code == .corrupted)
            #expect(tracker.transforms.isEmpty && tracker.headerChange == nil)
        }
    }
}
