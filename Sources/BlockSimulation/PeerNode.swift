import BlockModel
import BlockNode
import BlockRuntime
import BlockStorage
import BlockWire

/// A storage peer's process in a world, and the disk that survives it.
final class PeerNode {
    /// A few blocks: most are made from the disk, which may have been damaged.
    private static let memoBytesMax = 1024

    private let index: Int
    private unowned let world: World
    private(set) var life = 0
    let disk = SimulatedDisk()
    private var engine: FaultEngine?
    private var cycleMachine: StoragePeerCycle?
    private var inbox: [(sender: (node: NodeID, life: Int), items: [PeerBatchItem])] = []
    private var isCycleDue = false
    /// What start-up found wrong with the disk; nil when the peer takes part.
    private(set) var refusal: DatabaseError?

    init(index: Int, world: World) {
        self.index = index
        self.world = world
        restart()
    }

    private var node: NodeID { .peer(index) }
    private var identity: PeerID { world.map.peers[index].id }

    /// Opens the disk as a new process does.
    func restart() {
        guard cycleMachine == nil else { return }
        life += 1
        let engine = FaultEngine(
            disk: disk, plan: faultPlan(), generator: world.generator.fork())
        self.engine = engine
        do {
            let repository = try StorageRepository(
                engine: engine, recentBytesMax: PeerNode.memoBytesMax)
            let journal =
                disk.journal == nil && repository.writeSequence == 0
                ? try AckJournal.create(on: engine.journalFile, owner: identity)
                : try AckJournal.open(
                    on: engine.journalFile, owner: identity, recovered: repository.writeSequence)
            cycleMachine = StoragePeerCycle(
                identity: identity, map: world.map, repository: repository, journal: journal,
                memoBytesMax: PeerNode.memoBytesMax)
            refusal = nil
        } catch let error as DatabaseError where [.amnesia, .corrupted].contains(error.code) {
            // Nothing in these worlds takes synced writes away: a refusal is somebody's bug.
            refusal = error
            world.alarms.append("\(node) refuses to take part: \(error)")
            cycleMachine = StoragePeerCycle(identity: identity, map: world.map, refusal: error)
        } catch {
            died(error)
        }
    }

    /// Faults of this life: perhaps a death inside a cycle, at a write or a sync or the journal.
    private func faultPlan() -> FaultPlan {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        if world.isFaulty, world.plan.flakyPeer == index { addDiskErrors(to: &plan) }
        guard world.isFaulty, world.plan.crashesInsideCycles else { return plan }
        let moment = UInt64(1 + world.generator.below(world.generator.chance(1, in: 2) ? 20 : 300))
        switch world.generator.below(4) {
        case 0: plan.crashAtWrite = moment
        case 1: plan.crashAtSync = moment
        case 2: plan.crashAtJournalWrite = 1 + moment / 8
        default: plan.failAtSync = moment
        }
        return plan
    }

    /// Reads that fail, and bits that flip in one kind of record: damage that other replicas mend.
    private func addDiskErrors(to plan: inout FaultPlan) {
        if world.generator.chance(1, in: 2) { plan.readErrorRate = world.generator.below(2000) }
        let kinds = [
            StorageKeys.versions, StorageKeys.versions, StorageKeys.pendsStart,
            StorageKeys.contents, StorageKeys.segments,
        ]
        plan.bitFlipRate = 5000 + world.generator.below(60_000)
        plan.bitFlipKeyPrefix = kinds[world.generator.below(kinds.count)]
    }

    /// The faulty time is over: this life sees no fault any more.
    func heal() {
        var plan = FaultPlan()
        plan.unsyncedFate = world.plan.unsyncedFate
        engine?.plan = plan
    }

    func crash() {
        engine?.crash()
        stop()
    }

    private func stop() {
        engine = nil
        cycleMachine = nil
        inbox = []
        isCycleDue = false
        life += 1
    }

    func receive(_ message: SimulatedMessage, from: NodeID, senderLife: Int) {
        guard case .peerBatch(let items) = message else {
            return invariant(false, "a peer gets no \(message)")
        }
        guard cycleMachine != nil else { return }
        let batch = items.map { PeerBatchItem(id: $0.id, request: $0.request) }
        inbox.append(((from, senderLife), batch))
        guard !isCycleDue else { return }
        isCycleDue = true
        // The loop is busy with the cycle before; whatever arrives meanwhile is answered together.
        world.schedule(
            .cycle(peer: index, life: life),
            after: .microseconds(20 + world.generator.below(400)))
    }

    /// One turn of the event loop: everything that arrived, one synced batch, the replies.
    func cycle() {
        isCycleDue = false
        guard let engine, var machine = cycleMachine else { return }
        let batches = inbox
        inbox = []
        do {
            let report = try machine.run(batches) { sender, reply in
                observe(reply.items, to: sender, of: batches)
                world.send(
                    .peerReplies(
                        reply.peer, reply.epoch, reply.items.map { (id: $0.id, reply: $0.reply) }),
                    from: node, to: sender.node, life: sender.life)
            }
            world.alarms += report.alarms.map { "\(node): \($0)" }
            cycleMachine = machine
            try machine.afterReplies(now: world.now)
        } catch {
            self.engine = engine
            died(error)
        }
    }

    /// Shows the world what was accepted.
    private func observe(
        _ replies: [PeerReplyItem], to sender: (node: NodeID, life: Int),
        of batches: [(sender: (node: NodeID, life: Int), items: [PeerBatchItem])]
    ) {
        for reply in replies {
            guard case .accepted(let ballot) = reply.reply else { continue }
            for batch in batches where batch.sender == sender {
                for item in batch.items where item.id == reply.id {
                    guard case .accept(let collection, ballot, let value) = item.request.operation
                    else { continue }
                    world.chosenTails.accepted(
                        value, at: ballot, of: collection, by: index,
                        quorum: world.plan.replicaCount / 2 + 1)
                }
            }
        }
    }

    /// A write, a sync or a read failed: the process ends, as the real one does.
    private func died(_ error: any Error) {
        world.note { "\(self.node) dies: \(error)" }
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
}
