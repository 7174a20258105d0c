import BlockChaos
import BlockDeployment
import BlockOperations
import BlockRuntime
import BlockWorkloads
import Foundation
import Synchronization

/// What a run says at its end.
struct ChaosReport {
    let setting: ChaosSetting
    /// Operations a second before the first fault.
    let rate: Double
    var record = ChaosRecord()
    var undone: [String] = []
    var check = CheckResult()
    var verifyFindings: [String] = []
    var stopProblems: [String] = []
    private var selfEnded: [String] = []
    private var faults: [ChaosPlan.Fault.Kind: Int] = [:]
    private var killedRoles: Set<LocalCluster.Member.Role> = []
    private var restartCount = 0
    private var powerLoss = PowerCut.Loss()
    private var powerCutProblems: [String] = []
    private var relayed = Relay.Counts()
    private var brokenConnectionCount = 0
    private var crashCount = 0
    /// Where data, logs and history are, when they were kept.
    var directory: String?

    init(setting: ChaosSetting, rate: Double) {
        self.setting = setting
        self.rate = rate
    }

    mutating func take(_ field: ChaosField, _ state: ChaosState) {
        faults = field.counts
        killedRoles = field.killedRoles
        restartCount = field.restartCount
        selfEnded = field.selfEnded
        powerLoss = field.powerLoss
        powerCutProblems = field.powerCutProblems
        relayed = field.relay.counts
        (brokenConnectionCount, crashCount) = state.record.withLock {
            ($0.brokenConnectionCount, $0.crashCount)
        }
    }

    var verdict: ChaosVerdict {
        var conduct = ChaosVerdict.Conduct(rate: rate, rateMin: setting.rateMin)
        conduct.undone = undone + powerCutProblems
        conduct.problems = verifyFindings + selfEnded + stopProblems
        conduct.killedRoles = killedRoles
        conduct.faults = faults
        return ChaosVerdict(of: check, conduct)
    }

    // MARK: For people

    var textLines: [String] {
        let outcomes = record.outcomes
        let fired = ChaosPlan.Fault.Kind.allCases.map { "\($0.rawValue) \(faults[$0, default: 0])" }
        var lines = [""]
        func add(_ subject: String, _ text: String) {
            let width = 14
            lines.append(subject + String(repeating: " ", count: width - subject.count) + text)
        }
        add("faults", "\(fired.joined(separator: ", ")); \(restartCount) restarts")
        add(
            "",
            "power cuts took \(powerLoss.byteCount) unsynced bytes of \(powerLoss.fileCount) files")
        add("relay", "\(relayed.connections) connections, \(relayed.relayedBytes) bytes")
        add(
            "",
            "\(relayed.droppedMessages) messages lost, \(relayed.resetConnections) "
                + "connections broken, \(relayed.halfOpenConnections) half-open")
        add("clients", "\(Int(rate)) operations a second before the first fault")
        add("", "\(brokenConnectionCount) connections broken in a request, \(crashCount) deaths")
        add("operations", "\(outcomes.total) on \(record.collections.count) collections")
        add("", "\(outcomes.acknowledged) acknowledged, \(outcomes.answered) answered")
        add("", "\(outcomes.refused) certainly without effect, \(outcomes.unknown) unknown")
        add(
            "",
            "of unknown appends \(outcomes.unknownFound) are there, "
                + "\(outcomes.unknownAbsent) are not")
        let transactions = transactionCounts
        add(
            "transactions",
            "\(transactions[.committed, default: 0]) committed, "
                + "\(transactions[.aborted, default: 0]) failed, "
                + "\(transactions[.unknown, default: 0]) unknown")
        let transfers = record.history.bank.transfers
        add(
            "transfers",
            "\(transfers.count { $0.outcome == .committed }) of \(transfers.count) committed, "
                + "\(record.history.bank.statements.count) looks at whole banks")
        let spread = record.history.spread
        add(
            "spread lists",
            "\(spread.committedWriteCount) of "
                + "\(spread.transactions.count { !$0.writes.isEmpty }) transactions committed")
        add("checks", "\(check.checkedCount)")
        lines.append("")
        lines += verdict.lines
        if let directory {
            lines.append("kept for a look: \(directory) (logs, data, history.jsonl)")
        }
        return lines
    }

    /// Transactions that wrote, by what became of them.
    private var transactionCounts: [TransactionHistory.Outcome: Int] {
        record.history.transactions.transactions.reduce(into: [:]) { counts, transaction in
            if !transaction.writes.isEmpty { counts[transaction.outcome, default: 0] += 1 }
        }
    }

    // MARK: For programs

    var json: String {
        let counts: [String: Int] = [
            "seconds": setting.seconds, "restarts": restartCount,
            "collections": record.collections.count, "checks": check.checkedCount,
        ]
        var object: [String: Any] = counts
        object["seed"] = setting.seed
        object["verdict"] = verdict.name
        object["reasons"] = verdict.reasons
        object["rate"] = rate
        object["plan"] = setting.plan.events.map(\.fault.description)
        object["faults"] = Dictionary(
            uniqueKeysWithValues: ChaosPlan.Fault.Kind.allCases.map {
                ($0.rawValue, faults[$0, default: 0])
            })
        object["killedRoles"] = killedRoles.map(\.rawValue).sorted()
        object["relay"] = relayObject
        object["powerCuts"] = ["bytes": powerLoss.byteCount, "files": powerLoss.fileCount]
        object["clients"] = ["brokenConnections": brokenConnectionCount, "deaths": crashCount]
        object["operations"] = operationObject
        object["transactions"] = Dictionary(
            uniqueKeysWithValues: transactionCounts.map { ($0.key.rawValue, $0.value) })
        if let directory { object["directory"] = directory }
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        else { fatalError("invariant: a report has a number that JSON does not know") }
        return String(decoding: data, as: UTF8.self)
    }

    private var relayObject: [String: Int] {
        [
            "connections": relayed.connections, "bytes": relayed.relayedBytes,
            "lostMessages": relayed.droppedMessages,
            "brokenConnections": relayed.resetConnections,
            "halfOpenConnections": relayed.halfOpenConnections,
        ]
    }

    private var operationObject: [String: Int] {
        let outcomes = record.outcomes
        return [
            "total": outcomes.total, "acknowledged": outcomes.acknowledged,
            "answered": outcomes.answered, "refused": outcomes.refused,
            "unknown": outcomes.unknown, "unknownFound": outcomes.unknownFound,
            "unknownAbsent": outcomes.unknownAbsent,
        ]
    }

    static func say(_ lines: [String]) {
        for line in lines { LineWriter.standardOutput.writeLine(line) }
    }
}
