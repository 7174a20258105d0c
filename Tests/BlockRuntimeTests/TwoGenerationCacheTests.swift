import BlockRuntime
import Testing

@Suite("A cache of two generations") struct TwoGenerationCacheTests {
    @Test("A table of what was learned lately keeps the newest and never more than it may")
    func recent() {
        var table = TwoGenerationCache<Int, Int>(countMax: 100)
        for number in 0..<10_000 {
            table[number] = number
            #expect(table[number] == number)
            #expect(table.count <= 100)
            if number >= 50 { #expect(table[number - 49] == number - 49) }
        }
        table[9_999] = nil
        #expect(table[9_999] == nil)
    }

    @Test("What is used stays, what is only looked at does not, and the weight is bounded")
    func weights() {
        var cache = TwoGenerationCache<Int, Int>(weightMax: 1000)
        var generator = SeededGenerator(seed: 9)
        cache.put(7, for: -1, weight: 10)
        cache.put(8, for: -2, weight: 10)
        for number in 0..<2000 {
            cache.put(number, for: number % 300, weight: 1 + generator.below(40))
            #expect(cache[number % 300] == number || number % 300 == -1)
            #expect(cache.value(-1) == 7)
            _ = cache[-2]
            cache.checkInvariants()
            if number % 17 == 0 { cache.remove(generator.below(300)) }
        }
        #expect(cache[-2] == nil)
        cache.removeAll()
        #expect(cache.count == 0)
        var none = TwoGenerationCache<Int, Int>(weightMax: 0)
        none.put(1, for: 1, weight: 1)
        #expect(none[1] == nil)
    }
}
