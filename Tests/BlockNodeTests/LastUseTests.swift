import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("What a proxy forgets first")
struct LastUseTests {
    private func collection(_ number: Int) -> CollectionID { CollectionID(name: "\(number)") }

    @Test("The collection unused longest goes first, those that are needed stay")
    func order() {
        var use = LastUse()
        var random = SeededGenerator(seed: 3)
        var known: [CollectionID: Int] = [:]
        var order: [Int] = []
        for _ in 0..<2000 {
            let number = random.below(40)
            use.note(collection(number))
            known[collection(number)] = number
            order.removeAll { $0 == number }
            order.append(number)
            guard known.count > 20 else { continue }
            let needed = Set(order.filter { $0 % 5 == 0 })
            let oldest = use.oldest(of: known) { needed.contains(known[$0] ?? 0) }
            let expected = order.first { !needed.contains($0) }
            #expect(oldest == expected.map { collection($0) })
            if let expected {
                known[collection(expected)] = nil
                order.removeAll { $0 == expected }
            }
        }
        #expect(use.oldest(of: known) { _ in true } == nil)
    }

    @Test("Names that nothing is known of are forgotten, however many come")
    func bounded() {
        var use = LastUse(countMax: 100)
        for number in 0..<10_000 {
            use.note(collection(number))
            // One that is used all the time stays the newest but for the last few.
            if number % 50 == 0 { use.note(collection(-1)) }
            #expect(use.count <= 201)
        }
        let known = [collection(-1): 0, collection(9_000): 0]
        #expect(use.oldest(of: known) { _ in false } == collection(9_000))
    }
}
