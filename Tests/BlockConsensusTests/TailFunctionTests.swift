import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// The functions that change a tail (protocol: dedupe-scan, incarnation-everywhere,
/// truncate-then-delete).
@Suite struct TailFunctionTests {
    /// Applies commits one after another and returns the tail and every segment cut from it.
    static func grow(
        _ tail: Tail, by count: Int, policy: TailPolicy = TailPolicy(), size: Int = 10
    ) -> (tail: Tail, segments: [Segment]) {
        var tail = tail
        var segments: [Segment] = []
        for number in 0..<count {
            let attempt = Sample.commit(
                UInt64(number) + 2000, at: tail.revision.next, on: tail, size: size)
            let decision = TailChange.commit(attempt).apply(
                to: .live(tail), isChosen: true, policy: policy)
            switch decision {
            case .replace(.live(let new), _): tail = new
            case .seal(let segment, .live(let new), _):
                segments.append(segment)
                tail = new
            default: Issue.record("entry \(number): \(decision)")
            }
        }
        return (tail, segments)
    }

    @Test("The first creator wins; the second finds the winner's collection")
    func create() throws {
        func creation(_ number: UInt64) -> CreateCollection {
            CreateCollection(
                name: "events", header: CollectionHeader(kind: .diary, encoding: .json),
                creation: Sample.creation(number), nonce: Sample.identifier(number))
        }
        let first = TailChange.create(creation(1)).apply(
            to: .absent(generation: 0), isChosen: true, policy: TailPolicy())
        guard case .replace(let value, .tail(let told)) = first else {
            return #expect(Bool(false), "\(first)")
        }
        #expect(value == told)
        #expect(value.live?.incarnation.generation == 1)
        #expect(value.live?.createdBy == Sample.action(1))
        let second = TailChange.create(creation(2)).apply(
            to: value, isChosen: true, policy: TailPolicy())
        #expect(second == .keep(.tail(value)))
    }

