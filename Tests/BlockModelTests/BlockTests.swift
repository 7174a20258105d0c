import BlockModel
import BlockRuntime
import Testing

@Suite struct BlockTests {
    static let first = BlockAttribute(1)
    static let second = BlockAttribute(2)

    static func block(_ items: [Bytes] = [[1], [2], [3]]) -> Block {
        var block = Block(
            header: Block.Header(
                id: BlockSamples.id(1), type: BlockSamples.type,
                collection: BlockSamples.collection))
        block.assign(first, .list(items))
        return block
    }

    @Test("A splice replaces items of a list; on an absent attribute it makes one")
    func splice() throws {
        var block = Self.block()
        try block.apply(.splice(Self.first, index: 1, deleteCount: 1, inserted: [[8], [9]]))
        #expect(block.list(Self.first) == [[1], [8], [9], [3]])
        try block.apply(.splice(Self.first, index: 4, deleteCount: 0, inserted: [[7]]))
        #expect(block.list(Self.first).last == [7])
        try block.apply(.splice(Self.second, index: 0, deleteCount: 0, inserted: [[5]]))
        #expect(block.list(Self.second) == [[5]])
    }

    @Test("Assigning nothing removes the attribute, which is not the same as assigning no bytes")
    func assignAbsent() throws {
        var block = Self.block()
        try block.apply(.assign(Self.second, []))
        #expect(block[Self.second] == .bytes([]))
        try block.apply(.assignAbsent(Self.second))
        #expect(block[Self.second] == nil)
        try block.apply(.assignAbsent(Self.second))
        #expect(block == Self.block())
    }

    @Test("A splice that does not fit is refused and changes nothing")
    func refusals() throws {
        var block = Self.block()
        block.assign(Self.second, .bytes([1]))
        let before = block
        #expect(throws: TransformError.notAList(Self.second)) {
            try block.apply(.splice(Self.second, index: 0, deleteCount: 0, inserted: []))
        }
        for (index, count) in [(4, 0), (0, 4), (3, 1), (-1, 0), (0, -1), (Int.max, Int.max)] {
            #expect(
                throws: TransformError.outOfRange(
                    Self.first, index: index, deleteCount: count, count: 3)
            ) {
                try block.apply(
                    .splice(Self.first, index: index, deleteCount: count, inserted: [[1]]))
            }
        }
        #expect(block == before)
    }

    @Test("Blocks survive their canonical form, and their size is its length")
    func canonical() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 1))
        for number in 0..<300 {
            var block = samples.block(BlockSamples.id(number))
            for _ in 0..<5 { try block.apply(samples.operation(on: block)) }
            #expect(try Block(canonicalBytes: block.canonicalBytes) == block)
            #expect(block.byteCount == block.canonicalBytes.count)
        }
    }

    @Test("A block that is cut anywhere, or has its attributes in another order, is refused")
    func hostile() throws {
        var block = Self.block()
        block.assign(Self.second, .bytes([1, 2]))
        let bytes = block.canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: DatabaseError.self) {
                try Block(canonicalBytes: Bytes(bytes[..<count]))
            }
        }
        var swapped = bytes
        swapped[69] = 3  // The id of the first attribute, now above that of the second.
        #expect(throws: DatabaseError.self) { try Block(canonicalBytes: swapped) }
    }

    @Test("Bounds are enforced where a transform is applied, by name")
    func bounds() throws {
        let big = Bytes(repeating: 0, count: Limits.blockBytesMax)
        let transform = BlockTransform(updates: [.assign(Self.second, big)])
        let actual = Self.block().byteCount + 6 + big.count
        #expect(
            throws: TransformError.overLimit(
                name: "blockBytesMax", limit: Limits.blockBytesMax, actual: actual)
        ) { try transform.applied(to: Self.block()) }
        let many = BlockTransform(updates: [
            .splice(
                Self.first, index: 0, deleteCount: 0,
                inserted: [Bytes](repeating: [], count: Limits.blockItemCountMax))
        ])
        #expect(throws: TransformError.self) { try many.applied(to: Self.block()) }
    }

    @Test("Every part of a block is in its digest")
    func digestCovers() {
        let block = Self.block()
        var changed = [block.digest]
        changed.append(Self.block([[1], [2, 3]]).digest)
        changed.append(Self.block([[1, 2], [3]]).digest)
        changed.append(Self.block([[1], [2], [3], []]).digest)
        var other = block
        other.assign(Self.second, .list([]))
        changed.append(other.digest)
        other.assign(Self.second, .bytes([]))
        changed.append(other.digest)
        let headers = [
            Block.Header(
                id: BlockSamples.id(2), type: BlockSamples.type,
                collection: BlockSamples.collection),
            Block.Header(
                id: BlockSamples.id(1), type: BlockType("TB"), collection: BlockSamples.collection),
            Block.Header(
                id: BlockSamples.id(1), type: BlockSamples.type, collection: CollectionID(name: "b")
            ),
        ]
        for header in headers {
            var other = Block(header: header)
            other.assign(Self.first, .list([[1], [2], [3]]))
            changed.append(other.digest)
        }
        #expect(Set(changed).count == changed.count)
    }

    @Test("A digest kept up to date is that of the block made afresh")
    func digestedBlock() throws {
        var samples = BlockSamples(generator: SeededGenerator(seed: 2))
        for number in 0..<100 {
            var digested = DigestedBlock(samples.block(BlockSamples.id(number)))
            for _ in 0..<20 {
                try digested.apply(samples.operation(on: digested.block))
                #expect(digested.digest == digested.block.digest)
            }
        }
    }

    @Test("A block type is two or three capital letters")
    func types() throws {
        #expect(BlockType("TL").description == "TL")
        #expect(BlockType("TRE").description == "TRE")
        for code: UInt32 in [0, 0x54, 0x5400, 0x74_6C, 0x54_00_4C, 0x54_4C_54_4C] {
            #expect(BlockType(code: code) == nil)
        }
    }
}
