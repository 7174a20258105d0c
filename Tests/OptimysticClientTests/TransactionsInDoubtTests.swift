import BlockModel
import BlockRuntime
import OptimysticCommand
import Testing

@Suite("Transactions in doubt") struct TransactionsInDoubtTests {
    private static let life = Incarnation(generation: 1, nonce: Identifier128(3))

    /// The tail of a collection that attempt `number` has prepared, since `since`.
    private static func tail(_ name: String, _ number: UInt64?, since: UInt64) -> TailValue {
        var tail = Tail(
            name: name, incarnation: life,
            header: CollectionHeader(kind: .diary, encoding: .bytes),
            createdBy: ActionID(rawValue: .zero))
        guard let number else { return .live(tail) }
        let payload = PayloadID(
            action: ActionID(rawValue: Identifier128(UInt128(number))), execution: 0)
        let parts = ["home", "a", "b"].map {
            Participant(
                collection: CollectionID(name: $0), incarnation: life, target: Revision(1))
        }
        let body = EntryBody.empty.canonicalBytes
        tail.exclusiveIntent = Intent(
            entry: Entry(
                kind: .noOperation, revision: Revision(1), payload: payload,
                bodyHash: BlockID(content: body).digest, body: .inline(body), headerAfter: nil,
                home: parts[0].collection, participants: parts, checkpoint: nil,
                wallMilliseconds: since, previousHash: .zero))
        return .live(tail)
    }

    @Test("Each is counted once, however many collections it has prepared, by its oldest entry")
    func counts() {
        let doubts = TransactionsInDoubt(
            [
                Self.tail("a", 1, since: 99_900), Self.tail("b", 1, since: 95_000),
                Self.tail("c", 2, since: 1), Self.tail("d", nil, since: 0),
                // Of a clock that is ahead.
                Self.tail("e", 3, since: 100_500), .absent(generation: 4),
            ], unseenCount: 7, now: 100_000)
        #expect(doubts.counts == [.underOneSecond: 1, .underTenSeconds: 1, .longer: 1])
        #expect(
            doubts.line == "transactions in doubt: 3 (1: over a minute, 1: 1 to 10 s, "
                + "1: under 1 s); 7 collections were not looked at")
        let none = TransactionsInDoubt([], unseenCount: 0, now: 5)
        #expect(none.line == "transactions in doubt: 0" && none.total == 0)
    }
}
