import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("The walk of a scrub")
struct ScrubWalkTests {
    private let interval = Duration.seconds(5)

    @Test("One page is under way at a time, and the next is due an interval after its end")
    func pace() {
        var now = Instant.origin
        var walk = ScrubWalk(shardCount: 3, firstShard: 7, interval: interval, now: now)
        #expect(walk.next(now: now) == nil)
        now = now.advanced(by: interval)
        #expect(walk.dueAt == now)
        #expect(walk.next(now: now) == page(of: 1))
        #expect(walk.dueAt == nil && walk.next(now: now.advanced(by: .seconds(60))) == nil)
        now = now.advanced(by: .seconds(60))
        walk.ended(with: .scrubbed(ScrubReport()), now: now)
        #expect(walk.dueAt == now.advanced(by: interval))
    }

    @Test("Pages of a shard follow one another, then come the other shards, for ever")
    func order() {
        var now = Instant.origin
        var walk = ScrubWalk(shardCount: 3, firstShard: 2, interval: interval, now: now)
        var more = ScrubReport()
        more.next = VersionPosition(
            key: BlockKey(
                block: BlockID(content: [1]),
                incarnation: Incarnation(generation: 1, nonce: Identifier128(5))),
            revision: Revision(4))
        let failure = RepositoryReply.failed(DatabaseError(.quorumUnavailable, "nobody"))
        let steps: [(RepositoryRequest, RepositoryReply)] = [
            (page(of: 2), .scrubbed(more)), (page(of: 2, after: more.next), .scrubbed(more)),
            (page(of: 2, after: more.next), .scrubbed(ScrubReport())), (page(of: 0), failure),
            (page(of: 1), .scrubbed(more)), (page(of: 1, after: more.next), failure),
            (page(of: 2), .scrubbed(ScrubReport())),
        ]
        for (request, reply) in steps {
            now = now.advanced(by: interval)
            #expect(walk.next(now: now) == request)
            walk.ended(with: reply, now: now)
        }
    }

    private func page(of shard: UInt32, after: VersionPosition? = nil) -> RepositoryRequest {
        .scrub(
            ShardID(rawValue: shard), after: after, countMax: UInt32(Limits.scrubPageCountMax))
    }
}
