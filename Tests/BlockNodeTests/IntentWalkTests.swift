import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// The walk over the tails of all collections.
@Suite struct IntentWalkTests {
    private static func tail(_ name: String, decisionCount: UInt64) -> Tail {
        var tail = Tail(
            name: name, incarnation: Incarnation(generation: 1, nonce: .zero),
            header: CollectionHeader(kind: .diary, encoding: .bytes),
            createdBy: ActionID(rawValue: .zero))
        tail.openDecisions = (0..<decisionCount).map {
            OpenDecision(
                attempt: Digest(domain: "optimystic/attempt/1", [UInt8($0)]),
                target: Revision($0 + 1))
        }
        return tail
    }

    @Test("Page after page, every tail with something to resolve is handed over, and no other")
    func walk() throws {
        var walk = IntentWalk(interval: .seconds(1), now: .origin)
        #expect(walk.next(now: .origin) == nil)
        var now = Instant.origin.advanced(by: .seconds(1))
        guard case .listCollections(after: nil, _)? = walk.next(now: now) else {
            Issue.record("no page is asked for")
            return
        }
        #expect(walk.next(now: now) == nil, "one page at a time")
        let (idle, busy, other) = (
            Self.tail("idle", decisionCount: 0), Self.tail("busy", decisionCount: 2),
            Self.tail("other", decisionCount: 1)
        )
        let page = [idle, busy, other].map { TailValue.live($0) } + [.absent(generation: 3)]
        var found: [Upkeep] = []
        var request = walk.received(
            .collections(page, next: idle.collection), now: now)
        while let upkeep = request {
            found.append(upkeep)
            request = walk.resolveNext(now: now)
        }
        #expect(Set(found) == [.resolveIntents(busy), .resolveIntents(other)])
        // It rests, and goes on behind the page; one that fails is begun again.
        #expect(walk.dueAt == now.advanced(by: .seconds(1)))
        now = now.advanced(by: .seconds(2))
        guard case .listCollections(after: let cursor, _)? = walk.next(now: now) else {
            Issue.record("no second page")
            return
        }
        #expect(cursor == idle.collection)
        let error = DatabaseError(.quorumUnavailable, "nobody is there")
        #expect(walk.received(.failed(error), now: now) == nil)
        now = now.advanced(by: .seconds(2))
        guard case .listCollections(after: nil, _)? = walk.next(now: now) else {
            Issue.record("it does not begin again")
            return
        }
    }
}
