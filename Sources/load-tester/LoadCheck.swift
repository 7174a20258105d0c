import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// Reads everything after the last client is done, and compares it with what they were told.
struct LoadCheck {
    let setting: LoadSetting
    let database: Database
    let name: String
    let progress: ProgressTeller

    /// - Throws: What the cluster answered when it could not be read for
    ///   ``Limits/importPatience``.
    func check(_ state: LoadState) async throws -> CheckResult {
        progress.tell("reading everything back")
        let start = setting.environment.now()
        var result: CheckResult
        while true {
            do {
                result = try await read(state)
                break
            } catch let error as DatabaseError {
                let waited = setting.environment.now().since(start)
                guard waited < Limits.importPatience else { throw error }
                progress.tell("reading begins again: \(error)")
                try await Task.sleep(for: Limits.importPause)
            }
        }
        for violation in state.seen.withLock({ $0.violations }) { result.violation(violation) }
        return result
    }

    private func read(_ state: LoadState) async throws -> CheckResult {
        if setting.workload.isBank {
            let bank = try await LoadBank.open(name, in: database)
            let statement = try await bank.statement(setting.environment)
            return BankChecker.check(
                state.bank.withLock { history in
                    history.statements = [statement]
                    return history
                })
        }
        guard setting.workload.usesRecords else {
            let diary = try await database.openDiary(named: name)
            var final: [History.Observation] = []
            for try await item in diary.entries() {
                final.append(
                    History.Observation(
                        position: item.position.place, value: LoadAppend.name(of: item.value)))
            }
            return LoadAppend.check(
                state.history.withLock { $0 }, collection: name, final: final)
        }
        var checker = LoadChecker(
            loadedCount: setting.records, writes: state.writes.withLock { $0 },
            countsWrites: setting.workload.countsWrites)
        let tree = try await database.openTree(named: name)
        for try await (key, value) in tree.entries() { checker.entry(key, value) }
        for read in state.reads.withLock({ $0 }) { checker.read(read) }
        return checker.finish()
    }
}
