import BlockRuntime
import BlockWorkloads

/// Worlds in which clients make transactions.
extension WorldPlan {
    /// Makes the first collection a tree of lists or counters, in one of so many worlds. What goes
    /// wrong there stays as it was drawn.
    mutating func drawTransactions(_ seed: UInt64, oneIn count: Int) {
        var generator = SeededGenerator(seed: seed ^ 0xE11E_5EED)
        guard generator.chance(1, in: count) else { return }
        if collectionCount > 1, generator.chance(1, in: 2) {
            // All clients meet there.
            collectionCount = 1
            structures = Array(structures.prefix(1))
        }
        let isOfLists = generator.chance(3, in: 4)
        transactions[0] = TransactionPlan(
            name: isOfLists ? "lists-0" : "counters-0", workload: isOfLists ? .lists : .counters,
            capacity: UInt32(4 + generator.below(3)),
            keyCount: generator.chance(3, in: 4)
                ? 2 + generator.below(6) : 10 + generator.below(20),
            operationCount: operationCount)
    }
}
