import BlockModel
import BlockRuntime
import BlockStorage
import BlockTransactions
import BlockWorkloads

/// The phases of a run: faults, healing and liveness, final reads, checks.
extension World {
    /// Simulated time within which everything must have ended once the faults are over.
    private static let livenessTime = Duration.seconds(60)

    /// Runs the world of `seed` from its first event to its verdict.
    package static func run(seed: UInt64, isTraced: Bool = false) throws(DatabaseError) -> Verdict {
        let world = try World(seed: seed, isTraced: isTraced)
        world.planCrashes()
        world.run(until: .origin.advanced(by: world.plan.faultTime)) { world.isOver }
        world.heal()
        let limit = world.now.advanced(by: livenessTime)
        world.run(until: limit) { world.isOver }
        let unfinished = world.clients.indices.filter { !world.clients[$0].isFinished }
        // A broken promise that a machine itself saw says more than the standstill that follows.
        guard unfinished.isEmpty || !world.alarms.isEmpty else {
            return world.verdict(.stuck(unfinished.map { "client-\($0) is not done" }))
        }
        return world.judge()
    }

    /// Nothing more is to be learned: every client is done, or a machine saw a broken promise.
    private var isOver: Bool { clients.allSatisfy(\.isFinished) || !alarms.isEmpty }

    /// Crashes of whole processes, at random moments of the faulty time.
    private func planCrashes() {
        func plan(every mean: Duration?, _ event: () -> Event) {
            guard let mean else { return }
            var at = Duration.zero
            while true {
                at += .nanoseconds(Int64(generator.below(Int(mean.nanoseconds) * 2)) + 1_000_000)
                guard at < self.plan.faultTime else { return }
                schedule(event(), after: at)
            }
        }
        func plan(_ mean: Duration?, _ nodes: [NodeID]) {
            plan(every: mean) { .crash(nodes[generator.below(nodes.count)]) }
        }
        plan(every: self.plan.hasPowerCuts ? self.plan.peerCrashEvery.map { $0 * 3 } : nil) {
            .powerCut
        }
        plan(every: self.plan.partitionEvery) { .partition }
        plan(self.plan.peerCrashEvery, peers.indices.map { .peer($0) })
        plan(self.plan.coordinatorCrashEvery, coordinators.indices.map { .coordinator($0) })
        plan(self.plan.proxyCrashEvery, proxies.indices.map { .proxy($0) })
        plan(self.plan.clientCrashEvery, clients.indices.map { .client($0) })
    }

    /// Ends all faults. Processes that are down come back by the restarts planned for them.
    private func heal() {
        isFaulty = false
        note { "healed" }
        for peer in peers { peer.heal() }
    }

    // MARK: The end

    private func judge() -> Verdict {
        var violations = alarms
        var checkedCount = 0
        for collection in history.collections {
            do {
                let final = try finalEntries(collection)
                for result in [
                    DiaryChecker.check(history, collection: collection, final: final),
                    SetChecker.check(history, collection: collection, final: final),
                ] {
                    violations += result.violations.map { "\(collection): \($0)" }
                    checkedCount += result.checkedCount
                }
            } catch {
                violations.append("\(collection) cannot be read at the end: \(error)")
            }
        }
        if !violations.isEmpty { return verdict(.invalid(violations)) }
        if checkedCount == 0 { return verdict(.unknown("nothing was there to be checked")) }
        return verdict(.valid)
    }

    private func verdict(_ outcome: Verdict.Outcome) -> Verdict {
        let acknowledged = history.operations.count {
            if case .appended = $0.completion { true } else { false }
        }
        return Verdict(
            seed: seed, outcome: outcome, trace: trace, eventCount: eventCount,
            operationCount: history.operations.count, acknowledgedCount: acknowledged,
            simulatedTime: now.since(.origin), recentEvents: recentEvents)
    }

