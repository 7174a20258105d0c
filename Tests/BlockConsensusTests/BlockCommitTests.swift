import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// One block that every entry of a log writes, under competing coordinators, loss, doubling and
/// death: what is decided can be read, by the rules, for ever.
@Suite("Commits that write blocks")
struct BlockCommitTests {
    private static let name = "tree"
    private static let incarnation = Incarnation(generation: 1, nonce: Sample.identifier(5))
    private static let key = BlockKey(block: BlockID(content: [1]), incarnation: incarnation)
    private static let list = BlockAttribute(1)

    /// The block after the writes of these payloads.
    private static func block(after payloads: [PayloadID]) -> Block {
        var block = Block(
            header: Block.Header(
                id: key.block, type: BlockType("XX"), collection: CollectionID(name: name)))
        block.assign(list, .list(payloads.map { $0.canonicalBytes }))
        return block
    }

    private static func hash(after payloads: [PayloadID]) -> Digest {
        payloads.isEmpty ? .zero : block(after: payloads).digest
    }

    private static func committed(_ payloads: [PayloadID]) -> [CommittedWrite] {
        payloads.enumerated().map {
            CommittedWrite(
                revision: Revision(UInt64($0 + 1)), payload: $1,
                resultHash: hash(after: Array(payloads.prefix($0 + 1))))
        }
    }

    /// The next write after `history`, complete.
    private static func attempt(_ payload: PayloadID, after history: [PayloadID]) -> CommitAttempt {
        let transform =
            history.isEmpty
            ? BlockTransform(insert: block(after: [payload]))
            : BlockTransform(updates: [
                .splice(
                    list, index: history.count, deleteCount: 0,
                    inserted: [payload.canonicalBytes])
            ])
        let record = PendRecord(
            transform: transform.canonicalBytes, baseRevision: Revision(UInt64(history.count)),
            basePayload: history.last, baseHash: hash(after: history),
            resultHash: hash(after: history + [payload]), collection: CollectionID(name: name),
            bound: [])
        let write = BlockWrite(block: key.block, record: record, committed: committed(history))
        let body = EntryBody(
            actions: [Action(id: payload.action, bytes: [1])], blocks: [write.touched])
        return CommitAttempt(
            participant: Participant(
                collection: CollectionID(name: name), incarnation: incarnation,
                target: Revision(UInt64(history.count + 1))),
            payload: payload, body: body.canonicalBytes, writes: [write], wallMilliseconds: 0)
    }

    /// A world after its random time, everything delivered, and the entries that were on less than
    /// a quorum at the moment when somebody first saw that they were chosen.
    private static func run(
        seed: Int
    ) throws -> (world: CoordinatorWorld, thin: Set<Revision>) {
        var found: Set<Revision> = []
        var seenCount = 0
        var world = try CoordinatorWorld(
            seed: UInt64(seed), coordinatorCount: 1 + seed % 3, shardCount: 1 + seed % 4,
            openEntryCountMax: 32)
        let creation = RepositoryRequest.create(
            CreateCollection(
                name: name, header: CollectionHeader(kind: .tree, encoding: .bytes),
                creation: Sample.creation(1), nonce: Sample.identifier(5)))
        var token: UInt64 = 0
        for round in 0..<1800 {
            if round % 20 == 0 {
                token += 1
                let history = history(of: world)
                let request: RepositoryRequest =
                    switch world.generator.below(round % 100 == 0 ? 1 : 8) {
                    case 0: creation
                    case 1: .readTail(CollectionID(name: name))
                    case 2 where !history.isEmpty:
                        finalise(1 + world.generator.below(history.count), of: history)
                    default: .commit(attempt(Sample.payload(100 + token), after: history))
                    }
                ask(&world, request, token)
            }
            world.step()
            guard world.chosen.count > seenCount else { continue }
            seenCount = world.chosen.count
            found.formUnion(thin(world))
        }
        world.deliverAll()
        ask(&world, .readTail(CollectionID(name: name)), 0)
        world.deliverAll()
        return (world, found.union(thin(world)))
    }

    private static func ask(
        _ world: inout CoordinatorWorld, _ request: RepositoryRequest, _ token: UInt64
    ) {
        let index = world.generator.below(world.coordinators.count)
        let deadline = world.now.advanced(by: .seconds(3))
        world.feed(
            .request(Coordinator.Token(rawValue: token), request, deadline: deadline), to: index)
    }

    private static func finalise(_ revision: Int, of history: [PayloadID]) -> RepositoryRequest {
        let write = committed(history)[revision - 1]
        return .finalise(
            FinaliseEntry(
                collection: CollectionID(name: name), incarnation: incarnation,
                revision: write.revision, payload: write.payload,
                blocks: [WrittenBlock(block: key.block, resultHash: write.resultHash)]))
    }

