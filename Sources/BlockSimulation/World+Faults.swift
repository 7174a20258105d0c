import BlockModel
import BlockRuntime

/// What goes wrong with processes and disks, and what stays wrong when the rest is healed.
extension World {
    /// Something that goes wrong at one moment.
    enum Fault {
        case crash(NodeID)
        /// All peers die at once.
        case powerCut
        case partition
        /// A process stands still, up to minutes.
        case pause(NodeID)
        case slowDisk(peer: Int)
        case loseDisk(peer: Int)
        case moveClock(proxy: Int)
    }

    /// How a process stays out of the healed cluster.
    enum Breakage { case dead, cutOff, still }

    /// Draws the moments of everything that happens to whole processes in the faulty time.
    func planFaults() {
        func plan(every mean: Duration?, _ fault: () -> Fault) {
            guard let mean else { return }
            var at = Duration.zero
            while true {
                at += .nanoseconds(Int64(generator.below(Int(mean.nanoseconds) * 2)) + 1_000_000)
                guard at < self.plan.faultTime else { return }
                schedule(.fault(fault()), after: at)
            }
        }
        func crashes(_ mean: Duration?, _ nodes: [NodeID]) {
            plan(every: mean) { .crash(nodes[generator.below(nodes.count)]) }
        }
        let cuts = self.plan.hasPowerCuts ? self.plan.peerCrashEvery.map { $0 * 3 } : nil
        plan(every: cuts) { .powerCut }
        plan(every: self.plan.partitionEvery) { .partition }
        crashes(self.plan.peerCrashEvery, peers.map(\.node))
        crashes(self.plan.coordinatorCrashEvery, coordinators.map(\.node))
        crashes(self.plan.proxyCrashEvery, proxyNodes)
        crashes(self.plan.clientCrashEvery, clients.map(\.node))
        let services = services
        plan(every: self.plan.pauseEvery) {
            // Coordinators in half of the cases: they hold the most that may be old by then.
            let isCoordinator = generator.chance(1, in: 2)
            let nodes = isCoordinator ? coordinators.map(\.node) : services
            return .pause(nodes[generator.below(nodes.count)])
        }
        plan(every: self.plan.slowDiskEvery) { .slowDisk(peer: generator.below(peers.count)) }
        plan(every: self.plan.clockMoveEvery) { .moveClock(proxy: generator.below(proxies.count)) }
        guard self.plan.losesDisks else { return }
        // Again and again: a peer that takes part after the first time must be found out.
        for peer in self.plan.frailPeers {
            plan(every: self.plan.faultTime / (2 + generator.below(10))) { .loseDisk(peer: peer) }
        }
    }

    func happen(_ fault: Fault) {
        switch fault {
        case .crash(let node):
            mark(embedded?.node == node ? "world.crash.embedded" : node.crashMark)
            // Some are asked to stop before, and have no time, or some.
            guard generator.chance(1, in: 4), !isPaused(node), process(node).beginDrain() else {
                return crash(node)
            }
            let time = generator.chance(1, in: 2) ? 0 : generator.below(2000)
            schedule(.endDrain(node, life: process(node).life), after: .milliseconds(time))
        case .powerCut:
            mark("world.powerCut")
            // In half of the cases at the next moment at which a peer is at work.
            if generator.chance(1, in: 2) { isPowerFailing = true } else { cutPower() }
        case .partition: partition()
        case .pause(let node):
            guard process(node).isRunning, !isPaused(node) else { return }
            mark(node.pauseMark)
            // From some milliseconds to minutes, each order of magnitude as likely.
            var time = Duration.milliseconds(5 + generator.below(40))
            for _ in 0..<generator.below(15) { time = min(time * 2, plan.pauseMax) }
            if time > .seconds(60) { mark("world.pause.minutes") }
            note { "\(node) stands still for \(time.milliseconds) ms" }
            pause(node)
            schedule(.resume(node, life: process(node).life), after: time)
        case .slowDisk(let peer):
            peers[peer].slowDown(
                .milliseconds(20 + generator.below(generator.chance(1, in: 3) ? 4000 : 300)),
                until: now.advanced(by: .milliseconds(500 + generator.below(10_000))))
        case .loseDisk(let peer):
            let acknowledged = peers[peer].acknowledgedSequence
            crash(peers[peer].node)
            peers[peer].loseDisk(since: acknowledged)
        case .moveClock(let proxy):
            mark("world.clock.moved")
            proxies[proxy].wallClock.offset = Int64(generator.below(7_200_000)) - 3_600_000
        }
    }

