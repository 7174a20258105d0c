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
            TransactionRequest(
                action: id(99), home: collection, parts: [part],
                source: TransactionSource(
                    stamp: TransactionStamp(client: .zero, milliseconds: 0, expiry: .max))))
    }

    @Test("Whoever lost goes before those that came later, and holds nobody else back")
    func order() throws {
        var turns = TransactionTurns()
        #expect(turns.came(id(1), change(7)) == 1 && turns.came(id(2), change(7)) == 2)
        #expect(!turns.holdBack(id(2), change(7), at: 2, now: now))
        let lost = turns.lost(id(1), change(7), at: 1, now: now)
        let lapses = try #require(lost)
        #expect(turns.holdBack(id(2), change(7), at: 2, now: now))
        #expect(!turns.holdBack(id(2), change(8), at: 2, now: now))
        #expect(!turns.holdBack(id(1), change(7), at: 1, now: now))
        // It does not come back.
        #expect(!turns.holdBack(id(2), change(7), at: 2, now: lapses))
        // It is here: others wait for it however long it takes.
        #expect(turns.came(id(1), change(7)) == 1)
        #expect(turns.holdBack(id(2), change(7), at: 2, now: lapses))
        turns.over(id(1))
        #expect(!turns.holdBack(id(2), change(7), at: 2, now: now))
        #expect(turns.came(id(1), change(7)) == 3)
    }

    @Test("A place is that of the first coming, whoever loses first")
    func keepsPlace() {
        var turns = TransactionTurns()
        let places = (1...2).map { turns.came(id($0), change(7)) }
        _ = turns.lost(id(2), change(7), at: places[1], now: now)
        _ = turns.lost(id(1), change(7), at: places[0], now: now)
        _ = turns.lost(id(1), change(7), at: places[0], now: now)
        #expect(turns.holdBack(id(2), change(7), at: places[1], now: now))
        #expect(!turns.holdBack(id(1), change(7), at: places[0], now: now))
    }

    @Test("Of those that came much later none goes first, whatever it writes in that collection")
    func window() {
        var turns = TransactionTurns()
        let place = turns.came(id(1), change(7))
        _ = turns.lost(id(1), change(7), at: place, now: now)
        let late = place + Limits.turnWindow
        #expect(!turns.holdBack(id(2), change(8), at: late, now: now))
        #expect(turns.holdBack(id(2), change(8), at: late + 1, now: now))
        let other = footprint(diary, [.append([1])])
        #expect(!turns.holdBack(id(2), other, at: late + 1, now: now))
    }

    @Test("What reads a range, or all of a collection, is kept from every write of it")
    func wide() {
        var turns = TransactionTurns()
        let range = TreeAction(
            checks: [.range(.all, TreeEntriesHash([]))],
            operations: [.put(key: [1], value: [1])])
        var place = turns.came(id(1), footprint(tree, [.tree(range)]))
        _ = turns.lost(id(1), footprint(tree, [.tree(range)]), at: place, now: now)
        #expect(turns.holdBack(id(2), change(7), at: place + 1, now: now))
        let watching = footprint(diary, [.append([1])], expected: Revision(4))
        place = turns.came(id(3), watching)
        _ = turns.lost(id(3), watching, at: place, now: now)
        let append = footprint(diary, [.append([2])])
        #expect(turns.holdBack(id(4), append, at: place + 1, now: now))
    }

    /// One of so many has come, and loses.
    private func lose(
        _ number: Int, _ turns: inout TransactionTurns, at now: Instant
    ) -> Instant? {
        let body = id(UInt64(number))
        let place = turns.came(body, change(7))
        return turns.lost(body, change(7), at: place, now: now)
    }

    @Test("Places of clients that do not come back are there for others")
    func abandoned() {
        var turns = TransactionTurns()
        for number in 1...Limits.turnCountMax { _ = lose(number, &turns, at: now) }
        #expect(turns.count == Limits.turnCountMax)
        var lapses = lose(Limits.turnCountMax + 1, &turns, at: now)
        #expect(lapses == nil)
        lapses = lose(Limits.turnCountMax + 1, &turns, at: now.advanced(by: Limits.turnTime))
        #expect(lapses != nil && turns.count == 1)
    }

    @Test("One that loses again and again, or for very long, keeps no place")
    func endless() {
        var turns = TransactionTurns()
        for _ in 0..<Limits.turnLossCountMax {
            let lapses = lose(1, &turns, at: now)
            #expect(lapses != nil)
        }
        var lapses = lose(1, &turns, at: now)
        #expect(lapses == nil)
        #expect(turns.count == 0)
        _ = lose(2, &turns, at: now)
        lapses = lose(2, &turns, at: now.advanced(by: Limits.turnAgeMax))
        #expect(lapses == nil)
    }
}
