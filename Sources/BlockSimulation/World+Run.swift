import BlockModel
import BlockRuntime
import BlockWorkloads

/// The phases of a run: faults, healing and liveness, final reads, checks.
extension World {
    /// Simulated time within which everything must have ended once the faults are over.
    private static let livenessTime = Duration.seconds(60)

    /// How long clients go on with their work once the faults are over.
    private static let trafficTime = Duration.seconds(15)
    /// Time in which those who come back late must be done with what they hold.
    private static let returnTime = Duration.seconds(5)
    /// Time after which nothing is under way any more: longer than any request of a service.
    private static let restTime = Duration.seconds(40)

    /// Runs the world of `seed` from its first event to its verdict.
    /// - Parameters:
    ///   - isTraced: Keep what happened as text.
    ///   - operationCount: What each client does, instead of what the seed says: another world.
    package static func run(
        seed: UInt64, isTraced: Bool = false, operationCount: Int? = nil
    ) throws -> Verdict {
        let plan = WorldPlan(seed: seed, operationCount: operationCount)
        #if SIMULATION_HOOKS
        let odds = plan.hasOdds ? Buggifier(seed: seed) : nil
        return try SimulationHooks.$odds.withValue(odds) {
            let world = try World(plan, seed: seed, isTraced: isTraced)
            return world.run { odds?.isOn = false }
        }
        #else
        return try World(plan, seed: seed, isTraced: isTraced).run {}
        #endif
    }

    /// - Parameter endOdds: Called when the faults are over.
    private func run(endOdds: () -> Void) -> Verdict {
        planFaults()
        run(until: .origin.advanced(by: plan.faultTime)) { isOver }
        heal()
        endOdds()
        let limit = now.advanced(by: World.livenessTime)
        run(until: now.advanced(by: World.trafficTime)) { isOver }
        isWinding = true
        run(until: limit) { isOver }
        if isOver {
            for client in clients { client.beginProbe() }
            run(until: limit) { isOver }
        }
        if let stuck { return stuck }
        isWinding = false
        bringBackTheRest()
        run(until: now.advanced(by: World.returnTime)) { !alarms.isEmpty }
        beginFinalReads()
        run(until: now.advanced(by: World.livenessTime)) { isOver }
        if let stuck { return stuck }
        return judgeAtRest()
    }

    /// A broken promise that a machine itself saw says more than the standstill that follows.
    private var stuck: Verdict? {
        let waiting = clients.filter { !$0.isFinished }.map { "\($0.node) is not done" }
        let reasons = waiting + hindrances
        return reasons.isEmpty || !alarms.isEmpty ? nil : verdict(.stuck(reasons))
    }

    /// One client of each tree and queue reads all of it, over the services.
    private func beginFinalReads() {
        for (number, structure) in plan.structures.enumerated()
        where structure != nil || plan.transactions[number] != nil {
            if number < clients.count { clients[number].beginFinalReads() }
        }
        if plan.bank != nil || plan.spread != nil || plan.anomalies != nil {
            clients[0].beginFinalReads()
        }
    }

    /// Nothing more is to be learned: every client is done, or a machine saw a broken promise.
    private var isOver: Bool { clients.allSatisfy(\.isFinished) || !alarms.isEmpty }

    /// Lets everything come to its end, which it must, and judges.
    private func judgeAtRest() -> Verdict {
        guard alarms.isEmpty else { return judge() }
        run(until: now.advanced(by: World.restTime)) { !alarms.isEmpty }
        // Their walks would go on for ever.
        for coordinator in coordinators { coordinator.drain() }
        run(until: now.advanced(by: World.restTime)) {
            !alarms.isEmpty || coordinators.allSatisfy(\.leftovers.isEmpty)
        }
        let verdict = judge()
        guard case .valid = verdict.outcome else { return verdict }
        let processes = (services + clients.map(\.node)).map { process($0) }
        let leftovers = processes.flatMap(\.leftovers)
        return leftovers.isEmpty ? verdict : self.verdict(.stuck(leftovers))
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
                        knowsEveryLife: !plan.isEmbedded)
                    let isSound = results.allSatisfy(\.violations.isEmpty)
                    return try results + (isSound ? logs.map { try disks.check($0) } : [])
                }
            }
            for collection in history.customs.collections {
                check(collection, &violations, &checkedCount) {
                    try checkCustom(collection, disks)
                }
            }
            checkTransactions(disks, &violations, &checkedCount)
            if !plan.isEmbedded {
                check("a shard", &violations, &checkedCount) {
                    [try disks.checkStrays(of: plan.names)]
                }
                for collection in history.lives.collections {
                    check(collection, &violations, &checkedCount) {
                        let lives = try disks.lives(of: collection)
                        return [
                            LivesChecker.check(
                                history.lives, collection: collection, lives: lives)
                        ]
                    }
                }
            }
        } catch {
            violations.append("the disks cannot be read at the end: \(error)")
        }
        if !violations.isEmpty { return verdict(.invalid(violations)) }
        if checkedCount == 0 { return verdict(.unknown("nothing was there to be checked")) }
        return verdict(.valid)
    }

    /// What was done in transactions over several collections.
    private func checkTransactions(
        _ disks: FinalDisks, _ violations: inout [String], _ checkedCount: inout Int
    ) {
        if let bank = plan.bank {
            check("the bank", &violations, &checkedCount) { [BankChecker.check(history.bank)] }
            for branch in bank.branchNames {
                check(branch, &violations, &checkedCount) {
                    try disks.structureLogs(branch).map { try disks.check($0) }
                }
            }
        }
        if let spread = plan.spread {
            check("the lists", &violations, &checkedCount) {
                SpreadChecker.check(history.spread)
            }
            for tree in spread.treeNames {
                check(tree, &violations, &checkedCount) {
                    try disks.structureLogs(tree).map { try disks.check($0) }
                }
            }
        }
        if let anomalies = plan.anomalies {
            check(anomalies.anomaly.rawValue, &violations, &checkedCount) {
                [anomalies.anomaly.check(history.anomalies)]
            }
            for (place, name) in anomalies.collectionNames.enumerated()
            where anomalies.kind(of: place).hasBlocks {
                check(name, &violations, &checkedCount) {
                    try disks.structureLogs(name).map { try disks.check($0) }
                }
            }
        }
    }

    private func checkCustom(_ collection: String, _ disks: FinalDisks) throws -> [CheckResult] {
        let logs = try disks.structureLogs(collection)
        let results = [
            CustomChecker.check(
                history.customs, collection: collection, logs: logs.map(\.custom),
                knowsEveryLife: !plan.isEmbedded),
            AttemptChecker.check(
                history.attempts, collection: collection, logs: logs.map(\.custom)),
        ]
        let isSound = results.allSatisfy(\.violations.isEmpty)
        return try results + (isSound ? logs.map { try disks.check($0) } : [])
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
            + history.customs.records.count { $0.fate == .landed }
            + history.bank.transfers.count { $0.outcome == .committed }
            + history.spread.committedWriteCount + history.anomalies.committedWriteCount
        return Verdict(
            seed: seed, outcome: outcome, trace: trace, eventCount: eventCount,
            operationCount: history.operations.count + history.structures.operations.count
                + history.customs.records.count + history.customs.readings.count
                + history.bank.transfers.count + history.spread.transactions.count
                + history.anomalies.transactions.count,
            acknowledgedCount: acknowledged,
            simulatedTime: now.since(.origin), report: report)
    }
}
