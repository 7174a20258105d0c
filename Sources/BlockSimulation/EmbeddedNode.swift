import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage

/// An embedded database in a world: a whole cluster in the process of its application, with one
/// disk. The clients of the world are the application's threads, so they die with it.
final class EmbeddedNode: WorldProcess {
    private(set) var disk = SimulatedDisk()
    private let identity: PeerID
    private var engine: FaultEngine?
    private var cluster: EmbeddedCluster?
    private var askers: [UInt64: (node: NodeID, life: Int, id: UInt64)] = [:]
    private var lastToken: UInt64 = 0
    /// What was handed over while the last batch was synced.
    private var requests: [EmbeddedCluster.Request] = []
    private let entropy: SeededEntropy

    init(world: World) {
        identity = world.map.peers[0].id
        entropy = SeededEntropy(world.generator.fork())
        super.init(node: .proxy(0), world: world)
        restart()
    }

    /// Opens the data directory as a new process does.
    override func restart() {
        guard cluster == nil else { return }
        begin()
        let engine = FaultEngine(
            disk: disk, plan: faultPlan(), generator: world.generator.fork())
        self.engine = engine
        do {
            let repository = try StorageRepository(
                engine: engine, recentBytesMax: world.plan.memoBytesMax)
            let journal =
                disk.journal == nil && repository.writeSequence == 0
                ? try AckJournal.create(on: engine.journalFile, owner: identity)
                : try AckJournal.open(
                    on: engine.journalFile, owner: identity, recovered: repository.writeSequence)
            let cycle = StoragePeerCycle(
                identity: identity, map: world.map, repository: repository, journal: journal,
                memoBytesMax: world.plan.memoBytesMax)
            cluster = EmbeddedCluster(
                map: world.map, cycle: cycle, environment: environment(entropy))
            wakeWhenDue()
        } catch let error as DatabaseError where [.amnesia, .corrupted].contains(error.code) {
            // No fault takes a synced write away or damages this disk.
            world.alarms.append("the embedded database cannot be opened again: \(error)")
            stop()
        } catch {
            died(error)
        }
    }

    /// The faulty time is over: this life sees no fault any more.
    func heal() {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        engine?.plan = plan
    }

    /// The application dies, with everything in it.
    override func crash() {
        engine?.crash()
        stop()
        for client in world.clients where client.isRunning { world.crash(client.node) }
    }

    private func stop() {
        engine = nil
        cluster = nil
        askers = [:]
        requests = []
        end()
    }

    /// The disk failed: every call fails, until the database is opened again.
    private func died(_ error: any Error) {
        log { "fails: \(error)" }
        mark("world.embedded.diedInside")
        if !(error is SimulatedCrash) { engine?.crash() }
        stop()
        for client in world.clients {
            world.schedule(
                .broken(node, tellTo: client.node, life: client.life), after: world.shortDelay())
        }
        world.schedule(.restart(node), after: world.restartDelay())
    }

    override func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        guard case .clientRequest(let id, let request, let time) = message else {
            return invariant(false, "an embedded database gets no \(message)")
        }
        lastToken += 1
        askers[lastToken] = (from, senderLife, id)
        requests.append(
            EmbeddedCluster.Request(
                token: lastToken, request: request, deadline: now.advanced(by: time)))
        wakeWhenDue()
    }

    /// One turn of the connection's thread.
    override func tick() {
        guard cluster != nil else { return }
        wallClock.follow(world.now)
        let served = requests
        requests = []
        do {
            let replies = try cluster?.turn(served, now: now) ?? []
            if served.count > 1 { mark("world.embedded.sharedTurn") }
            for (token, reply) in replies {
                guard let asker = askers.removeValue(forKey: token) else { continue }
                if case .failed(let error) = reply { world.told(error, by: node) }
                world.send(
                    .clientReply(id: asker.id, reply), from: node, to: asker.node, life: asker.life)
            }
            try cluster?.afterReplies(now: now)
            wakeWhenDue()
        } catch {
            if case .internalError? = (error as? DatabaseError)?.code {
                world.alarms.append("the embedded database ended: \(error)")
            }
            died(error)
        }
    }

    private func wakeWhenDue() {
        // The thread is busy with the turn before; whatever arrives meanwhile is served together.
        let turn = requests.isEmpty ? nil : now.advanced(by: .microseconds(400))
        wake(at: [turn, cluster?.nextWake].compactMap { $0 }.min())
    }

    /// What the disk durably holds, for the checks at the end.
    func openRepository() throws -> StorageRepository {
        try StorageRepository(
            engine: FaultEngine(disk: disk, generator: SeededGenerator(seed: 0)))
    }

    /// What goes wrong with the only copy there is: nothing that damages or takes away what was
    /// synced, because no replica has it.
    private func faultPlan() -> FaultPlan {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        guard world.isFaulty else { return plan }
        if world.plan.hasReadErrors, world.generator.chance(1, in: 3) {
            plan.readErrorRate = world.generator.below(20_000)
        }
        if world.plan.hasSyncErrors { plan.syncErrorRate = world.generator.below(5_000) }
        if world.plan.hasFullDisks, world.generator.chance(1, in: 3) {
            plan.capacityBytes = disk.byteCount + world.generator.below(60_000)
        }
        guard world.plan.crashesInsideCycles else { return plan }
        let moment = UInt64(1 + world.generator.below(world.generator.chance(1, in: 2) ? 20 : 200))
        switch world.generator.below(4) {
        case 0: plan.crashAtWrite = moment
        case 1: plan.crashAtSync = moment
        case 2: plan.crashAtJournalWrite = 1 + moment / 8
        default: plan.failAtSync = moment
        }
        return plan
    }

    override var leftovers: [String] {
        guard !askers.isEmpty else { return [] }
        return ["\(node) has \(askers.count) requests under way"]
    }
}