    /// All peers at once: whatever their disks were doing, none has time to end it.
    func cutPower() {
        isPowerFailing = false
        for peer in peers {
            peer.losePower()
            crash(peer.node)
        }
    }

    /// How many of the directives of one event are performed before the process dies: all of them,
    /// but for the odd death between two.
    func directiveCount(of count: Int, at node: NodeID) -> Int {
        if let step = stepsLeft, isFaulty, node.isCarryingTransactions {
            guard step >= count else {
                mark("world.crash.atStep")
                stepsLeft = nil
                return step
            }
            stepsLeft = step - count
        }
        guard plan.crashesInsideTurns, isFaulty, count > 0, generator.chance(1, in: 3000) else {
            return count
        }
        mark("world.crash.insideTurn")
        return generator.below(count)
    }

    /// A client has sent a transaction: some messages later the service that is about to send the
    /// next one dies, one message later each time, so that over transactions and worlds a death
    /// comes at each of them.
    func beginSteps() {
        guard isFaulty, stepsLeft == nil, let first = plan.crashAtStep else { return }
        stepsLeft = (first + stepRunCount) % World.stepCountMax
        stepRunCount += 1
    }

    // MARK: Healing

    /// Ends all faults. In half of the worlds a quorum core only is healed, and what is left stays
    /// dead, cut off or still: no client may need it.
    func heal() {
        isFaulty = false
        isPowerFailing = false
        partitions = []
        note { "healed" }
        if plan.staysBroken { breakRest() }
        for peer in peers { peer.heal() }
        embedded?.heal()
        for node in services where broken[node] == nil { resume(node) }
    }

    private func breakRest() {
        mark("world.core")
        let peerNodes = peers.map(\.node)
        // Any other minority may hold the only sound copy of what the frail disks have damaged.
        let isAnyFrail = peers.contains(where: \.isUnreliable)
        var rest = plan.frailPeers.map { peerNodes[$0] }
        if !isAnyFrail {
            rest = Array(peerNodes.shuffled(using: &generator).prefix(plan.frailPeers.count))
        }
        rest += coordinators.map(\.node).shuffled(using: &generator).dropFirst()
            .filter { _ in generator.chance(1, in: 2) }
        rest += proxies.map(\.node).shuffled(using: &generator).dropFirst()
            .filter { _ in generator.chance(1, in: 2) }
        for node in rest {
            let breakage: Breakage =
                isPaused(node) ? .still : generator.chance(1, in: 2) ? .dead : .cutOff
            broken[node] = breakage
            note { "\(node) stays broken: \(breakage)" }
            if breakage == .dead { crash(node) }
        }
    }

    /// Whatever was out of the core comes back as it was: with its old disk, its old state, and
    /// the messages that waited for it.
    func bringBackTheRest() {
        let rest = broken.sorted { $0.key < $1.key }
        broken = [:]
        for (node, breakage) in rest {
            mark("world.core.return")
            switch breakage {
            case .dead: schedule(.restart(node), after: restartDelay())
            case .cutOff: break
            case .still: resume(node)
            }
        }
    }

    // MARK: Errors

    /// A service answered with an error. Some can only be a bug, or bad sectors.
    func told(_ error: DatabaseError, by node: NodeID) {
        log(node) { "answers \(error.code): \(error.message)" }
        switch error.code {
        case .internalError, .malformedMessage, .actionIDReuse:
            alarms.append("\(node) answered \(error)")
        case .corrupted where !plan.damagesDisks && !plan.losesDisks:
            alarms.append("\(node) answered \(error)")
        default: break
        }
    }
}

extension NodeID {
    /// Whether a transaction is carried through here.
    fileprivate var isCarryingTransactions: Bool {
        switch self {
        case .coordinator, .proxy: true
        case .peer, .client: false
        }
    }

    fileprivate var crashMark: StaticString {
        switch self {
        case .peer: "world.crash.peer"
        case .coordinator: "world.crash.coordinator"
        case .proxy: "world.crash.proxy"
        case .client: "world.crash.client"
        }
    }

    fileprivate var pauseMark: StaticString {
        switch self {
        case .peer: "world.pause.peer"
        case .coordinator: "world.pause.coordinator"
        case .proxy, .client: "world.pause.proxy"
        }
    }
}