    @Test("An attempt lands only at the revision after the last, once")
    func commit() {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 3).tail
        #expect(tail.revision == Revision(3))
        for target in [1, 2, 3, 5, 6] {
            let attempt = Sample.commit(77, at: Revision(UInt64(target)), on: tail)
            let decision = TailChange.commit(attempt).apply(
                to: .live(tail), isChosen: true, policy: TailPolicy())
            // The open entries were looked through; above the tail there is nothing to look at.
            let landing: CommitRefusal.Landing = target <= 3 ? .absent : .notLookedFor
            let moved = CommitRefusal.moved(landing: landing, .live(tail))
            #expect(decision == .keep(.refused(moved)), "target \(target)")
        }
        let attempt = Sample.commit(77, at: Revision(4), on: tail)
        let decision = TailChange.commit(attempt).apply(
            to: .live(tail), isChosen: true, policy: TailPolicy())
        guard case .replace(.live(let grown), let reply) = decision else {
            return #expect(Bool(false), "\(decision)")
        }
        #expect(reply == .committed(Revision(4), chainHash: grown.lastHash))
        // Run again on the value with its own entry, the function recognises its success.
        let again = TailChange.commit(attempt).apply(
            to: .live(grown), isChosen: true, policy: TailPolicy())
        #expect(again == .keep(reply))
    }

    /// An attempt that has landed at revision 1, and the tail when that is sealed.
    private static func sealed() -> (attempt: CommitAttempt, tail: Tail) {
        let policy = TailPolicy(openEntryCountMax: 2)
        let attempt = Sample.commit(77, at: Revision(1), on: Sample.tail())
        let decision = TailChange.commit(attempt).apply(
            to: .live(Sample.tail()), isChosen: true, policy: policy)
        let landed = decision.newTail ?? Sample.tail()
        return (attempt, TailFunctionTests.grow(landed, by: 3, policy: policy).tail)
    }

    @Test("Of an attempt whose target is sealed nobody says that it did not land")
    func sealedTarget() {
        let (landed, tail) = TailFunctionTests.sealed()
        #expect(tail.revision == Revision(4) && tail.firstOpenRevision > Revision(1))
        let moved = CommitRefusal.moved(landing: .notLookedFor, .live(tail))
        let another = Sample.commit(78, at: Revision(1), on: tail)
        for attempt in [landed, another] {
            let decision = TailChange.commit(attempt).apply(
                to: .live(tail), isChosen: true, policy: TailPolicy())
            #expect(decision == .keep(.refused(moved)))
        }
        // An intent in the way hides nothing of it.
        var held = tail
        held.sharedIntents = [another.attempt.anchor]
        let decision = TailChange.commit(landed).apply(
            to: .live(held), isChosen: true, policy: TailPolicy())
        #expect(decision == .keep(.refused(.moved(landing: .notLookedFor, .live(held)))))
        #if SIMULATION_HOOKS
        SimulationHooks.$plantedBug.withValue(.sealedTakenForLost) {
            let lie = TailChange.commit(landed).apply(
                to: .live(tail), isChosen: true, policy: TailPolicy())
            #expect(lie == .keep(.refused(.moved(landing: .absent, .live(tail)))))
        }
        #endif
    }

    @Test(
        "A value that is written back may carry out the changes that it shows or hides, no others")
    func containment() {
        let (landed, tail) = TailFunctionTests.sealed()
        let absent = TailValue.absent(generation: 0)
        let dropped = TailValue.dropped(Sample.ended(1))
        func isIn(_ change: TailChange, _ values: [TailValue]) -> [Bool] {
            values.map(change.mayBeIn)
        }
        let open = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        let own = Sample.commit(2000, at: Revision(1), on: open)
        #expect(isIn(.commit(own), [.live(open), .live(Sample.tail())]) == [true, false])
        #expect(
            isIn(.commit(landed), [.live(tail), .live(open), dropped]) == [true, false, false])
        func creation(_ number: UInt64) -> TailChange {
            .create(
                CreateCollection(
                    name: tail.name, header: tail.header, creation: Sample.creation(number),
                    nonce: .zero))
        }
        #expect(isIn(creation(1000), [absent, .live(tail), dropped]) == [false, true, true])
        #expect(isIn(creation(9), [absent, .live(tail), dropped]) == [false, false, false])
        func drop(_ number: UInt64) -> TailChange {
            .drop(
                DropCollection(
                    collection: tail.collection, incarnation: tail.incarnation,
                    action: Sample.action(number)))
        }
        // Of a drop that another life hides nobody knows.
        #expect(isIn(drop(2000), [.live(tail), dropped, absent]) == [false, true, true])
        #expect(isIn(drop(9), [.live(tail), dropped]) == [false, false])
        #expect(isIn(.read, [.live(tail), dropped]) == [false, false])
    }

    // protocol: incarnation-everywhere
    @Test("Another life, an absent and a dropped collection are gone")
    func gone() {
        let tail = Sample.tail()
        let attempt = Sample.commit(5, at: Revision(1), on: tail)
        var other = tail
        other.incarnation = Incarnation(generation: 2, nonce: Sample.identifier(8))
        other.lastHash = Entry.initialHash(name: other.name, incarnation: other.incarnation)
        for value in [TailValue.absent(generation: 0), .dropped(Sample.ended(1)), .live(other)] {
            let decision = TailChange.commit(attempt).apply(
                to: value, isChosen: true, policy: TailPolicy())
            #expect(decision == .keep(.refused(.gone(value))))
        }
    }

    #if SIMULATION_HOOKS
    @Test("An attempt that lands in another life is found")
    func plantedLifeIgnored() throws {
        let attempt = Sample.commit(5, at: Revision(1), on: Sample.tail())
        var other = Sample.tail()
        other.incarnation = Incarnation(generation: 2, nonce: Sample.identifier(8))
        other.lastHash = Entry.initialHash(name: other.name, incarnation: other.incarnation)
        let decision = SimulationHooks.$plantedBug.withValue(.lifeIgnored) {
            TailChange.commit(attempt).apply(
                to: .live(other), isChosen: true, policy: TailPolicy())
        }
        #expect(decision.newTail?.revision == Revision(1), "what was meant for the life before")
    }
    #endif

    @Test("An intent of a multi-collection attempt blocks commits and drops")
    func blocked() {
        let tail = Sample.tail()
        let attempt = Sample.commit(5, at: Revision(1), on: tail)
        let foreign = Attempt(
            payload: Sample.payload(6),
            on: Participant(
                collection: tail.collection, incarnation: tail.incarnation, target: Revision(1)))
        var exclusive = tail
        var entry = TailFunctionTests.grow(tail, by: 1).tail.entries[0]
        entry.home = foreign.home
        entry.participants = foreign.participants
        exclusive.exclusiveIntent = Intent(entry: entry)
        var shared = tail
        shared.sharedIntents = [foreign.anchor]
        for value in [TailValue.live(exclusive), .live(shared)] {
            let decision = TailChange.commit(attempt).apply(
                to: value, isChosen: true, policy: TailPolicy())
            #expect(decision == .keep(.refused(.blocked(value))))
            let drop = DropCollection(
                collection: tail.collection, incarnation: tail.incarnation,
                action: Sample.action(2000))
            let dropped = TailChange.drop(drop).apply(
                to: value, isChosen: true, policy: TailPolicy())
            #expect(dropped == .keep(.refused(.blocked(value))))
        }
    }

    // protocol: drop-waits-for-decisions
    @Test("A home with an open decision is not dropped")
    func dropWithOpenDecision() {
        var tail = Sample.tail()
        tail = TailFunctionTests.grow(tail, by: 1).tail
        tail.openDecisions = [
            OpenDecision(attempt: Digest(domain: "optimystic/attempt/1", [1]), target: Revision(1))
        ]
        let drop = DropCollection(
            collection: tail.collection, incarnation: tail.incarnation,
            action: Sample.action(2000))
        let value = TailValue.live(tail)
        let decision = TailChange.drop(drop).apply(to: value, isChosen: true, policy: TailPolicy())
        #expect(decision == .keep(.refused(.blocked(value))))
        #if SIMULATION_HOOKS
        let early = SimulationHooks.$plantedBug.withValue(.dropWithOpenDecision) {
            TailChange.drop(drop).apply(to: value, isChosen: true, policy: TailPolicy())
        }
        #expect(early != decision, "the others of the decision will take it for vanished")
        #endif
        tail.openDecisions = []
        let allowed = TailChange.drop(drop).apply(
            to: .live(tail), isChosen: true, policy: TailPolicy())
        let dropped = TailValue.dropped(Sample.ended(1))
        #expect(allowed == .replace(dropped, .tail(dropped)))
    }

    @Test("A fenced attempt is dead; the fence goes when the revision advances")
    func fenced() {
        var tail = Sample.tail()
        let attempt = Sample.commit(5, at: Revision(1), on: tail)
        tail.aborted = [attempt.attempt.digest]
        let decision = TailChange.commit(attempt).apply(
            to: .live(tail), isChosen: true, policy: TailPolicy())
        #expect(decision == .keep(.refused(.fenced(.live(tail)))))
        let grown = TailFunctionTests.grow(tail, by: 1).tail
        #expect(grown.aborted.isEmpty)
    }

    @Test("`settled` follows what the proposer knew to be chosen, and nothing else")
    func settled() {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 2).tail
        #expect(tail.settled == Revision(1))
        let attempt = Sample.commit(5, at: Revision(3), on: tail)
        let unsure = TailChange.commit(attempt).apply(
            to: .live(tail), isChosen: false, policy: TailPolicy())
        #expect(unsure.newTail?.settled == Revision(1))
        let sure = TailChange.commit(attempt).apply(
            to: .live(tail), isChosen: true, policy: TailPolicy())
        #expect(sure.newTail?.settled == Revision(2))
    }

    @Test("A checkpoint rides in an entry, or is one, and never goes back")
    func checkpoint() {
        var tail = TailFunctionTests.grow(Sample.tail(), by: 4).tail
        let riding = Sample.commit(
            50, at: Revision(5), on: tail, checkpoint: Checkpoint(Revision(3)))
        tail =
            TailChange.commit(riding).apply(
                to: .live(tail), isChosen: true, policy: TailPolicy()
            ).newTail ?? tail
        #expect(tail.checkpoint == Checkpoint(Revision(3)))
        #expect(tail.entries.last?.kind == .actions)
        let alone = CommitAttempt(
            participant: Participant(
                collection: tail.collection, incarnation: tail.incarnation, target: Revision(6)),
            payload: Sample.payload(51), body: EntryBody.empty.canonicalBytes,
            checkpoint: Checkpoint(Revision(2)), wallMilliseconds: 0)
        tail =
            TailChange.commit(alone).apply(
                to: .live(tail), isChosen: true, policy: TailPolicy()
            ).newTail ?? tail
        #expect(tail.revision == Revision(6))
        #expect(tail.entries.last?.kind == .checkpoint)
        #expect(tail.checkpoint == Checkpoint(Revision(3)))
    }

    @Test("A full tail is sealed by the next append, whatever the capacity", arguments: 1...9)
    func seal(capacity: Int) throws {
        let policy = TailPolicy(openEntryCountMax: capacity)
        let (tail, segments) = TailFunctionTests.grow(Sample.tail(), by: 40, policy: policy)
        #expect(segments.count == 39 / capacity)
        let entries = segments.flatMap(\.entries) + tail.entries
        #expect(entries.map(\.revision.rawValue) == Array(1...40))
        var hash = Entry.initialHash(name: tail.name, incarnation: tail.incarnation)
        for entry in entries {
            #expect(entry.previousHash == hash)
            hash = entry.chainHash
        }
        #expect(hash == tail.lastHash)
        for (index, segment) in segments.enumerated() {
            #expect(segment.index == UInt64(index))
            #expect(segment.entries.count == capacity)
            #expect(try Segment(canonicalBytes: segment.canonicalBytes) == segment)
        }
        #expect(
            tail.segments.first?.hash == segments.last.map { Segment.hash(of: $0.canonicalBytes) })
    }

    @Test(
        "Entries of the greatest inline size are sealed by bytes before the tail is over its limit")
    func sealByBytes() {
        let size = Limits.inlineBodyBytesMax - 64
        let (tail, segments) = TailFunctionTests.grow(Sample.tail(), by: 200, size: size)
        #expect(!segments.isEmpty)
        #expect(tail.canonicalBytes.count <= Limits.tailBytesMax)
        for segment in segments {
            #expect(segment.canonicalBytes.count <= Limits.tailBytesMax)
        }
    }

    @Test("Two proposers that seal the same tail write the same bytes")
    func sealIsPure() {
        let tail = TailFunctionTests.grow(Sample.tail(), by: 32).tail
        let segments = [UInt64(5), 6].compactMap { number -> Segment? in
            let attempt = Sample.commit(number, at: Revision(33), on: tail)
            let decision = TailChange.commit(attempt).apply(
                to: .live(tail), isChosen: number == 5, policy: TailPolicy())
            guard case .seal(let segment, _, _) = decision else { return nil }
            return segment
        }
        #expect(segments.count == 2)
        #expect(segments[0].canonicalBytes == segments[1].canonicalBytes)
    }

    @Test("The computed size of an entry is the size of its encoding")
    func entrySize() {
        var entry = TailFunctionTests.grow(Sample.tail(), by: 1).tail.entries[0]
        #expect(entry.byteCount == entry.canonicalBytes.count)
        entry.body = .stored(byteCount: 5000)
        entry.headerAfter = CollectionHeader(kind: .tree, encoding: .json, capacity: 64)
        #expect(entry.byteCount == entry.canonicalBytes.count)
        entry.headerAfter?.root = BlockID(content: [1])
        entry.home = CollectionID(name: "x")
        entry.participants = [
            Participant(
                collection: CollectionID(name: "x"),
                incarnation: Incarnation(generation: 1, nonce: .zero), target: Revision(1))
        ]
        entry.checkpoint = Checkpoint(Revision(3))
        #expect(entry.byteCount == entry.canonicalBytes.count)
    }
}
