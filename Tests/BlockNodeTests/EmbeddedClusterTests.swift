import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import Testing

/// An embedded cluster on a simulated disk, under a clock that the test moves.
private struct EmbeddedWorld {
    let disk: SimulatedDisk
    var engine: FaultEngine
    private var cluster: EmbeddedCluster
    private var now = Instant.origin
    private var lastToken: UInt64 = 0
    private let seed: UInt64

    /// Opens the disk as a new process does.
    init(on disk: SimulatedDisk, plan: FaultPlan = FaultPlan(), seed: UInt64) throws {
        self.disk = disk
        self.seed = seed
        engine = FaultEngine(disk: disk, plan: plan, generator: SeededGenerator(seed: seed))
        let peer = PeerID(rawValue: Identifier128(7))
        let map = try EmbeddedCluster.map(
            cluster: ClusterID(rawValue: Identifier128(9)), peer: peer)
        let cycle = StoragePeerCycle(
            identity: peer, map: map, repository: try StorageRepository(engine: engine),
            journal: nil)
        var generator = SeededGenerator(seed: seed)
        var draws: [UInt64] = []
        for _ in 0..<16 { draws.append(generator.next()) }
        let source = Draws(draws)
        let environment = Environment(
            now: { .origin }, wallMilliseconds: { 0 }, entropy: { source.next() })
        cluster = EmbeddedCluster(map: map, cycle: cycle, environment: environment)
    }

    /// Asks all at once, and turns until everybody has an answer.
    mutating func ask(_ requests: [ClientRequest]) throws -> [ClientReply] {
        let deadline = now.advanced(by: .seconds(5))
        var tokens: [UInt64] = []
        var asked: [EmbeddedCluster.Request] = []
        for request in requests {
            lastToken += 1
            tokens.append(lastToken)
            asked.append(
                EmbeddedCluster.Request(token: lastToken, request: request, deadline: deadline))
        }
        var replies: [UInt64: ClientReply] = [:]
        for _ in 0..<1000 where replies.count < requests.count {
            for (token, reply) in try cluster.turn(asked, now: now) { replies[token] = reply }
            asked = []
            if let wake = cluster.nextWake { now = max(now, wake) }
        }
        return tokens.compactMap { replies[$0] }
    }

    /// Lets time pass in which nobody asks.
    mutating func pass(_ time: Duration) throws {
        let end = now.advanced(by: time)
        while let wake = cluster.nextWake, wake <= end {
            now = max(now, wake)
            _ = try cluster.turn([], now: now)
        }
        now = max(now, end)
    }

    mutating func ask(_ request: ClientRequest) throws -> ClientReply {
        try #require(try ask([request]).first)
    }
}

/// Entropy of a test.
private final class Draws: @unchecked Sendable {
    // SAFETY: one test, one thread.
    private var values: [UInt64]
    private var count = 0
    init(_ values: [UInt64]) { self.values = values }
    func next() -> UInt64 {
        count += 1
        return values[count % values.count] &+ UInt64(count)
    }
}

extension EmbeddedWorld {
    /// Opens the tree, creating it with leaves so small that it splits at once.
    fileprivate mutating func openTree() throws -> CollectionInfo {
        let open = OpenCollection(
            name: "letters", kind: .tree, encoding: .bytes,
            creation:
                Creation(
                    action: ActionID(rawValue: Identifier128(UInt128(seed) << 32)), generation: 0),
            capacity: 4)
        guard case .collection(let info) = try ask(.openCollection(open)) else {
            throw DatabaseError(.internalError, "the tree does not open")
        }
        return info
    }

    fileprivate func put(_ key: UInt8, _ info: CollectionInfo) -> ClientRequest {
        let action = TreeAction(operations: [.put(key: [key], value: [key, key])])
        return .act(
            ActionRequest(
                collection: info.collection, incarnation: info.incarnation,
                action: ActionID(rawValue: Identifier128(UInt128(seed) << 32 + UInt128(key) + 1)),
                firstRevision: .zero, content: .tree(action)))
    }