    /// Reads the log from what the disks durably hold, by the rules and not by the services: the
    /// checks must not depend on the code they check.
    private func finalEntries(_ name: String) throws -> [History.Observation] {
        let stores = try peers.map { try $0.openRepository() }
        let collection = CollectionID(name: name)
        let members = map.members(of: map.shard(of: collection))
        var records: [RegisterRecord] = []
        for (index, peer) in map.peers.enumerated() where members.contains(peer.id) {
            records.append(try stores[index].register(collection))
        }
        let byBallot = Dictionary(grouping: records.filter { $0.accepted != .zero }, by: \.accepted)
        for (ballot, group) in byBallot where Set(group.map(\.value)).count > 1 {
            throw DatabaseError(.corrupted, "replicas hold different values at ballot \(ballot)")
        }
        // Any quorum shows every chosen value; with all members read, the highest is an extension
        // of the last chosen one.
        guard let highest = records.max(by: { $0.accepted < $1.accepted }),
            let tail = try TailValue(registerBytes: highest.value).live
        else { return [] }
        let source = DiskObjects(stores: stores, map: map)
        let view = LogView(tail: tail, source: source)
        let entries = try view.entries(from: Revision(1), through: tail.revision)
        try checkChain(entries, tail)
        try checkDurability(entries, view, source)
        return try zip(entries, view.bodies(of: entries)).flatMap { entry, body in
            body.actions.enumerated().map { number, action in
                DiaryClient.observation(
                    of: DiaryEntry(
                        position: DiaryPosition(revision: entry.revision, index: UInt32(number)),
                        action: action.id, bytes: action.bytes, wallMilliseconds: 0))
            }
        }
    }

    /// Pends before the decision: whatever an accepted value points to is on a quorum (rule 6).
    private func checkDurability(
        _ entries: [Entry], _ view: LogView<DiskObjects>, _ source: DiskObjects
    ) throws {
        _ = try view.bodies(of: entries)
        guard let (key, count) = source.thinlySpread.first else { return }
        throw DatabaseError(
            .corrupted, "\(key) is on \(count) peers only, although it was decided on")
    }

    private func checkChain(_ entries: [Entry], _ tail: Tail) throws(DatabaseError) {
        var hash = Entry.initialHash(name: tail.name, incarnation: tail.incarnation)
        for entry in entries {
            guard entry.previousHash == hash else {
                throw DatabaseError(.corrupted, "the hash chain breaks at \(entry.revision)")
            }
            hash = entry.chainHash
        }
        guard hash == tail.lastHash else {
            throw DatabaseError(.corrupted, "the hash chain does not end in the tail")
        }
    }
}

/// Segments and bodies as they are on the disks of a world, from any that holds them.
private final class DiskObjects: LogObjectSource {
    private let stores: [StorageRepository]
    private let map: ClusterMap
    private var found: [LogObjectKey: LogObject] = [:]
    /// Objects that fewer members than a quorum hold intact.
    private(set) var thinlySpread: [(key: LogObjectKey, count: Int)] = []

    init(stores: [StorageRepository], map: ClusterMap) {
        self.stores = stores
        self.map = map
    }

    func object(_ key: LogObjectKey) -> LogObject? {
        if let known = found[key] { return known }
        let block =
            switch key {
            case .segment(let segment): segment.blockID
            case .body(let block): block
            }
        let members = map.members(of: map.shard(of: block))
        var holderCount = 0
        for (index, peer) in map.peers.enumerated() where members.contains(peer.id) {
            guard let object = read(key, from: stores[index]) else { continue }
            holderCount += 1
            found[key] = object
        }
        if holderCount < map.quorum(of: map.shard(of: block)) {
            thinlySpread.append((key, holderCount))
        }
        return found[key]
    }

    private func read(_ key: LogObjectKey, from store: StorageRepository) -> LogObject? {
        let bytes: Bytes?
        switch key {
        case .segment(let segment): bytes = try? store.segment(segment)
        case .body(let block): bytes = try? store.content(block)
        }
        return bytes.flatMap { try? LogObject(key, bytes: $0) }
    }
}
