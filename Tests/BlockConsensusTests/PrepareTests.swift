import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// What an attempt over several collections does to the tail of each, and what the tail of its home
/// says became of it.
@Suite("Prepared collections")
struct PrepareTests {
    private static let policy = TailPolicy()

    private static func tail(_ name: String) -> Tail {
        Tail(
            name: name, incarnation: Incarnation(generation: 1, nonce: Sample.identifier(5)),
            header: CollectionHeader(kind: .diary, encoding: .bytes),
            createdBy: Sample.action(1))
    }

    private static func write(_ number: UInt64, on tail: Tail) -> CommitAttempt {
        CommitAttempt(
            participant: Participant(
                collection: tail.collection, incarnation: tail.incarnation,
                target: tail.revision.next),
            payload: Sample.payload(number), body: Sample.body([number]).canonicalBytes,
            wallMilliseconds: 7)
    }

    /// An attempt that writes `home` and `other`, or only reads the latter.
    private static func attempt(
        _ number: UInt64, home: Tail, other: Tail, reads: Bool = false
    ) -> TransactionAttempt {
        let read = Participant(
            collection: other.collection, incarnation: other.incarnation,
            target: other.revision.next, role: .reads)
        return TransactionAttempt(
            home: home.collection,
            writes: [write(number, on: home)] + (reads ? [] : [write(number, on: other)]),
            reads: reads ? [read] : [], wallMilliseconds: 7)
    }

    private static func preparation(
        _ request: TransactionAttempt, of tail: Tail
    ) throws -> PrepareParticipant {
        let part = try #require(request.attempt.part(of: tail.collection))
        return PrepareParticipant(
            request.attempt, part, write: request.write(of: tail.collection))
    }

    private static func apply(_ change: TailChange, to tail: Tail) -> TailDecision {
        change.apply(to: .live(tail), isChosen: true, policy: policy)
    }

    private static func prepared(_ request: TransactionAttempt, _ tail: Tail) throws -> Tail {
        let decision = apply(.prepare(try preparation(request, of: tail)), to: tail)
        return try #require(decision.newTail)
    }

    // protocol: home-decides
    @Test("A prepared collection takes nothing else until its intent is resolved, one way or other")
    func intent() throws {
        let (home, other) = (Self.tail("zulu"), Self.tail("alpha"))
        let request = Self.attempt(50, home: home, other: other)
        let held = try Self.prepared(request, other)
        #expect(held.revision == .zero && held.entries.isEmpty)
        #expect(held.exclusiveIntent?.attempt == request.attempt)
        // Once more, and nothing changes.
        let again = Self.apply(.prepare(try Self.preparation(request, of: other)), to: held)
        #expect(again == .keep(.tail(.live(held))))
        let single = Self.apply(.commit(Self.write(60, on: other)), to: held)
        #expect(single == .keep(.refused(.blocked(.live(held)))))
        let rival = Self.attempt(61, home: home, other: other)
        let second = Self.apply(.prepare(try Self.preparation(rival, of: other)), to: held)
        #expect(second == .keep(.refused(.blocked(.live(held)))))

        let name = request.attempt.digest
        let applied = Self.apply(
            .resolve(
                ResolveIntent(collection: other.collection, attempt: name, isCommitted: true)),
            to: held)
        let landed = try #require(applied.newTail)
        #expect(landed.revision == Revision(1) && landed.exclusiveIntent == nil)
        #expect(landed.entries.first?.attempt == request.attempt)
        let removed = Self.apply(
            .resolve(
                ResolveIntent(collection: other.collection, attempt: name, isCommitted: false)),
            to: held)
        #expect(removed.newTail == other)
        // Somebody else's intent, or none, is left alone.
        for tail in [landed, other] {
            let decision = Self.apply(
                .resolve(
                    ResolveIntent(
                        collection: other.collection, attempt: name, isCommitted: false)),
                to: tail)
            #expect(decision == .keep(.tail(.live(tail))))
        }
        // A preparation that comes after all that finds its entry.
        let late = Self.apply(.prepare(try Self.preparation(request, of: other)), to: landed)
        #expect(late == .keep(.committed(Revision(1), chainHash: landed.lastHash)))
    }

    // protocol: reads-hold-shared-intents
    @Test("What is read is held against writers, and shared with other readers")
    func shared() throws {
        let (home, other) = (Self.tail("zulu"), Self.tail("alpha"))
        let first = Self.attempt(50, home: home, other: other, reads: true)
        let second = Self.attempt(51, home: home, other: other, reads: true)
        let held = try Self.prepared(second, try Self.prepared(first, other))
        #expect(held.sharedIntents.count == 2 && held.exclusiveIntent == nil)
        let single = Self.apply(.commit(Self.write(60, on: other)), to: held)
        #expect(single == .keep(.refused(.blocked(.live(held)))))
        let writer = Self.attempt(61, home: home, other: other)
        let preparation = TailChange.prepare(try Self.preparation(writer, of: other))
        #expect(Self.apply(preparation, to: held) == .keep(.refused(.blocked(.live(held)))))
        let resolved = Self.apply(
            .resolve(
                ResolveIntent(
                    collection: other.collection, attempt: first.attempt.digest, isCommitted: true)
            ), to: held)
        // A read has no entry.
        #expect(resolved.newTail?.revision == .zero)
        #expect(resolved.newTail?.sharedIntents == [second.attempt.anchor])
        #if SIMULATION_HOOKS
        let skewed = SimulationHooks.$plantedBug.withValue(.sharedIntentIgnored) {
            Self.apply(preparation, to: held)
        }
        #expect(skewed.newTail?.exclusiveIntent != nil, "a read that nobody holds any more")
        #endif
    }

