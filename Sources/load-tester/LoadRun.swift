import BlockMeasurement
import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// One load test from the first record to the last check.
struct LoadRun {
    let setting: LoadSetting
    let databases: [Database]
    /// Of the collection it works on, which is new.
    let name: String
    let progress: ProgressTeller

    static func run(_ setting: LoadSetting, url: String) async throws -> LoadReport {
        var databases: [Database] = []
        defer { for database in databases { database.close() } }
        for _ in 0..<setting.connections { databases.append(try await Database.connect(url)) }
        let name = "load-\(setting.workload.rawValue)-\(setting.environment.identifier())"
        let run = LoadRun(
            setting: setting, databases: databases, name: name,
            progress: ProgressTeller(setting.environment))
        return try await run.run()
    }

    private func run() async throws -> LoadReport {
        let loading = try await load()
        let state = LoadState(
            loaded: setting.workload == .append ? 0 : setting.records)
        let elapsed = try await drive(state)
        var check = CheckResult()
        var obstacle: DatabaseError?
        do {
            check = try await LoadCheck(
                setting: setting, database: databases[0], name: name, progress: progress
            ).check(state)
        } catch let error as DatabaseError {
            // What was measured is told all the same.
            obstacle = error
        }
        // What is wrong is left for people to look at.
        if check.violations.isEmpty, obstacle == nil { await dropCollection() }
        return LoadReport(
            setting: setting, collection: name, loadSeconds: loading, elapsedSeconds: elapsed,
            tally: state.tally.withLock { $0 }, writesPerEntry: state.writesPerEntry,
            check: check, obstacle: obstacle)
    }

    private func dropCollection() async {
        do {
            let names = setting.workload.isBank ? LoadBank.names(name) : [name]
            for name in names { try await databases[0].drop(name) }
        } catch {
            progress.tell("\(name) could not be dropped: \(error)")
        }
    }

    /// - Returns: The seconds it took; nil when there is nothing to load.
    private func load() async throws -> Double? {
        if setting.workload.isBank {
            _ = try await LoadBank.open(name, in: databases[0])
            return nil
        }
        guard setting.workload.usesRecords else {
            _ = try await databases[0].diary(named: name)
            return nil
        }
        let began = setting.environment.now()
        let loader = RecordLoader(
            tree: try await databases[0].tree(named: name), database: databases[0],
            setting: setting, progress: progress)
        try await loader.load()
        progress.tell("all \(setting.records) records are loaded")
        return setting.environment.now().since(began).seconds
    }

    private func open(_ database: Database) async throws -> LoadTarget {
        if setting.workload.isBank { return .bank(try await LoadBank.open(name, in: database)) }
        return setting.workload.usesRecords
            ? .tree(try await database.openTree(named: name))
            : .diary(try await database.openDiary(named: name))
    }

    /// Lets the clients work.
    /// - Returns: Seconds from the end of the warm-up until the last client was done.
    private func drive(_ state: LoadState) async throws -> Double {
        let choice = LoadChoice(
            setting.workload, recordCount: setting.records,
            generator: SeededGenerator(seed: setting.seed))
        var targets: [LoadTarget] = []
        for database in databases { targets.append(try await open(database)) }
        let now = setting.environment.now
        let measured = now().advanced(by: .seconds(setting.warmUpSeconds))
        let end = measured.advanced(by: .seconds(setting.seconds))
        // Clients draw from seeds of their own, which follow from that of the run.
        var seeds = SeededGenerator(seed: setting.seed)
        let clients = (0..<setting.clients).map { index in
            LoadClient(
                number: index + 1, setting: setting,
                database: databases[index % databases.count],
                target: targets[index % targets.count], state: state,
                choice: choice.drawing(from: seeds.fork()))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tell(state, from: measured) }
            try await withThrowingTaskGroup(of: Void.self) { working in
                for client in clients {
                    working.addTask { try await client.work(from: measured, until: end) }
                }
                try await working.waitForAll()
            }
            group.cancelAll()
        }
        return now().since(measured).seconds
    }

    /// Tells how it goes until it is cancelled.
    private func tell(_ state: LoadState, from measured: Instant) async throws {
        let environment = setting.environment
        var before = environment.now()
        while true {
            do {
                try await Task.sleep(for: progress.interval)
            } catch {
                return
            }
            let now = environment.now()
            let (latencies, errors) = state.tally.withLock { $0.takeRecent() }
            let phase = now < measured ? "warm-up, " : ""
            progress.tell(
                phase + ProgressTeller.text(latencies, errors, in: now.since(before).seconds))
            before = now
        }
    }
}

extension Duration {
    /// At least a nanosecond, so that a rate is a number.
    var seconds: Double { Double(Swift.max(1, nanoseconds)) / 1_000_000_000 }
}
