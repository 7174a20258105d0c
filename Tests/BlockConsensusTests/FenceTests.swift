import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// Fencing an attempt at its home (protocol: fence-before-discard).
@Suite("Fences")
struct FenceTests {
    private func attempt(
        _ number: UInt64, at target: UInt64, on tail: Tail, generation: UInt64? = nil
    ) -> Attempt {
        let life = generation.map {
            Incarnation(generation: $0, nonce: tail.incarnation.nonce)
        }
        return Attempt(
            payload: Sample.payload(number),
            on: Participant(
                collection: tail.collection, incarnation: life ?? tail.incarnation,
                target: Revision(target)))
    }

    private func fence(
        _ attempt: Attempt, _ value: TailValue, isChosen: Bool = true, entriesMax: Int = 32
    ) -> TailDecision {
        TailChange.fence(attempt.anchor).apply(
            to: value, isChosen: isChosen, policy: TailPolicy(openEntryCountMax: entriesMax))
    }

    private func fenced(_ attempts: [Attempt], _ tail: Tail) throws -> Tail {
        try attempts.reduce(tail) { tail, attempt in
            guard
                case .replace(.live(let next), .tail(.live(let told))) =
                    fence(attempt, .live(tail)), next == told
            else { throw DatabaseError(.internalError, "not fenced") }
            return next
        }
    }

    @Test("An attempt at the next revision is fenced once, and then never lands")
    func fencesNext() throws {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        let dead = Sample.commit(50, at: Revision(3), on: tail)
        let after = try fenced([dead.attempt], tail)
        #expect(after.aborted == [dead.attempt.digest] && after.revision == tail.revision)
        #expect(fence(dead.attempt, .live(after)) == .keep(.tail(.live(after))))
        let late = TailChange.commit(dead).apply(
            to: .live(after), isChosen: true, policy: TailPolicy())
        #expect(late == .keep(.refused(.fenced(.live(after)))))
        // Another attempt at the revision is as free as before.
        let other = Sample.commit(51, at: Revision(3), on: tail)
        let landed = TailChange.commit(other).apply(
            to: .live(after), isChosen: true, policy: TailPolicy())
        #expect(landed.newTail?.revision == Revision(3) && landed.newTail?.aborted == [])
    }

    @Test("What is decided, in another life, or further on is not fenced")
    func leavesOthers() {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        for target in [1, 2, 4, 900] as [UInt64] {
            let decision = fence(attempt(50, at: target, on: tail), .live(tail))
            #expect(decision == .keep(.tail(.live(tail))), "target \(target)")
        }
        let other = attempt(50, at: 3, on: tail, generation: 2)
        #expect(fence(other, .live(tail)) == .keep(.tail(.live(tail))))
        for value in [TailValue.absent(generation: 0), .dropped(Sample.ended(1))] {
            #expect(fence(attempt(50, at: 1, on: tail), value) == .keep(.tail(value)))
        }
    }

    @Test("A tail that holds the attempt's intent never fences it")
    func intents() {
        let tail = Sample.tail()
        let prepared = attempt(50, at: 1, on: tail)
        var exclusive = tail
        var entry = TailFunctionTests.grow(tail, by: 1).tail.entries[0]
        entry.payload = prepared.payload
        entry.home = prepared.home
        entry.participants = prepared.participants
        exclusive.exclusiveIntent = Intent(entry: entry)
        var shared = tail
        shared.sharedIntents = [prepared.anchor]
        for held in [exclusive, shared] {
            #expect(fence(prepared, .live(held)) == .keep(.tail(.live(held))))
            let other = fence(attempt(51, at: 1, on: tail), .live(held))
            #expect(other.newTail?.aborted.count == 1, "another one is")
        }
    }

    @Test("Where no fence has room an entry that does nothing is as good, unless an intent counts")
    func full() throws {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        let many = (0..<UInt64(Limits.abortedAttemptCountMax)).map {
            attempt(100 + $0, at: 3, on: tail)
        }
        var full = try fenced(many, tail)
        #expect(full.aborted.count == Limits.abortedAttemptCountMax)
        let last = attempt(50, at: 3, on: tail)
        let decision = fence(last, .live(full))
        let grown = try #require(decision.newTail)
        #expect(grown.revision == Revision(3) && grown.aborted.isEmpty)
        #expect(grown.entries.last?.kind == .noOperation)
        #expect(grown.entries.last?.payload != last.payload)
        #expect(decision == .replace(.live(grown), .tail(.live(grown))))
        #expect(fence(last, .live(grown)) == .keep(.tail(.live(grown))), "it is decided now")
        guard case .seal(_, let sealed, let told) = fence(last, .live(full), entriesMax: 2) else {
            Issue.record("not sealed")
            return
        }
        #expect(told == .tail(sealed))
        full.sharedIntents = [attempt(1, at: 3, on: tail).anchor]
        #expect(fence(last, .live(full)) == .keep(.tail(.live(full))))
    }

    @Test("`settled` follows a fence as it follows an entry")
    func settled() {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        #expect(tail.settled == Revision(1))
        let dead = attempt(50, at: 3, on: tail)
        #expect(fence(dead, .live(tail)).newTail?.settled == Revision(2))
        #expect(fence(dead, .live(tail), isChosen: false).newTail?.settled == Revision(1))
    }
}
