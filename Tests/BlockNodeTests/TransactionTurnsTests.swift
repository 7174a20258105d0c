import BlockModel
import BlockNode
import BlockRuntime
import BlockTransactions
import Testing

/// Whose turn it is among transactions that want the same keys.
@Suite("Turns of transactions") struct TransactionTurnsTests {
    private let tree = CollectionID(name: "tree")
    private let diary = CollectionID(name: "diary")
    private let now = Instant.origin

    private func id(_ number: UInt64) -> ActionID {
        ActionID(rawValue: Identifier128(UInt128(number)))
    }

    /// Of one that reads and writes a key of the tree.
    private func change(_ key: UInt8) -> TransactionFootprint {
        let action = TreeAction(
            checks: [.value(key: [key], nil)], operations: [.put(key: [key], value: [1])])
        return footprint(tree, [.tree(action)])
    }

    private func footprint(
        _ collection: CollectionID, _ actions: [ActionContent], expected: Revision? = nil
    ) -> TransactionFootprint {
        let part = TransactionPart(
            collection: collection,
            incarnation: Incarnation(generation: 1, nonce: Identifier128(1)),
            firstRevision: .zero, expectedRevision: expected, actions: actions)
        return TransactionFootprint(
            TransactionRequest(action: id(99), home: collection, parts: [part]))
    }

    @Test("Whoever lost goes before those that came later, and holds nobody else back")
    func order() throws {
        var turns = TransactionTurns()
        #expect(!turns.holdBack(id(2), change(7), now: now))
        let lost = turns.lost(id(1), change(7), now: now)
        let lapses = try #require(lost)
        #expect(turns.holdBack(id(2), change(7), now: now))
        #expect(!turns.holdBack(id(2), change(8), now: now))
        #expect(!turns.holdBack(id(1), change(7), now: now))
        // It does not come back.
        #expect(!turns.holdBack(id(2), change(7), now: lapses))
        // It is here: others wait for it however long it takes.
        turns.came(id(1), change(7))
        #expect(turns.holdBack(id(2), change(7), now: lapses))
        turns.over(id(1))
        #expect(!turns.holdBack(id(2), change(7), now: now))
    }

    @Test("A later loss does not lose the place of an earlier one")
    func keepsPlace() {
        var turns = TransactionTurns()
        _ = turns.lost(id(1), change(7), now: now)
        _ = turns.lost(id(2), change(7), now: now)
        _ = turns.lost(id(1), change(7), now: now)
        #expect(turns.holdBack(id(2), change(7), now: now))
        #expect(!turns.holdBack(id(1), change(7), now: now))
    }

    @Test("What reads a range, or all of a collection, is kept from every write of it")
    func wide() {
        var turns = TransactionTurns()
        let range = TreeAction(
            checks: [.range(.all, TreeEntriesHash([]))],
            operations: [.put(key: [1], value: [1])])
        _ = turns.lost(id(1), footprint(tree, [.tree(range)]), now: now)
        #expect(turns.holdBack(id(2), change(7), now: now))
        _ = turns.lost(id(3), footprint(diary, [.append([1])], expected: Revision(4)), now: now)
        #expect(turns.holdBack(id(4), footprint(diary, [.append([2])]), now: now))
    }

    @Test("Places of clients that do not come back are there for others")
    func abandoned() {
        var turns = TransactionTurns()
        for number in 1...Limits.turnCountMax {
            _ = turns.lost(id(UInt64(number)), change(7), now: now)
        }
        #expect(turns.count == Limits.turnCountMax)
        let other = id(UInt64(Limits.turnCountMax + 1))
        var lapses = turns.lost(other, change(7), now: now)
        #expect(lapses == nil)
        let later = now.advanced(by: Limits.turnTime)
        lapses = turns.lost(other, change(7), now: later)
        #expect(lapses != nil && turns.count == 1)
    }

    @Test("One that loses again and again, or for very long, keeps no place")
    func endless() {
        var turns = TransactionTurns()
        for _ in 0..<Limits.turnLossCountMax {
            let lapses = turns.lost(id(1), change(7), now: now)
            #expect(lapses != nil)
        }
        var lapses = turns.lost(id(1), change(7), now: now)
        #expect(lapses == nil)
        #expect(turns.count == 0)
        _ = turns.lost(id(2), change(7), now: now)
        lapses = turns.lost(id(2), change(7), now: now.advanced(by: Limits.turnAgeMax))
        #expect(lapses == nil)
    }
}
