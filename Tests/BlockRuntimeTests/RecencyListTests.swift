import BlockRuntime
import Testing

@Suite("Keys in the order of their last use")
struct RecencyListTests {
    @Test("The oldest is the one unused longest, whatever was used and removed")
    func order() {
        var list = RecencyList<Int>()
        var model: [Int] = []
        var random = SeededGenerator(seed: 7)
        for _ in 0..<5000 {
            let key = random.below(30)
            model.removeAll { $0 == key }
            if random.below(3) == 0 {
                list.remove(key)
            } else {
                list.use(key)
                model.append(key)
            }
            #expect(list.oldest == model.first && list.count == model.count)
            #expect(list.contains(key) == model.contains(key))
        }
        while let oldest = list.oldest {
            #expect(oldest == model.removeFirst())
            list.remove(oldest)
        }
        #expect(model.isEmpty && list.count == 0)
    }

    /// A key that counts how often it is looked for.
    private struct Counted: Hashable, Sendable {
        @TaskLocal static var hashes = Count()
        // SAFETY: one test, one thread.
        final class Count: @unchecked Sendable { var value = 0 }
        let number: Int
        func hash(into hasher: inout Hasher) {
            Counted.hashes.value += 1
            hasher.combine(number)
        }
    }

    @Test("A use, a removal and a look at the oldest cost the same among ten and ten thousand")
    func cost() {
        func lookUps(among count: Int) -> Int {
            Counted.$hashes.withValue(Counted.Count()) {
                var list = RecencyList<Counted>()
                for number in 0..<count { list.use(Counted(number: number)) }
                Counted.hashes.value = 0
                for number in 0..<8 {
                    list.use(Counted(number: number))
                    if let oldest = list.oldest { list.remove(oldest) }
                }
                return Counted.hashes.value
            }
        }
        #expect(lookUps(among: 10_000) <= 8 * 20)
        #expect(lookUps(among: 10_000) <= 2 * lookUps(among: 20))
    }
}