    /// The keys, in the order of the tree; each must have its value.
    fileprivate mutating func keys(_ info: CollectionInfo) throws -> [UInt8] {
        let query = TreeQuery.range(
            .all, .forward, bytesMax: UInt32(Limits.pageBytesMax), countMax: 1000)
        let read = TreeReadRequest(
            collection: info.collection, incarnation: info.incarnation, query: query)
        guard case .treePage(let page) = try ask(.readTree(read)), page.isLast else {
            throw DatabaseError(.internalError, "the tree cannot be read")
        }
        for entry in page.entries { #expect(entry.value == [entry.key[0], entry.key[0]]) }
        return page.entries.map { $0.key[0] }
    }
}

@Suite("Embedded cluster") struct EmbeddedClusterTests {
    /// An attempt on a block of its own.
    private func attempt(
        _ number: UInt64, at target: UInt64, _ info: CollectionInfo, policy: PendingPolicy
    ) -> CommitAttempt {
        let block = Block(
            header: Block.Header(
                id: BlockID(content: [7]), type: BlockType("XX"), collection: info.collection))
        let write = BlockWrite(
            block: block.id,
            record: PendRecord(
                transform: BlockTransform(insert: block).canonicalBytes, baseRevision: .zero,
                basePayload: nil, baseHash: .zero, resultHash: block.digest,
                collection: info.collection, bound: []))
        let id = ActionID(rawValue: Identifier128(1 << 100 | UInt128(number)))
        let body = EntryBody(actions: [Action(id: id, bytes: [1])], blocks: [write.touched])
        return CommitAttempt(
            participant: Participant(
                collection: info.collection, incarnation: info.incarnation,
                target: Revision(target)),
            payload: PayloadID(action: id, execution: 0), body: body.canonicalBytes,
            writes: [write], pendingPolicy: policy, wallMilliseconds: 0)
    }

    @Test("An attempt that nobody goes on with is fenced and cleared away here as well")
    func fences() throws {
        var world = try EmbeddedWorld(on: SimulatedDisk(), seed: 1)
        let info = try world.openTree()
        // It aims too far, leaves its pend, and is the next one after one more entry.
        guard
            case .refused(.moved) = try world.ask(
                .commit(attempt(1, at: 2, info, policy: .proceed)))
        else {
            Issue.record("it landed")
            return
        }
        guard case .acted = try world.ask(world.put(1, info)),
            case .refused(.pending) = try world.ask(
                .commit(attempt(2, at: 2, info, policy: .fail)))
        else {
            Issue.record("nothing is in the way")
            return
        }
        try world.pass(.seconds(30))
        guard case .committed = try world.ask(.commit(attempt(2, at: 2, info, policy: .fail)))
        else {
            Issue.record("it is still in the way")
            return
        }
        guard case .refused = try world.ask(.commit(attempt(1, at: 2, info, policy: .proceed)))
        else {
            Issue.record("it landed late")
            return
        }
    }

    @Test("A commit costs one sync, pends and prepare included, and so does a group of writes")
    func oneSync() throws {
        var world = try EmbeddedWorld(on: SimulatedDisk(), seed: 1)
        let info = try world.openTree()
        for key in UInt8(0)..<40 {
            let before = world.engine.counters.syncs
            guard case .acted = try world.ask(world.put(key, info)) else {
                Issue.record("\(key) was not written")
                return
            }
            // The second may be of finalising entries before.
            #expect((1...2).contains(world.engine.counters.syncs - before))
        }
        let before = world.engine.counters.syncs
        let replies = try world.ask((UInt8(40)..<200).map { world.put($0, info) })
        #expect(replies.count == 160)
        #expect((1...2).contains(world.engine.counters.syncs - before))
        #expect(try world.keys(info) == Array(0..<200))
    }

    @Test(
        "Wherever the process dies, what was acknowledged is there and the tree is whole",
        arguments: [
            FaultPlan.UnsyncedFate.survive, .lost, .prefixSurvives, .anySubsetSurvives,
        ])
    func crashes(fate: FaultPlan.UnsyncedFate) throws {
        var moment: UInt64 = 1
        var isThrough = false
        while !isThrough {
            isThrough = true
            for isSync in [false, true] {
                var plan = FaultPlan()
                plan.unsyncedFate = fate
                if isSync { plan.crashAtSync = moment } else { plan.crashAtWrite = moment }
                if try dies(under: plan, seed: moment) { isThrough = false }
            }
            moment += 1
        }
        #expect(moment > 20, "only \(moment) moments to die at")
    }

    /// Writes until the process dies, opens the disk again and looks.
    /// - Returns: Whether it died.
    private func dies(under plan: FaultPlan, seed: UInt64) throws -> Bool {
        let disk = SimulatedDisk()
        var acknowledged: [UInt8] = []
        var hasDied = false
        do {
            var world = try EmbeddedWorld(on: disk, plan: plan, seed: seed)
            let info = try world.openTree()
            for key in UInt8(0)..<24 {
                guard case .acted = try world.ask(world.put(key &* 37 % 24, info)) else {
                    Issue.record("\(key) was refused")
                    break
                }
                acknowledged.append(key &* 37 % 24)
            }
        } catch is SimulatedCrash {
            hasDied = true
        }
        var world = try EmbeddedWorld(on: disk, seed: seed + 1000)
        let info = try world.openTree()
        let found = try world.keys(info)
        #expect(found == found.sorted())
        #expect(Set(found).isSuperset(of: acknowledged))
        #expect(found.count <= acknowledged.count + 1, "what was not sent is there")
        // It goes on: everything can be written.
        for key in UInt8(0)..<24 { _ = try world.ask(world.put(key, info)) }
        #expect(try world.keys(info) == Array(0..<24))
        return hasDied
    }
}
