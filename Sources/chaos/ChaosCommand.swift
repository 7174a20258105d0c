import ArgumentParser
import BlockChaos
import BlockDeployment
import BlockOperations
import BlockRuntime
import Foundation

/// Real services, real faults, and the simulator's workloads and checkers.
@main
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Kills, stops and cuts off real services under load, and checks every answer.",
        discussion: """
            Ends with 0 when every promise was kept, with 1 when one was broken, with 2 when the \
            run says nothing (a kind of fault is missing, or it could not be set up), with 3 when \
            something did not come to an end after the faults were over, and with 4 when too \
            little was done before the first fault.
            """,
        subcommands: [ChaosRunCommand.self, ChaosCheckCommand.self],
        defaultSubcommand: ChaosRunCommand.self)

    static func main() async {
        await main(ProcessArguments.textsOrExit(program: "chaos"))
    }
}

/// How results are written.
enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    /// For people.
    case text
    /// One JSON object.
    case json
}

struct ChaosRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Starts a cluster on loopback, disturbs it, and checks.")

    @Option(help: "Seconds in which things go wrong.") var seconds = 60
    @Option(help: "The faults and what clients do are drawn from this. Timing is not.")
    var seed: UInt64 = 1
    @Option(help: "How results are written: text, or json (one object).")
    var output = OutputForm.text
    @Option(help: "A file that the history is written to, whatever the verdict.")
    var history: String?
    @Option(help: "Operations a second before the first fault, or the run counts for nothing.")
    var rateMin = Limits.chaosRateMin
    @Option(help: "Seconds after the faults in which every client must be done.")
    var settleSeconds = Limits.chaosSettleSecondsMax
    @Flag(help: "Prints the faults that the seed draws, and does nothing.") var plan = false

    func validate() throws {
        let range = Limits.chaosSecondsMin...Limits.chaosSecondsMax
        guard range.contains(seconds) else {
            throw ValidationError(
                "--seconds is from \(range.lowerBound) to \(range.upperBound), not \(seconds)")
        }
        guard rateMin >= Limits.chaosRateMin else {
            throw ValidationError(
                "--rate-min is at least \(Limits.chaosRateMin), not \(rateMin)")
        }
        guard (0...Limits.chaosSettleSecondsMax).contains(settleSeconds) else {
            throw ValidationError(
                "--settle-seconds is from 0 to \(Limits.chaosSettleSecondsMax), not "
                    + "\(settleSeconds)")
        }
    }

    func run() async throws {
        StandardDescriptors.reserve()
        let setting = ChaosSetting(
            seconds: seconds, seed: seed, historyFile: history, rateMin: rateMin,
            settleTime: .seconds(settleSeconds))
        if plan { return ChaosReport.say(setting.plan.lines) }
        let report: ChaosReport
        do {
            report = try await ChaosRun.run(setting, tellsPlan: output == .text)
        } catch {
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: "chaos", error))
            Foundation.exit(ChaosVerdict.unknown("").exitStatus)
        }
        ChaosReport.say(output == .json ? [report.json] : report.textLines)
        Foundation.exit(report.verdict.exitStatus)
    }
}

struct ChaosCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks a history that a run has kept.")

    @Argument(help: "The file.") var file: String

    func run() throws {
        let record: ChaosRecord
        do {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            record = try HistoryFile.record(in: text)
        } catch {
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: "chaos", error))
            Foundation.exit(ChaosVerdict.unknown("").exitStatus)
        }
        let verdict = ChaosVerdict(of: record.check())
        ChaosReport.say(verdict.lines)
        Foundation.exit(verdict.exitStatus)
    }
}

/// What a run was asked for.
struct ChaosSetting: Sendable {
    let seconds: Int
    let seed: UInt64
    let historyFile: String?
    /// Operations a second before the first fault, at least.
    let rateMin: Int
    /// Time in which every client must be done once the faults are over and all services run.
    let settleTime: Duration
    let shape: LocalCluster.Shape
    let plan: ChaosPlan

    init(
        seconds: Int, seed: UInt64, historyFile: String?, rateMin: Int, settleTime: Duration
    ) {
        self.rateMin = rateMin
        self.settleTime = settleTime
        self.seconds = seconds
        self.seed = seed
        self.historyFile = historyFile
        var shape = LocalCluster.Shape()
        shape.name = "chaos"
        shape.proxies = 2
        self.shape = shape
        plan = ChaosPlan(
            seed: seed, members: LocalCluster.members(of: shape), faultTime: .seconds(seconds))
    }
}

extension ChaosPlan {
    /// A line for each fault.
    var lines: [String] {
        ["seed \(seed), \(faultTime.milliseconds / 1000) s of faults:"]
            + events.map { event in
                String(
                    format: "  %6.2f s to %6.2f s  ", event.begin.inSeconds, event.end.inSeconds)
                    + event.fault.description
            }
    }
}

extension Duration {
    var inSeconds: Double { Double(nanoseconds) / 1_000_000_000 }
}
