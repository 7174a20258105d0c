import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("What a proxy forgets first")
struct CollectionUseTests {
    private func collection(_ number: Int) -> CollectionID { CollectionID(name: "\(number)") }

    @Test("The collection unused longest goes first, those that are needed stay")
    func order() {
        var use = CollectionUse()
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
            use.prune(countMax: 30) { known[$0] != nil }
        }
        #expect(use.oldest(of: known) { _ in true } == nil)
    }
}