    /// The payloads of revisions 1, 2, … as far as they are known without a gap.
    private static func history(of world: CoordinatorWorld) -> [PayloadID] {
        var history: [PayloadID] = []
        while let next = world.chosen[Revision(UInt64(history.count + 1))] { history.append(next) }
        return history
    }

    /// Entries whose pend or version is on less than a quorum (protocol: pends-before-decision).
    private static func thin(_ world: CoordinatorWorld) -> [Revision] {
        committed(history(of: world)).filter { write in
            let holders = world.stores.values.count { store in
                store.pends[PendKey(key, payload: write.payload)] != nil
                    || store.versions[key]?[write.revision]?.payload == write.payload
            }
            return holders < 2
        }.map(\.revision)
    }

    @Test("What was decided is on a quorum and reads right at every revision", arguments: 0..<60)
    func decidedIsReadable(seed: Int) throws {
        var (world, thin) = try Self.run(seed: seed)
        let history = Self.history(of: world)
        #expect(history.count >= 2, "the world stood still: it proves nothing")
        #expect(thin.isEmpty)
        for (store, revision) in world.stores.values.flatMap({ store in
            (store.versions[Self.key] ?? [:]).keys.map { (store, $0) }
        }) {
            let payload = store.versions[Self.key]?[revision]?.payload
            #expect(payload == world.chosen[revision], "a version of what was not decided")
        }
        for count in 1...history.count {
            let known = Array(history.prefix(count))
            let request = BlockReadRequest(
                key: Self.key, revision: Revision(UInt64(count)), committed: Self.committed(known),
                collection: CollectionID(name: Self.name))
            Self.ask(&world, .readBlock(request), UInt64(10_000 + count))
        }
        world.deliverAll()
        for count in 1...history.count {
            let copy = world.blocks[UInt64(10_000 + count)] ?? nil
            let known = Array(history.prefix(count))
            #expect(copy?.bytes == Self.block(after: known).canonicalBytes)
        }
    }

    @Test("What is finalised on a quorum reads right without a list", arguments: 0..<20)
    func finalisedNeedsNoList(seed: Int) throws {
        var world = try Self.run(seed: seed).world
        let history = Self.history(of: world)
        for revision in 1...history.count {
            Self.ask(
                &world, Self.finalise(revision, of: history), UInt64(20_000 + revision))
            world.deliverAll()
            #expect(world.finalised.contains(UInt64(20_000 + revision)))
        }
        // Any one replica may be gone.
        let lost = world.map.peers[seed % 3].id
        world.peers[lost] = nil
        for revision in 1...history.count {
            let request = BlockReadRequest(key: Self.key, revision: Revision(UInt64(revision)))
            Self.ask(&world, .readBlock(request), UInt64(30_000 + revision))
        }
        world.deliverAll()
        for revision in 1...history.count {
            let copy = world.blocks[UInt64(30_000 + revision)] ?? nil
            #expect(copy?.write.resultHash == Self.hash(after: Array(history.prefix(revision))))
        }
    }

    @Test("A payload id that came with two contents reads as the one the log lists")
    func twoContents() throws {
        let payload = Sample.payload(7)
        let decided = Self.attempt(payload, after: [])
        let other = Self.attempt(Sample.payload(8), after: [])
        for seed in 0..<12 {
            var world = try CoordinatorWorld(seed: UInt64(seed), coordinatorCount: 1)
            for (index, peer) in world.map.peers.enumerated() {
                // Two pended what was decided, the third other content under the same id.
                var record = (index == 2 ? other : decided).writes[0].record
                record.bind(Revision(1))
                let pend = PendKey(Self.key, payload: payload)
                world.stores[peer.id]?.apply(.pend(pend, record))
            }
            let list = Self.committed([payload])
            let request = BlockReadRequest(
                key: Self.key, revision: Revision(1), committed: list,
                collection: CollectionID(name: Self.name))
            world.know(
                [
                    (
                        payload,
                        [WrittenBlock(block: Self.key.block, resultHash: list[0].resultHash)]
                    )
                ], of: Self.name, Self.incarnation)
            Self.ask(&world, .readBlock(request), 1)
            world.deliverAll()
            let copy = try #require(world.blocks[1] ?? nil)
            #expect(copy.write == list[0])
            #expect(copy.bytes == Self.block(after: [payload]).canonicalBytes)
            #expect(world.stores[world.map.peers[2].id]?.versions[Self.key] == nil)
        }
    }