    @Test("An attempt that came too late, for another life, or among too many readers is refused")
    func refusals() throws {
        let (home, other) = (Self.tail("zulu"), Self.tail("alpha"))
        let request = Self.attempt(50, home: home, other: other)
        let preparation = TailChange.prepare(try Self.preparation(request, of: other))
        let grown = TailFunctionTests.grow(other, by: 1).tail
        let moved = CommitRefusal.moved(landing: .absent, .live(grown))
        #expect(Self.apply(preparation, to: grown) == .keep(.refused(moved)))
        var later = other
        later.incarnation = Incarnation(generation: 2, nonce: Sample.identifier(5))
        later.lastHash = Entry.initialHash(name: later.name, incarnation: later.incarnation)
        #expect(Self.apply(preparation, to: later) == .keep(.refused(.gone(.live(later)))))
        var full = other
        full.sharedIntents = (0..<UInt64(Limits.sharedIntentCountMax)).map {
            Self.attempt(100 + $0, home: home, other: other, reads: true).attempt.anchor
        }.sorted()
        let reader = Self.attempt(50, home: home, other: other, reads: true)
        let decision = Self.apply(.prepare(try Self.preparation(reader, of: other)), to: full)
        guard case .keep(.failed(let error)) = decision else {
            Issue.record("\(decision)")
            return
        }
        #expect(error.code == .overloaded)
    }

    // protocol: open-decisions-hold-the-log
    @Test("A decision stays open at its home until it is closed, and its home is kept till then")
    func openDecision() throws {
        let (home, other) = (Self.tail("zulu"), Self.tail("alpha"))
        let request = Self.attempt(50, home: home, other: other)
        let decision = Self.apply(.commit(request.homeWrite), to: home)
        let decided = try #require(decision.newTail)
        #expect(
            decided.openDecisions == [
                OpenDecision(attempt: request.attempt.digest, target: Revision(1))
            ])
        #expect(decided.entries[0].attempt == request.attempt)
        #expect(decided.greatestTruncation == .zero)
        let drop = DropCollection(
            collection: home.collection, incarnation: home.incarnation,
            action: Sample.action(9))
        #expect(
            Self.apply(.drop(drop), to: decided) == .keep(.refused(.blocked(.live(decided)))))
        let close = CloseDecisions(
            collection: home.collection, incarnation: home.incarnation,
            attempts: [request.attempt.digest])
        let closed = try #require(Self.apply(.close(close), to: decided).newTail)
        #expect(closed.openDecisions.isEmpty && closed.greatestTruncation == Revision(1))
        #expect(Self.apply(.close(close), to: closed) == .keep(.tail(.live(closed))))
        // An attempt with its home alone leaves nothing to be carried out.
        let alone = TransactionAttempt(
            home: home.collection, writes: [Self.write(51, on: home)], wallMilliseconds: 7)
        let landed = Self.apply(.commit(alone.homeWrite), to: home)
        #expect(landed.newTail?.openDecisions == [])
    }

    private struct NoObjects: LogObjectSource {
        func object(_ key: LogObjectKey) -> LogObject? { nil }
    }

    // protocol: vanished-reads-again
    @Test("What the home says of an attempt: committed, dead, undecided, or that it cannot tell")
    func fate() throws {
        let (home, other) = (Self.tail("zulu"), Self.tail("alpha"))
        let request = Self.attempt(50, home: home, other: other)
        let anchor = request.attempt.anchor
        func fate(_ value: TailValue) throws -> AttemptFate {
            try value.fate(of: anchor, NoObjects())
        }
        #expect(try fate(.live(home)) == .undecided)
        let decided = try #require(Self.apply(.commit(request.homeWrite), to: home).newTail)
        #expect(try fate(.live(decided)) == .committed)
        let lost = TailFunctionTests.grow(home, by: 1).tail
        #expect(try fate(.live(lost)) == .dead)
        let fenced = try #require(Self.apply(.fence(anchor), to: home).newTail)
        #expect(try fate(.live(fenced)) == .dead)
        // The same payload with other participants is another attempt.
        let third = Self.tail("mike")
        let wider = TransactionAttempt(
            home: home.collection,
            writes: [home, other, third].map { Self.write(50, on: $0) }, wallMilliseconds: 7)
        let otherDecision = try #require(Self.apply(.commit(wider.homeWrite), to: home).newTail)
        #expect(try fate(.live(otherDecision)) == .dead)
        var truncated = decided
        truncated.openDecisions = []
        truncated.checkpoint = Checkpoint(Revision(1))
        truncated.truncatedThrough = Revision(1)
        #expect(try fate(.live(truncated)) == .vanished)
        #expect(try fate(.dropped(Sample.ended(1))) == .vanished)
        #expect(try fate(.absent(generation: 0)) == .undecided)
        #if SIMULATION_HOOKS
        let mistaken = try SimulationHooks.$plantedBug.withValue(.vanishedTakenForDead) {
            try fate(.live(truncated))
        }
        #expect(mistaken == .dead, "what was committed is taken back")
        #endif
    }
}
