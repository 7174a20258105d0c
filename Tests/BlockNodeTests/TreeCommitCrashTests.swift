import BlockConsensus
import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import Testing

/// A storage peer that dies in each of its writes while a tree is written
/// (protocol: repair-by-hash).
@Suite("A peer that dies in any write of a commit to a tree")
struct TreeCommitCrashTests {
    private static let name = "tree"
    private static let before: [UInt8] = [10, 20, 30, 40]
    private static let added: UInt8 = 25

    /// A tree of one full leaf, on every disk, final.
    private static func grown() throws -> (contents: [PeerID: CrashWorld.Content], Incarnation) {
        var world = try CrashWorld()
        let action = ActionID(rawValue: Identifier128(1))
        let open = OpenCollection(
            name: name, kind: .tree, encoding: .bytes,
            creation: Creation(action: action, generation: 0), capacity: 4)
        world.ask(0, 1, .openCollection(open), for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[1] != nil }
        guard case .collection(let info)? = world.answers[1] else {
            throw DatabaseError(.internalError, "not created: \(world.answers)")
        }
        world.ask(0, 2, put(before, 2, info.incarnation, since: .zero), for: .seconds(5))
        // Longer than it takes an idle writer to make everything final.
        try world.run(for: .seconds(1))
        guard case .acted? = world.answers[2] else {
            throw DatabaseError(.internalError, "not grown: \(world.answers)")
        }
        return (try world.contents(), info.incarnation)
    }

    private static func put(
        _ keys: [UInt8], _ number: UInt8, _ incarnation: Incarnation, since: Revision
    ) -> ClientRequest {
        .act(
            ActionRequest(
                collection: CollectionID(name: name), incarnation: incarnation,
                action: ActionID(rawValue: Identifier128(UInt128(number))), firstRevision: since,
                content: .tree(
                    TreeAction(operations: keys.map { .put(key: [$0], value: [number]) }))))
    }

    /// The keys as a reader at another proxy finds them now.
    private static func keys(
        _ world: inout CrashWorld, _ token: UInt64, _ incarnation: Incarnation
    ) throws -> [UInt8] {
        let read = TreeReadRequest(
            collection: CollectionID(name: name), incarnation: incarnation,
            query: .range(.all, .forward, bytesMax: 1 << 20, countMax: 100))
        world.ask(1, token, .readTree(read), for: .seconds(5))
        try world.run(for: .seconds(6)) { $0.answers[token] != nil }
        guard case .treePage(let page)? = world.answers[token] else {
            throw DatabaseError(.internalError, "not read: \(world.answers)")
        }
        return page.entries.map { $0.key[0] }
    }

