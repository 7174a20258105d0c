import BlockModel
import BlockRuntime
import BlockStructures
import Testing

@Suite struct BlockCacheTests {
    private static func block(_ number: Int, bytes: Int) -> Block {
        var ids = Samples.ids(number)
        var block = Block(
            header: Block.Header(
                id: ids.next(), type: BlockType("TL"), collection: Samples.collection))
        block.assign(BlockAttribute(1), .bytes(Bytes(repeating: 0, count: bytes)))
        return block
    }

    private static func key(_ block: Block, _ revision: Int) -> BlockCache.Key {
        BlockCache.Key(
            incarnation: Samples.incarnation, block: block.id, revision: Revision(UInt64(revision)))
    }

    @Test("It behaves as a list of what was used last, at every step")
    func model() {
        var generator = SeededGenerator(seed: 21)
        var cache = BlockCache(byteCountMax: 2000)
        var model: [(key: BlockCache.Key, block: Block)] = []
        for _ in 0..<5000 {
            let number = generator.below(30)
            let block = Self.block(number, bytes: number * 20)
            let key = Self.key(block, number % 3)
            let known = model.firstIndex { $0.key == key }
            if generator.chance(1, in: 2) {
                #expect(cache.block(key) == known.map { model[$0].block })
                if let known { model.append(model.remove(at: known)) }
            } else {
                cache.insert(block, for: key)
                if known == nil {
                    model.append((key, block))
                    while model.reduce(0, { $0 + $1.block.byteCount }) > 2000 {
                        model.removeFirst()
                    }
                }
            }
            cache.checkInvariants()
            #expect(cache.count == model.count)
        }
    }

    @Test("Versions lie side by side: a commit takes nothing from a reader of an older revision")
    func versions() {
        var cache = BlockCache(byteCountMax: 2000)
        let old = Self.block(1, bytes: 10)
        var new = old
        new.assign(BlockAttribute(1), .bytes([1]))
        cache.insert(old, for: Self.key(old, 1))
        cache.insert(new, for: Self.key(new, 2))
        #expect(cache.block(Self.key(old, 1)) == old)
        #expect(cache.block(Self.key(old, 2)) == new)
        #expect(cache.block(Self.key(old, 3)) == nil)
    }

    @Test("A block larger than the cache is not kept and drives nothing out")
    func large() {
        var cache = BlockCache(byteCountMax: 500)
        let small = Self.block(1, bytes: 10)
        let large = Self.block(2, bytes: 500)
        cache.insert(small, for: Self.key(small, 1))
        cache.insert(large, for: Self.key(large, 1))
        #expect(cache.block(Self.key(small, 1)) == small)
        #expect(cache.block(Self.key(large, 1)) == nil)
        cache.checkInvariants()
    }
}
