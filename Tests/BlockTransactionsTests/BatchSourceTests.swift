import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// The parts of a writer under another driver, as a transaction over several collections will be.
@Suite("The source of a collection's batches") struct BatchSourceTests {
    /// One collection of several that a driver works on.
    private struct Part {
        var log: SampleLog
        var source: BatchSource
        var batch: InFlightBatch?

        init(_ name: String) {
            log = SampleLog(name: name)
            source = BatchSource(collection: log.tail.collection)
        }
    }

    private let identifiers = SeededIdentifiers(seed: 3)
    private let now = Instant.origin

    private func effects() -> WriterEffects {
        WriterEffects(
            now: now, wallMilliseconds: 0, makeIdentifier: identifiers.next,
            cache: FetchedObjects(), blocks: SharedBlockCache(), history: nil)
    }

    /// An action of each collection, and what of it is ready to be sent.
    private func begin(_ part: inout Part, _ number: UInt64) -> BatchBuilder.Built? {
        let request = ActionRequest(
            collection: part.log.tail.collection, incarnation: part.log.tail.incarnation,
            action: Sample.action(number), firstRevision: part.log.tail.revision,
            content: .append(Sample.bytes(number)))
        let waiter = PendingAction.Waiter(token: number, deadline: now.advanced(by: .seconds(9)))
        let problem = part.source.add(request, request.content.bytes, client: 1, waiter)
        #expect(problem == nil)
        var effects = effects()
        part.source.readTail(&effects)
        _ = part.source.tailWasRead(.live(part.log.tail), &effects)
        defer { part.source.checkInvariants() }
        return part.source.advance(&effects, isFree: true)
    }

    private func send(_ part: inout Part, _ built: BatchBuilder.Built) throws {
        let batch = InFlightBatch(built, on: try #require(part.source.log), checkpoint: nil)
        part.source.sent(batch)
        part.batch = batch
        part.source.checkInvariants()
        batch.checkInvariants()
    }

    @Test("Several are built before any is sent, and all of them end as one driver says")
    func together() throws {
        var parts = [Part("a"), Part("b")]
        parts[1].log.append(Sample.body([50]))
        var built: [BatchBuilder.Built] = []
        for index in parts.indices {
            built.append(try #require(begin(&parts[index], UInt64(index) + 1)))
        }
        // Nothing has left its queue: the driver is the only one who sends.
        #expect(parts.allSatisfy { !$0.source.isEmpty })
        for index in parts.indices { try send(&parts[index], built[index]) }
        #expect(parts.allSatisfy { $0.source.isEmpty })
        var effects = effects()
        for index in parts.indices {
            var batch = try #require(parts[index].batch)
            guard case .landed = batch.ended(.committed(batch.target, chainHash: .zero)) else {
                Issue.record("it did not land at its target")
                return
            }
            parts[index].source.landed(batch, &effects)
            batch.answer(&effects)
            parts[index].source.checkInvariants()
        }
        #expect(effects.responses.map(\.token) == [1, 2])
        #expect(effects.responses.map(\.reply) == [.appended(at: 1), .appended(at: 2)])
        #expect(effects.attempt == nil)
    }

    @Test("When one of them cannot land, the actions of each are put back, and are built again")
    func putBack() throws {
        var parts = [Part("a"), Part("b")]
        for index in parts.indices {
            let built = try #require(begin(&parts[index], UInt64(index) + 1))
            try send(&parts[index], built)
        }
        for index in parts.indices {
            var batch = try #require(parts[index].batch)
            _ = batch.ended(.refused(.fenced(.live(parts[index].log.tail))))
            parts[index].source.putBack(batch)
            var effects = effects()
            let again = try #require(parts[index].source.advance(&effects, isFree: true))
            #expect(again.actions.map(\.action) == [Sample.action(UInt64(index) + 1)])
            parts[index].source.checkInvariants()
        }
    }
}
