import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWire

/// A storage peer's process in a world, and the disk that survives it.
final class PeerNode: ServiceNode<StoragePeerHost> {
    private let index: Int
    private(set) var disk = SimulatedDisk()
    /// The storage UUID: another one after the disk was lost.
    private(set) var identity: PeerID
    private var engine: FaultEngine?
    private var journal: AckJournal?
    private var isCycleDue = false
    /// The device is busy with earlier syncs until then.
    private var busyUntil = Instant.origin
    /// Each sync takes as long while the device is slow.
    private var slowSync = Duration.zero
    private var slowUntil = Instant.origin
    /// The device has begun the sync that the replies of the last turn wait for.
    private var isSyncing = false
    /// What the next turn will be asked, and what the last one was.
    private var waiting: [Batch] = []
    private var served: [Batch] = []
    /// What was durable here is gone, all or the newest of it: this peer must have no vote.
    private(set) var hasForgotten = false

    /// Requests as a coordinator sent them.
    private struct Batch {
        let sender: NodeID
        let life: Int
        let id: UInt64
        let items: [PeerBatchItem]
    }

    init(index: Int, world: World) {
        self.index = index
        identity = world.map.peers[index].id
        super.init(node: .peer(index), world: world)
        restart()
    }

    /// Whether what is on this disk may be less or other than what was written to it.
    var isUnreliable: Bool { hasForgotten || disk.damageCount > 0 }