    /// The versions of every peer after the scrub of all shards.
    private static func scrubbed(
        _ world: inout CrashWorld
    ) throws -> [[VersionPosition: CommittedWrite]] {
        for shard in world.map.shards.indices {
            let token = UInt64(100 + shard)
            world.ask(
                coordinator: 1, token,
                .scrub(ShardID(rawValue: UInt32(shard)), after: nil, countMax: 64))
            try world.run(for: .seconds(5)) { $0.ownAnswers[token] != nil }
            guard case .scrubbed(let report)? = world.ownAnswers[token] else {
                throw DatabaseError(.internalError, "not scrubbed: \(world.ownAnswers)")
            }
            #expect(report.unrepairedCount == 0 && report.conflictCount == 0)
            #expect(report.next == nil)
        }
        return try world.map.peers.map { peer in
            var versions: [VersionPosition: CommittedWrite] = [:]
            guard let repository = world.repositories[peer.id] else { return versions }
            let positions = try repository.versionPositions(
                from: BlockID(.zero), after: nil, countMax: 1000)
            for position in positions {
                let replica = BlockReplica(position.key, view: repository)
                versions[position] = try #require(
                    try replica.summary(at: position.revision).write)
            }
            return versions
        }
    }

    /// Plans for every write and every sync of a peer that makes `count` writes, with the batch
    /// under way lost and kept.
    private static func plans(writeCount: UInt64) -> [FaultPlan] {
        var plans: [FaultPlan] = []
        for point in 1...writeCount {
            for fate in [FaultPlan.UnsyncedFate.lost, .survive] {
                // The first sync is that of the opening.
                for (place, number) in [
                    (\FaultPlan.crashAtWrite, point), (\.crashAtSync, point + 1),
                ] {
                    var plan = FaultPlan()
                    plan.unsyncedFate = fate
                    plan[keyPath: place] = number
                    plans.append(plan)
                }
            }
            for (place, number) in [(\FaultPlan.failAtWrite, point), (\.failAtSync, point + 1)] {
                var plan = FaultPlan()
                plan[keyPath: place] = number
                plans.append(plan)
            }
        }
        return plans
    }

    /// Writes a key that splits the leaf, while `peer` runs under `plan`.
    private static func insert(
        _ contents: [PeerID: CrashWorld.Content], _ incarnation: Incarnation, _ peer: PeerID,
        _ plan: FaultPlan, absent: PeerID?, _ casualties: CrashWorld.Casualties
    ) throws -> CrashWorld {
        var world = try CrashWorld(contents)
        world.casualties = casualties
        world.absent = absent
        try world.start(peer, plan: plan)
        world.ask(0, 3, put([added], 3, incarnation, since: Revision(1)), for: .seconds(3))
        try world.run(for: .seconds(4))
        world.absent = nil
        return world
    }

    /// What is wrong after the insertion and a recovery through the other proxy; nil: nothing.
    private static func problem(
        _ world: inout CrashWorld, _ incarnation: Incarnation, _ keys: [UInt8]
    ) throws -> String? {
        let after = (before + [added]).sorted()
        switch world.answers[3] {
        case .acted where keys != after: return "what was acknowledged is lost"
        case .failed(let error) where error.outcome == .notApplied && keys != before:
            return "what was reported as failed is there"
        default: if keys != before, keys != after { return "keys that nobody wrote: \(keys)" }
        }
        world.ask(1, 5, put([99], 5, incarnation, since: Revision(1)), for: .seconds(5))
        try world.run(for: .seconds(1))
        guard case .acted? = world.answers[5] else { return "it does not go on" }
        // What nobody was told of may still land with the first write after it, not later.
        let settled = try Self.keys(&world, 6, incarnation)
        let mayLand = world.answers[3] == nil
        guard settled == keys + [99] || mayLand && settled == after + [99] else {
            return "\(settled) after \(keys)"
        }
        let versions = try scrubbed(&world)
        guard versions[0] == versions[1], versions[0] == versions[2] else {
            return "the replicas do not agree"
        }
        try world.walkPends(coordinator: 1)
        guard world.repositories.values.allSatisfy({ $0.statistics.pendCount == 0 }) else {
            return "pends stay though all is decided"
        }
        return try Self.keys(&world, 7, incarnation) == settled ? nil : "it changes by itself"
    }

    /// Runs every plan on the first peers. - Returns: The problems, and what readers saw first.
    private static func run(
        isAnotherAbsent: Bool, _ casualties: CrashWorld.Casualties, peerCount: Int = 3
    ) throws -> (problems: [String], seen: Set<[UInt8]>) {
        let (contents, incarnation) = try Self.grown()
        let peers = try CrashWorld().map.peers.map(\.id)
        var problems: [String] = []
        var seen: Set<[UInt8]> = []
        for (place, peer) in peers.prefix(peerCount).enumerated() {
            let absent = isAnotherAbsent ? peers[(place + 1) % 3] : nil
            let clean = try Self.insert(
                contents, incarnation, peer, FaultPlan(), absent: absent, casualties)
            guard case .acted? = clean.answers[3] else { return (["\(clean.answers)"], []) }
            let writeCount = clean.engines[peer]?.counters.writes ?? 0
            #expect(writeCount >= 8, "a prepare, three pends, an accept, three versions")
            for plan in Self.plans(writeCount: writeCount) {
                var world = try Self.insert(
                    contents, incarnation, peer, plan, absent: absent, casualties)
                #expect(world.crashCount == 1)
                let keys = try Self.keys(&world, 4, incarnation)
                seen.insert(keys)
                if let problem = try Self.problem(&world, incarnation, keys) {
                    problems.append("\(problem), \(plan)")
                }
            }
        }
        return (problems, seen)
    }

    @Test(
        "Nothing acknowledged is lost, nothing refused appears, and the replicas come to agree",
        arguments: [false, true], CrashWorld.Casualties.allCases)
    func everyWrite(isAnotherAbsent: Bool, casualties: CrashWorld.Casualties) throws {
        let (problems, seen) = try Self.run(isAnotherAbsent: isAnotherAbsent, casualties)
        #expect(problems.isEmpty)
        #expect(seen.count == (casualties == .writer ? 2 : 1))
    }

    #if SIMULATION_HOOKS
    @Test("A peer that answers before it syncs is found to lose what was acknowledged")
    func replyBeforeSync() throws {
        let problems = try SimulationHooks.$plantedBug.withValue(.replyBeforeSync) {
            try Self.run(isAnotherAbsent: true, .peerAlone, peerCount: 1).problems
        }
        #expect(problems.contains { $0.hasPrefix("what was acknowledged is lost") })
    }
    #endif
}
