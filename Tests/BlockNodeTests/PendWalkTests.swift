import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import Testing

@Suite("The walk over pends")
struct PendWalkTests {
    private static let name = "tree"
    private let block = BlockID(content: [1])

    /// A world with a collection at revision 1.
    private func world() throws -> (world: CrashWorld, Incarnation) {
        var world = try CrashWorld()
        let open = OpenCollection(
            name: Self.name, kind: .tree, encoding: .bytes,
            creation:
                Creation(action: ActionID(rawValue: Identifier128(1)), generation: 0), capacity: 4)
        world.ask(0, 1, .openCollection(open), for: .seconds(5))
        try world.run(for: .seconds(1))
        guard case .collection(let info)? = world.answers[1] else {
            throw DatabaseError(.internalError, "not created")
        }
        let put = TreeAction(operations: [.put(key: [1], value: [1])])
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation,
            action: ActionID(rawValue: Identifier128(2)), firstRevision: .zero,
            content: .tree(put))
        world.ask(0, 2, .act(request), for: .seconds(5))
        try world.run(for: .seconds(1))
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
        return (world, info.incarnation)
    }

    private func request(
        _ number: Int, targets: [UInt64], _ incarnation: Incarnation
    ) -> PendRequest {
        let block = Block(
            header: Block.Header(
                id: block, type: BlockType("XX"), collection: CollectionID(name: Self.name)))
        return PendRequest(
            key: BlockKey(block: self.block, incarnation: incarnation),
            payload: PayloadID(
                action: ActionID(rawValue: Identifier128(UInt128(number))), execution: 0),
            target: Revision(targets[0]),
            record: PendRecord(
                transform: BlockTransform(insert: block).canonicalBytes, baseRevision: .zero,
                basePayload: nil, baseHash: .zero, resultHash: block.digest,
                collection: CollectionID(name: Self.name), bound: targets.map { Revision($0) }))
    }

    /// Keeps pends on some peers.
    private func keep(
        _ requests: [PendRequest], in world: CrashWorld, peerCount: Int = 3
    ) throws {
        for peer in world.map.peers.prefix(peerCount) {
            let repository = try #require(world.repositories[peer.id])
            for request in requests {
                let key = PendKey(request.key, payload: request.payload)
                try repository.apply(.pend(key, request.record))
            }
            try repository.commitCycle()
        }
    }

    private func refusal(_ request: PendRequest, _ world: CrashWorld) throws -> ErrorCode? {
        let repository = try #require(world.repositories[world.map.peers[0].id])
        var replica = BlockReplica(request.key, view: repository)
        do throws(DatabaseError) {
            _ = try replica.pend(request)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A block full of dead attempts takes new ones after the walk")
    func deadAttempts() throws {
        var (world, incarnation) = try world()
        let dead = (0..<Limits.blockPendCountMax).map {
            request(100 + $0, targets: [1], incarnation)
        }
        try keep(dead, in: world)
        let next = request(1, targets: [2], incarnation)
        #expect(try refusal(next, world) == .overloaded)
        try world.walkPends(coordinator: 1)
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
        #expect(try refusal(next, world) == nil)
    }

    @Test(
        "What may still land is left alone at first, and only the targets that are decided go"
    )
    func undecided() throws {
        var (world, incarnation) = try world()
        let requests = [
            request(100, targets: [2], incarnation), request(101, targets: [1, 2], incarnation),
            request(102, targets: [1], incarnation),
            request(103, targets: [1, 7, 900], incarnation),
        ]
        try keep(requests, in: world, peerCount: 2)
        for _ in 0..<3 { try world.walkPends(coordinator: 0) }
        for peer in world.map.peers.prefix(2) {
            let repository = try #require(world.repositories[peer.id])
            let bounds = try repository.pends(of: requests[0].key).map { $0.record.bound }
            #expect(bounds == [[2], [2], [7, 900]].map { $0.map { Revision($0) } })
        }
    }

    @Test(
        "Walks beside writers who race take nothing that lands, and leave nothing",
        arguments: 0..<12)
    func races(seed: Int) throws {
        var (world, incarnation) = try world()
        world.disorder = SeededGenerator(seed: UInt64(seed) + 1)
        world.startWalks()
        let tokens = 10..<50 as Range<UInt64>
        for token in tokens {
            let put = TreeAction(operations: [
                .put(key: [UInt8(token % 7), UInt8(token)], value: [UInt8(token)])
            ])
            let request = ActionRequest(
                collection: CollectionID(name: Self.name), incarnation: incarnation,
                action: ActionID(rawValue: Identifier128(UInt128(token))),
                firstRevision: Revision(1), content: .tree(put))
            world.ask(Int(token % 2), token, .act(request), for: .seconds(4))
            if token % 4 == 1 { try world.run(for: .milliseconds(3)) }
        }
        try world.run(for: .seconds(6))
        world.disorder = nil
        try world.run(for: .seconds(5))
        let read = TreeReadRequest(
            collection: CollectionID(name: Self.name), incarnation: incarnation,
            query: .range(.all, .forward, bytesMax: 1 << 20, countMax: 1000))
        world.ask(0, 1000, .readTree(read), for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[1000] != nil }
        guard case .treePage(let page)? = world.answers[1000] else {
            Issue.record("\(String(describing: world.answers[1000]))")
            return
        }
        let found = Set(page.entries.map(\.value))
        for token in tokens {
            switch world.answers[token] {
            case .acted: #expect(found.contains([UInt8(token)]))
            case .failed(let error) where error.outcome == .notApplied:
                #expect(!found.contains([UInt8(token)]))
            default: break
            }
        }
        #expect(found.count > 20 && world.settledCount > 0)
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
    }

    /// The attempt that a pend of ``request(_:targets:_:)`` is part of, and that may come late.
    private func attempt(
        of pend: PendRequest, policy: PendingPolicy = .proceed
    ) -> CommitAttempt {
        let write = BlockWrite(
            block: block,
            record: PendRecord(
                transform: pend.record.transform, baseRevision: .zero, basePayload: nil,
                baseHash: .zero, resultHash: pend.record.resultHash,
                collection: pend.record.collection,
                bound: []))
        let body = EntryBody(
            actions: [Action(id: pend.payload.action, bytes: [1])], blocks: [write.touched])
        return CommitAttempt(
            participant: Participant(
                collection: pend.record.collection, incarnation: pend.key.incarnation,
                target: pend.target),
            payload: pend.payload, body: body.canonicalBytes, writes: [write],
            pendingPolicy: policy, wallMilliseconds: 0)
    }

    private func commit(
        _ attempt: CommitAttempt, _ token: UInt64, _ world: inout CrashWorld
    ) throws -> ClientReply? {
        world.ask(0, token, .commit(attempt), for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[token] != nil }
        return world.answers[token]
    }

    @Test(
        "A dead transactor's pend at the next revision stops nobody after the walk, and is fenced")
    func fences() throws {
        var (world, incarnation) = try world()
        let dead = request(100, targets: [2], incarnation)
        try keep([dead], in: world)
        let mine = attempt(of: request(200, targets: [2], incarnation), policy: .fail)
        guard case .refused(.pending)? = try commit(mine, 10, &world) else {
            Issue.record("it is in the way")
            return
        }
        // Long enough to be visited again after the politeness.
        try world.walkPends(coordinator: 1, rounds: 14)
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
        // The transactor was not dead after all: its accept comes too late.
        guard case .refused(.fenced(.live(let tail)))? = try commit(attempt(of: dead), 11, &world)
        else {
            Issue.record("it was not fenced: \(String(describing: world.answers[11]))")
            return
        }
        #expect(tail.revision == Revision(1) && tail.aborted.count == 1)
        // Its own pends are given up at once, and whoever waited gets through.
        #expect(
            try commit(mine, 12, &world).map { if case .committed = $0 { true } else { false } }
                == true)
    }

    @Test("What lands while its pend is looked at is finalised, not taken away")
    func landsMeanwhile() throws {
        var (world, incarnation) = try world()
        let late = request(100, targets: [2], incarnation)
        try keep([late], in: world)
        try world.walkPends(coordinator: 1, rounds: 4)
        guard case .committed(Revision(2), _)? = try commit(attempt(of: late), 10, &world) else {
            Issue.record("\(String(describing: world.answers[10]))")
            return
        }
        try world.walkPends(coordinator: 1, rounds: 14)
        for repository in world.repositories.values {
            #expect(repository.statistics.pendCount == 0)
            let version = try repository.version(of: late.key, at: Revision(2))
            #expect(version?.payload == late.payload)
        }
    }

    // protocol: fence-before-discard
    @Test("Discarding without a fence is found: what lands then has no content")
    func withoutFence() throws {
        try SimulationHooks.$plantedBug.withValue(.discardWithoutFence) {
            var (world, incarnation) = try world()
            let late = request(100, targets: [2], incarnation)
            try keep([late], in: world)
            try world.walkPends(coordinator: 1, rounds: 14)
            #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
            // An accept that was under way all the time: the decision without its pends.
            var alone = attempt(of: late)
            alone = CommitAttempt(
                participant: alone.participant, payload: alone.payload, body: alone.body,
                wallMilliseconds: 0)
            let decision = TailChange.commit(alone).apply(
                to: try tail(&world), isChosen: true, policy: TailPolicy())
            #expect(decision.newTail?.revision == Revision(2), "nothing stops it")
        }
    }

    @Test("With the fence the same decision is refused")
    func withFence() throws {
        var (world, incarnation) = try world()
        let late = request(100, targets: [2], incarnation)
        try keep([late], in: world)
        try world.walkPends(coordinator: 1, rounds: 14)
        let value = try tail(&world)
        let decision = TailChange.commit(attempt(of: late)).apply(
            to: value, isChosen: true, policy: TailPolicy())
        #expect(decision == .keep(.refused(.fenced(value))))
    }

    private func tail(_ world: inout CrashWorld) throws -> TailValue {
        world.ask(coordinator: 0, 77, .readTail(CollectionID(name: Self.name)))
        try world.run(for: .seconds(3)) { $0.ownAnswers[77] != nil }
        guard case .tail(let value)? = world.ownAnswers[77] else {
            throw DatabaseError(.internalError, "no tail")
        }
        return value
    }

    @Test("Of a life that is over nothing stays")
    func dropped() throws {
        var (world, incarnation) = try world()
        try keep([request(100, targets: [2, 3, 4], incarnation)], in: world)
        world.ask(0, 3, .dropCollection(CrashWorld.drop(Self.name, incarnation)), for: .seconds(5))
        try world.run(for: .seconds(1))
        #expect(world.answers[3] == .dropped)
        try world.walkPends(coordinator: 0)
        #expect(world.repositories.values.allSatisfy { $0.statistics.pendCount == 0 })
    }

    @Test("It rests where there is nothing to do, and goes on after a failure")
    func pace() {
        var now = Instant.origin
        var walk = PendWalk(shardCount: 2, firstShard: 3, interval: .seconds(1), now: now)
        #expect(walk.next(now: now) == nil)
        let failure = RepositoryReply.failed(DatabaseError(.quorumUnavailable, "nobody"))
        for shard in [1, 0, 1] as [UInt32] {
            now = now.advanced(by: .seconds(1))
            #expect(walk.dueAt == now)
            #expect(
                walk.next(now: now)
                    == .repository(
                        .listPends(
                            ShardID(rawValue: shard), after: nil,
                            countMax: UInt32(Limits.pendPageCountMax))))
            #expect(walk.dueAt == nil && walk.next(now: now) == nil)
            let answer = shard == 1 ? failure : .pends([], next: nil)
            #expect(walk.received(answer, now: now) == nil)
        }
    }
}