    /// Opens the disk as a new process does.
    override func makeHost(on port: ServicePort) throws -> StoragePeerHost {
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
            self.journal = journal
            let cycle = StoragePeerCycle(
                identity: identity, map: world.map, repository: repository, journal: journal,
                memoBytesMax: world.plan.memoBytesMax)
            return StoragePeerHost(port: port, cycle: cycle)
        } catch let error as DatabaseError where [.amnesia, .corrupted].contains(error.code) {
            log { "takes no part: \(error)" }
            if hasForgotten {
                mark("world.peer.refused")
            } else {
                // No fault took a synced write away: a refusal is a bug.
                world.alarms.append("\(node) refuses to take part: \(error)")
            }
            let cycle = StoragePeerCycle(identity: identity, map: world.map, refusal: error)
            return StoragePeerHost(port: port, cycle: cycle)
        }
    }

    /// The faulty time is over: this life sees no fault any more.
    func heal() {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        engine?.plan = plan
        slowUntil = .origin
    }

    override func crash() {
        if isSyncing { loseSync() }
        engine?.crash()
        super.crash()
    }

    /// A sync that was begun and not confirmed need not have reached the disk, and no caller was
    /// told anything that depends on it.
    private func loseSync() {
        guard let engine else { return }
        let isLost =
            switch engine.plan.unsyncedFate {
            case .survive: false
            case .lost: true
            case .prefixSurvives, .anySubsetSurvives: world.generator.chance(1, in: 2)
            }
        engine.plan.droppedSyncCount = isLost ? 1 : 0
    }

    /// The power goes: nothing of what was not synced survives, on any peer at once. One that has
    /// something to do is hit between its write and its sync.
    func losePower() {
        guard let engine, isRunning, !world.isPaused(node) else { return }
        engine.plan.unsyncedFate = .lost
        guard isCycleDue, !isSyncing else { return }
        mark("world.powerCut.insideCycle")
        engine.crashAtNextSync()
        cycle()
    }

    override func stop() {
        engine = nil
        journal = nil
        isCycleDue = false
        isSyncing = false
        waiting = []
        served = []
        busyUntil = .origin
        super.stop()
    }

    // MARK: Turns

    override func arriving(_ message: SimulatedMessage, from: NodeID, life: Int) {
        guard case .peerBatch(let id, let items) = message else {
            return invariant(false, "a peer gets no \(message)")
        }
        waiting.append(Batch(sender: from, life: life, id: id, items: items))
    }

    override func becameBusy() {
        isCycleDue = true
        // The loop is busy with the cycle before; whatever arrives meanwhile is answered together.
        let isBusy = busyUntil > world.now
        world.schedule(
            .cycle(peer: index, life: life),
            after: (isBusy ? busyUntil.since(world.now) : .zero)
                + .microseconds(20 + world.generator.below(400)))
    }

    /// One turn of the event loop: everything that arrived, one synced batch, the replies.
    func cycle() {
        if world.isPowerFailing { return world.cutPower() }
        isCycleDue = false
        runTurn()
    }

    /// The loop comes round without arrivals: what it does then is not in the way of a cycle, and
    /// not begun while the device keeps it.
    override func tick() { if !isCycleDue, !isSyncing { runTurn() } }

    private func runTurn() {
        guard let engine else { return }
        served = waiting
        waiting = []
        let syncs = engine.counters.syncs
        do {
            try turn()
        } catch {
            sendDepartures()
            return died(error)
        }
        let pause = engine.counters.syncs > syncs ? syncTime() : .zero
        if pause == .zero || planted(.replyBeforeSync) { return finishTurn() }
        isSyncing = true
        world.schedule(.synced(peer: index, life: life), after: pause)
    }

    /// The device has confirmed the sync that it was busy with.
    func synced() {
        guard isSyncing else { return }
        isSyncing = false
        finishTurn()
    }

    /// All that a turn says is durable: it may be told.
    private func finishTurn() {
        sendDepartures()
        do {
            try endTurn()
        } catch {
            died(error)
        }
    }

    override func leaving(
        _ message: SimulatedMessage, for receiver: NodeID, life: Int?
    ) -> SimulatedMessage {
        guard case .peerReply(let id, let reply) = message else { return message }
        let request = served.first { $0.id == id && $0.life == life && $0.sender == receiver }
        guard let request else {
            invariant(false, "\(node) answers a batch that it did not get")
            return message
        }
        observe(reply.items, to: request.items)
        guard world.isFaulty, world.plan.damagesDisks, world.plan.frailPeers.contains(index) else {
            return message
        }
        return .peerReply(
            id: id,
            PeerBatchReply(
                peer: reply.peer, epoch: reply.epoch,
                items: reply.items.map { PeerReplyItem(id: $0.id, reply: told($0.reply)) }))
    }

    /// What leaves the process, which is not always what it meant to say: the memory of a machine
    /// with a bad disk is bad, too. What is named by a hash must be looked at by its receiver.
    private func told(_ reply: PeerReply) -> PeerReply {
        guard world.generator.chance(1, in: 16) else { return reply }
        func damaged(_ bytes: Bytes) -> Bytes {
            mark("world.reply.damaged")
            var bytes = bytes
            let place = world.generator.below(bytes.count)
            bytes[place] ^= 1 << UInt8(world.generator.below(8))
            return bytes
        }
        switch reply {
        // Taken for good, it would end a process by an invariant, which is no verdict.
        case .content(let bytes?) where !bytes.isEmpty && !planted(.segmentKeyWithoutHash):
            return .content(damaged(bytes))
        case .block(let copy?):
            guard let bytes = copy.bytes, !bytes.isEmpty, !planted(.blockHashUnchecked) else {
                return reply
            }
            return .block(
                BlockCopy(
                    write: copy.write, baseRevision: copy.baseRevision,
                    bytes: damaged(bytes)))
        default: return reply
        }
    }

    override func logged(_ line: String, isCritical: Bool) {
        if isCritical {
            world.alarms.append("\(node): \(line)")
        } else if !isUnreliable {
            world.alarms.append("\(node) on a sound disk: \(line)")
        }
    }

    /// Shows the world what was accepted, and stored.
    private func observe(_ replies: [PeerReplyItem], to requests: [PeerBatchItem]) {
        for reply in replies {
            switch reply.reply {
            case .accepted, .stored: break
            default: continue
            }
            for request in requests where request.id == reply.id {
                observe(reply.reply, to: request.request.operation)
            }
        }
    }

    private func observe(_ reply: PeerReply, to operation: PeerRequest.Operation) {
        switch (reply, operation) {
        case (.accepted(let ballot, _), .accept(let collection, let asked, let value, _))
        where ballot == asked:
            world.chosenTails.accepted(
                value, at: ballot, of: collection, by: index,
                quorum: world.plan.replicaCount / 2 + 1)
        case (.stored, .putContent(let block, let bytes, _)):
            world.chosenTails.stored(.body(block), bytes)
        case (.stored, .putSegment(let key, let bytes)):
            world.chosenTails.stored(.segment(key), bytes)
        default: break
        }
    }

    /// A write, a sync or a read failed: the process ends, as the real one does.
    override func died(_ error: any Error) {
        guard isRunning else { return }
        log { "dies: \(error)" }
        mark("world.peer.diedInside")
        if !(error is SimulatedCrash) { engine?.crash() }
        stop()
        world.schedule(.restart(node), after: world.restartDelay())
    }

    /// What the disk durably holds, for the checks at the end.
    func openRepository() throws -> StorageRepository {
        try StorageRepository(
            engine: FaultEngine(disk: disk, generator: SeededGenerator(seed: 0)))
    }

    // MARK: What goes wrong with the disk

    /// From now on each sync takes `time`, for a while.
    func slowDown(_ time: Duration, until: Instant) {
        slowSync = time
        slowUntil = until
    }

    private func syncTime() -> Duration {
        guard world.now < slowUntil else { return .zero }
        mark("world.disk.slow")
        busyUntil = max(busyUntil, world.now).advanced(by: slowSync)
        return busyUntil.since(world.now)
    }

    /// The cycle that the ack journal holds.
    var acknowledgedSequence: UInt64 { journal?.written ?? 0 }

    /// What the disk of a dead process held is gone: everything, so that a new storage UUID comes
    /// back at the same address, or all since a cycle that was acknowledged, as when a machine is
    /// restored from an older image. Neither may vote (protocol: a-peer-that-forgot-is-a-new-peer).
    func loseDisk(since acknowledged: UInt64) {
        let isRestored = world.generator.chance(2, in: 3)
        if isRestored {
            let age = min(acknowledged, UInt64(world.generator.below(10)))
            guard disk.rollBack(before: acknowledged - age) else { return }
        } else {
            mark("world.disk.lost")
            disk = SimulatedDisk()
            identity = PeerID(rawValue: world.generator.identifier())
        }
        hasForgotten = true
        log { isRestored ? "its disk is an older one again" : "its disk is lost" }
    }

    /// Faults of this life: perhaps a death inside a cycle, at a write or a sync or the journal.
    private func faultPlan() -> FaultPlan {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        guard world.isFaulty else { return plan }
        if world.plan.damagesDisks, world.plan.frailPeers.contains(index) { addDamage(to: &plan) }
        if world.plan.hasReadErrors, world.generator.chance(1, in: 3) {
            plan.readErrorRate = world.generator.below(20_000)
        }
        if world.plan.hasSyncErrors { plan.syncErrorRate = world.generator.below(5_000) }
        if world.plan.hasFullDisks, world.generator.chance(1, in: 3) {
            plan.capacityBytes = disk.byteCount + world.generator.below(60_000)
        }
        guard world.plan.crashesInsideCycles else { return plan }
        let moment = UInt64(1 + world.generator.below(world.generator.chance(1, in: 2) ? 20 : 300))
        switch world.generator.below(4) {
        case 0: plan.crashAtWrite = moment
        case 1: plan.crashAtSync = moment
        case 2: plan.crashAtJournalWrite = 1 + moment / 8
        default: plan.failAtSync = moment
        }
        return plan
    }

    /// Damage to one kind of record that the design promises to survive on a minority of an
    /// object's replicas (protocol: repair-by-hash): every record has a checksum over its key and
    /// its value, so flipped bits and values of other keys are seen. What that leaves is less, not
    /// other:
    ///
    /// - Contents and segments are named by their hash, pends by a payload whose hash the log
    ///   lists: where one vanishes, another replica is asked, so these may go stale, too.
    /// - A register with a wrong checksum costs the peer its vote on the shard. A stale one has a
    ///   right checksum, and a promise that comes undone is fatal: no design without a quorum of
    ///   sound registers survives it. Only that of the whole disk is seen, by the ack journal.
    /// - A version that vanishes below the checkpoint leaves an older one that is a valid answer
    ///   of this replica (protocol: empty-list-asks-a-quorum): not promised to be survived, so not
    ///   done.
    private func addDamage(to plan: inout FaultPlan) {
        let kinds: [(prefix: Bytes, mayBeStale: Bool)] = [
            (StorageKeys.versions, false), (StorageKeys.versions, false),
            (StorageKeys.pendsStart, true), (StorageKeys.contents, true),
            (StorageKeys.segments, true), (StorageKeys.registers, false),
        ]
        let kind = kinds[world.generator.below(kinds.count)]
        plan.damagedKeyPrefix = kind.prefix
        let isRegister = kind.prefix == StorageKeys.registers
        func rate() -> Int {
            guard world.generator.chance(1, in: 2) else { return 0 }
            return isRegister
                ? 20_000 + world.generator.below(100_000) : 20_000 + world.generator.below(300_000)
        }
        plan.bitFlipRate = rate()
        let misdirectionRate = rate()
        // Taken for good, another key's value ends a process by an invariant, which is no verdict.
        plan.misdirectionRate = planted(.blockHashUnchecked) ? 0 : misdirectionRate
        if kind.mayBeStale { plan.staleRate = rate() }
    }
}
