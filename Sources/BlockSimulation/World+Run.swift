import BlockModel
import BlockRuntime
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
        world.runToEnd()
        if world.isOver, world.alarms.isEmpty {
            world.beginFinalReads()
            world.runToEnd()
        }
        let unfinished = world.clients.indices.filter { !world.clients[$0].isFinished }
        // A broken promise that a machine itself saw says more than the standstill that follows.
        guard unfinished.isEmpty || !world.alarms.isEmpty else {
            return world.verdict(.stuck(unfinished.map { "client-\($0) is not done" }))
        }
        return world.judge()
    }

    private func runToEnd() {
        run(until: now.advanced(by: World.livenessTime)) { isOver }
    }

    /// One client of each tree and queue reads all of it, over the services.
    private func beginFinalReads() {
        for (number, structure) in plan.structures.enumerated()
        where structure != nil || plan.transactions[number] != nil {
            if number < clients.count { clients[number].beginFinalReads() }
        }
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
        do {
            let disks = try FinalDisks(world: self)
            for collection in history.collections {
                check(collection, &violations, &checkedCount) {
                    let final = try disks.diaryEntries(collection)
                    return [
                        DiaryChecker.check(history, collection: collection, final: final),
                        SetChecker.check(history, collection: collection, final: final),
                    ]
                }
            }
            for collection in history.structures.collections {
                check(collection, &violations, &checkedCount) {
                    let logs = try disks.structureLogs(collection)
                    let results = StructureChecks.run(
                        history, collection: collection, logs: logs.map(\.told),
                        knowsEveryLife: true)
                    let isSound = results.allSatisfy(\.violations.isEmpty)
                    return try results + (isSound ? logs.map { try disks.check($0) } : [])
                }
            }
        } catch {
            violations.append("the disks cannot be read at the end: \(error)")
        }
        if !violations.isEmpty { return verdict(.invalid(violations)) }
        if checkedCount == 0 { return verdict(.unknown("nothing was there to be checked")) }
        return verdict(.valid)
    }

    private func check(
        _ collection: String, _ violations: inout [String], _ checkedCount: inout Int,
        _ results: () throws -> [CheckResult]
    ) {
        do {
            for result in try results() {
                violations += result.violations.map { "\(collection): \($0)" }
                checkedCount += result.checkedCount
            }
        } catch {
            violations.append("\(collection) cannot be read at the end: \(error)")
        }
    }

    private func verdict(_ outcome: Verdict.Outcome) -> Verdict {
        let acknowledged =
            history.operations.count {
                if case .appended = $0.completion { true } else { false }
            }
            + history.structures.operations.count {
                if case .landed = $0.completion { true } else { false }
            }
        return Verdict(
            seed: seed, outcome: outcome, trace: trace, eventCount: eventCount,
            operationCount: history.operations.count + history.structures.operations.count,
            acknowledgedCount: acknowledged,
            simulatedTime: now.since(.origin), recentEvents: recentEvents)
    }
}
