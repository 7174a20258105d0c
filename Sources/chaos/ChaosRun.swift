import BlockChaos
import BlockDeployment
import BlockOperations
import BlockRuntime
import BlockWorkloads
import Foundation
import Optimystic
import Synchronization

/// One run: warm-up, faults, healing and liveness, final reads, checks.
struct ChaosRun {
    /// Before the first fault; the rate is that of its second half.
    private static let warmUpTime = Duration.seconds(4)
    private static let tick = Duration.milliseconds(50)

    let setting: ChaosSetting
    let field: ChaosField
    let state = ChaosState()

    private var environment: BlockRuntime.Environment { field.cluster.environment }

    /// - Parameter tellsPlan: Whether the plan is printed before the run.
    /// - Throws: When the cluster cannot be set up; nothing is left then.
    static func run(_ setting: ChaosSetting, tellsPlan: Bool) async throws -> ChaosReport {
        if tellsPlan { ChaosReport.say(setting.plan.lines) }
        let stop = try StopSignal.install()
        let cluster = try LocalCluster(executables: try ownFolder(), shape: setting.shape)
        stop.onRequest {
            cluster.tearDown()
            _exit(BlockOperations.ExitCode.tryAgain.rawValue)
        }
        do {
            let field = try ChaosField(cluster, seed: setting.seed)
            var report = try await ChaosRun(setting: setting, field: field).run()
            let keeps = report.verdict != .valid
            if keeps { report.directory = cluster.directory }
            cluster.tearDown(keepsDirectory: keeps)
            return report
        } catch {
            cluster.tearDown()
            throw error
        }
    }

    private static func ownFolder() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return (path as NSString).deletingLastPathComponent
    }

    private init(setting: ChaosSetting, field: ChaosField) {
        self.setting = setting
        self.field = field
    }

    private func run() async throws -> ChaosReport {
        let clients = makeClients()
        state.record.withLock { $0.undone = Set(clients.map(\.number)) }
        let (rate, undone) = try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { try await client.run() } }
            let rate = try await warmUp()
            var undone: [String] = []
            if rate >= Double(setting.rateMin) {
                tell("warmed up, \(Int(rate)) operations a second; faults begin")
                do {
                    try await disturb()
                    try field.heal()
                    tell("the faults are over, everything runs again")
                } catch let error as DatabaseError {
                    // What happened until then is checked all the same.
                    undone.append("not everything runs again: \(error)")
                }
            }
            state.isHealed.store(true, ordering: .releasing)
            undone += try await awaitClients()
            group.cancelAll()
            // What a cancelled client throws says no more than that it was cancelled.
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
            return (rate, undone)
        }
        var report = ChaosReport(setting: setting, rate: rate)
        report.undone = undone
        await finish(&report)
        report.take(field, state)
        try keepHistory(report)
        return report
    }

    private func makeClients() -> [ChaosClient] {
        var generator = SeededGenerator(seed: setting.seed)
        var clients: [ChaosClient] = []
        for lane in ChaosLane.all {
            for _ in 0..<lane.clientCount {
                let number = clients.count + 1
                let addresses = field.proxyAddresses
                let first = number % addresses.count
                clients.append(
                    ChaosClient(
                        number: number, lane: lane,
                        addresses: Array(addresses[first...] + addresses[..<first]),
                        clusterName: setting.shape.name, environment: environment,
                        state: state, generator: generator.fork()))
            }
        }
        return clients
    }

    // MARK: Phases

    /// - Returns: Operations a second in its second half.
    private func warmUp() async throws -> Double {
        try await Task.sleep(for: ChaosRun.warmUpTime / 2)
        let before = state.record.withLock { $0.successCount }
        let start = environment.now()
        try await Task.sleep(for: ChaosRun.warmUpTime / 2)
        let count = state.record.withLock { $0.successCount } - before
        return Double(count) / environment.now().since(start).inSeconds
    }

    /// Does what the plan says, when it says so.
    private func disturb() async throws {
        enum Step: Int { case begin, end }
        var steps: [(at: Duration, number: Int, step: Step)] = []
        for (number, event) in setting.plan.events.enumerated() {
            steps.append((event.begin, number, .begin))
            steps.append((event.end, number, .end))
        }
        // A fault without a duration ends after it has begun.
        steps.sort {
            ($0.at, $0.number, $0.step.rawValue) < ($1.at, $1.number, $1.step.rawValue)
        }
        let start = environment.now()
        for step in steps {
            try await pause(until: start.advanced(by: step.at))
            switch step.step {
            case .begin:
                let fault = setting.plan.events[step.number].fault
                tell(fault.description)
                field.begin(fault, step.number)
            case .end: try field.end(step.number)
            }
        }
        try await pause(until: start.advanced(by: setting.plan.faultTime))
    }

    private func pause(until instant: Instant) async throws {
        try await Task.sleep(for: instant.since(environment.now()))
    }

    /// - Returns: Clients that are not done in time.
    private func awaitClients() async throws -> [String] {
        let end = environment.now().advanced(by: setting.settleTime)
        while true {
            let undone = state.record.withLock { $0.undone }
            guard !undone.isEmpty, environment.now() < end else {
                return undone.sorted().map { "client \($0) is not done" }
            }
            try await Task.sleep(for: ChaosRun.tick)
        }
    }

    /// Reads every log, checks, verifies, and stops the cluster.
    private func finish(_ report: inout ChaosReport) async {
        tell("reading everything back")
        report.record.history = state.record.withLock { $0.history }
        let end = environment.now().advanced(by: setting.settleTime)
        while true {
            do {
                let reader = try await FinalReader(field.url)
                defer { reader.close() }
                report.record.logs = try await reader.logs(of: report.record.collections)
                var transactions = report.record.history.transactions
                try await reader.readLast(&transactions, environment)
                report.record.history.transactions = transactions
                report.verifyFindings = try await reader.findings()
                break
            } catch {
                if environment.now() >= end {
                    report.undone.append("not everything can be read: \(error)")
                    break
                }
                try? await Task.sleep(for: ChaosRun.tick)
            }
        }
        tell("checking \(report.record.collections.count) collections")
        report.check = report.record.check()
        report.stopProblems = field.stop()
    }

    /// Writes the history where it was asked for, and beside the logs when the run did not pass.
    private func keepHistory(_ report: ChaosReport) throws {
        var files = [setting.historyFile].compactMap { $0 }
        if report.verdict != .valid { files.append(field.cluster.directory + "/history.jsonl") }
        guard !files.isEmpty else { return }
        let text = try HistoryFile.text(of: report.record)
        for file in files { try text.write(toFile: file, atomically: true, encoding: .utf8) }
    }

    private func tell(_ sentence: String) {
        LineWriter.standardError.writeLine("chaos: \(sentence)")
    }
}
