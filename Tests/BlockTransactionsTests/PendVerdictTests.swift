import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

@Suite("What a log says of a pend")
struct PendVerdictTests {
    private let hash = Digest(domain: "test/result", [1])
    private let block = BlockID(content: [1])

    private func kept(
        _ payload: PayloadID, at target: UInt64, hash: Digest? = nil, generation: UInt64 = 1,
        block: BlockID? = nil
    ) -> KeptPend {
        KeptPend(
            block: BlockKey(
                block: block ?? self.block,
                incarnation: Incarnation(generation: generation, nonce: Identifier128(9))),
            collection: CollectionID(name: "events"),
            pend: OutstandingPend(
                payload: payload, target: Revision(target), resultHash: hash ?? self.hash))
    }

    /// Six entries that each write the block, four of them sealed.
    private func log() -> SampleLog {
        var log = SampleLog()
        for number in 1...6 as ClosedRange<UInt64> {
            let touched = TouchedBlock(
                block: block, baseRevision: Revision(number - 1),
                basePayload: number == 1 ? nil : Sample.payload(number - 1),
                transformHash: hash, resultHash: hash)
            let body = EntryBody(
                actions: Sample.body([number]).actions, blocks: [touched])
            log.append(body, isStored: number % 2 == 0)
            if number == 2 || number == 4 { log.seal() }
        }
        return log
    }

    private func verdict(_ kept: KeptPend, _ log: SampleLog) throws -> PendVerdict {
        var fetched = FetchedObjects()
        return try fetched.run(on: log) { try $0.verdict(on: kept) }
    }

    @Test("The payload that landed is finalised with the result that the body lists")
    func landed() throws {
        for number in 1...6 as ClosedRange<UInt64> {
            let payload = Sample.payload(number)
            let write = CommittedWrite(
                revision: Revision(number), payload: payload, resultHash: hash)
            #expect(try verdict(kept(payload, at: number), log()) == .finalise(write))
        }
    }

    @Test("What did not land at a decided target is discarded, and so is other content of it")
    func lost() throws {
        for number in 1...6 as ClosedRange<UInt64> {
            #expect(try verdict(kept(Sample.payload(77), at: number), log()) == .discard)
            let payload = Sample.payload(number)
            #expect(try verdict(kept(payload, at: number, hash: .zero), log()) == .discard)
            let other = BlockID(content: [2])
            #expect(try verdict(kept(payload, at: number, block: other), log()) == .discard)
            let late = kept(payload, at: number % 6 + 1)
            #expect(try verdict(late, log()) == .discard, "it landed elsewhere")
        }
    }

    // protocol: no-timer-removes-a-pend
    @Test("Above the revision nothing is decided, at whatever age, unless it was fenced")
    func undecided() throws {
        #expect(try verdict(kept(Sample.payload(7), at: 7), log()) == .undecided)
        #expect(try verdict(kept(Sample.payload(7), at: 900), log()) == .undecided)
        let log = log()
        var tail = log.tail
        let attempt = Attempt(
            payload: Sample.payload(7),
            on: Participant(
                collection: tail.collection, incarnation: tail.incarnation, target: Revision(7)))
        tail.aborted = [attempt.digest]
        let view = LogView(tail: tail, source: FetchedObjects())
        #expect(try view.verdict(on: kept(Sample.payload(7), at: 7)) == .discard)
        #expect(try view.verdict(on: kept(Sample.payload(8), at: 7)) == .undecided)
    }

    @Test("An earlier life is over, a later one unknown, and truncated history tells nothing")
    func elsewhere() throws {
        let payload = Sample.payload(3)
        var second = SampleLog(generation: 2)
        second.append(Sample.body([1]))
        #expect(try verdict(kept(payload, at: 3, generation: 1), second) == .discard)
        #expect(try verdict(kept(payload, at: 3, generation: 3), second) == .undecided)
        var log = log()
        log.truncate(through: Revision(4))
        #expect(try verdict(kept(payload, at: 3), log) == .truncated)
        #expect(try verdict(kept(payload, at: 5), log) == .discard)
    }
}