    @Test("An audit says of every replica what it holds of a block, and hands out one good copy")
    func audit() throws {
        var world = try CoordinatorWorld(seed: 4, coordinatorCount: 1)
        let payload = Sample.payload(7)
        let attempt = Self.attempt(payload, after: [])
        let write = Self.committed([payload])[0]
        let image = Self.block(after: [payload]).canonicalBytes
        let peers = world.map.peers.map(\.id)
        var record = attempt.writes[0].record
        record.bind(Revision(1))
        let pend = OutstandingPend(
            payload: payload, target: Revision(1), resultHash: write.resultHash)
        var version = VersionRecord(
            revision: Revision(1), payload: payload, baseRevision: .zero,
            transform: record.transform, resultHash: write.resultHash, content: .image(image))
        world.stores[peers[0]]?.apply(.version(Self.key, version))
        world.stores[peers[1]]?.apply(.pend(PendKey(Self.key, payload: payload), record))
        version.content = .image(Self.block(after: [Sample.payload(8)]).canonicalBytes)
        world.stores[peers[2]]?.apply(.version(Self.key, version))
        let request = RepositoryRequest.audit(.block(Self.key, Revision(3)))
        Self.ask(&world, request, 1)
        world.deliverAll()
        let audit = try #require(world.audits[1])
        #expect(audit.copy == image)
        let states = audit.reports.map(\.state)
        #expect(states[0] == .holdsBlock(BlockHolding(version: write, pends: [])))
        #expect(states[1] == .holdsBlock(BlockHolding(version: nil, pends: [pend])))
        guard case .refuses(let error) = states[2] else {
            Issue.record("a damaged version is held: \(states[2])")
            return
        }
        #expect(error.code == .corrupted)
        world.peers[peers[0]] = nil
        world.stores[peers[1]] = MemoryPeerStore()
        Self.ask(&world, request, 2)
        world.deliverAll()
        let later = try #require(world.audits[2])
        #expect(later.copy == nil && later.reports[0].state == .unreachable)
        #expect(later.reports[1].state == .lacks)
    }

    @Test("What an audit finds lacking at one replica is there at the next audit")
    func heals() throws {
        var world = try CoordinatorWorld(seed: 4, coordinatorCount: 1)
        let peers = world.map.peers.map(\.id)
        let bytes: Bytes = [1, 2, 3]
        let content = BlockID(content: bytes)
        let payload = Sample.payload(7)
        let attempt = Self.attempt(payload, after: [])
        let write = Self.committed([payload])[0]
        let version = VersionRecord(
            revision: Revision(1), payload: payload, baseRevision: .zero,
            transform: attempt.writes[0].record.transform, resultHash: write.resultHash,
            content: .image(Self.block(after: [payload]).canonicalBytes))
        for peer in peers.dropFirst() {
            world.stores[peer]?.apply(.content(content, bytes))
            world.stores[peer]?.apply(.version(Self.key, version))
        }
        let targets: [AuditTarget] = [.content(content), .block(Self.key, Revision(1))]
        for (number, target) in targets.enumerated() {
            let token = UInt64(10 * number)
            Self.ask(&world, .audit(target), token + 1)
            world.deliverAll()
            let first = try #require(world.audits[token + 1])
            #expect(first.reports[0].state == .lacks)
            Self.ask(&world, .audit(target), token + 2)
            world.deliverAll()
            let second = try #require(world.audits[token + 2])
            #expect(second.reports[0].state == second.reports[1].state)
        }
        // Nobody has it: there is nothing to send.
        Self.ask(&world, .audit(.content(BlockID(content: [9]))), 99)
        world.deliverAll()
        let none = try #require(world.audits[99])
        #expect(none.reports.allSatisfy { $0.state == .lacks } && none.copy == nil)
    }

    @Test("A body that does not list what is written is refused")
    func unlisted() throws {
        var world = try CoordinatorWorld(seed: 1, coordinatorCount: 1)
        let good = Self.attempt(Sample.payload(7), after: [])
        let liar = CommitAttempt(
            participant: good.participant, payload: good.payload,
            body: EntryBody(actions: [Action(id: good.payload.action, bytes: [1])]).canonicalBytes,
            writes: good.writes, wallMilliseconds: 0)
        let header = CommitAttempt(
            participant: good.participant, payload: good.payload, body: good.body,
            writes: good.writes, headerAfter: CollectionHeader(kind: .tree, encoding: .bytes),
            wallMilliseconds: 0)
        for attempt in [liar, header] {
            let directives = world.coordinators[0].receive(
                .request(
                    Coordinator.Token(rawValue: 1), .commit(attempt), deadline: .distantFuture),
                now: .origin)
            #expect(directives.count == 1)
            guard case .respond(_, .failed(let error))? = directives.first else {
                Issue.record("not refused")
                continue
            }
            #expect(error.code == .invalidArgument)
        }
    }

    #if SIMULATION_HOOKS
    // protocol: pends-before-decision
    @Test("Deciding before the pends are durable is found")
    func decideBeforePends() throws {
        let found = try SimulationHooks.$plantedBug.withValue(.decideBeforePends) {
            try (0..<120).contains { seed in try !Self.run(seed: seed).thin.isEmpty }
        }
        #expect(found)
    }
    #endif
}
