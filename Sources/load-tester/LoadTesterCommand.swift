import ArgumentParser
import BlockDeployment
import BlockOperations
import BlockRuntime
import BlockWorkloads
import Foundation
import Optimystic

extension LoadWorkload: ExpressibleByArgument {}

/// Puts load on a cluster, says what it got done and how long that took, and checks that what was
/// acknowledged is there.
@main
struct LoadTesterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-tester",
        abstract: "Puts load on a cluster, measures it, and checks what was acknowledged.",
        discussion: """
            Workloads (a to f are those of YCSB):
            \(workloads)

            Without a URL it starts a cluster of its own on loopback, of the executables beside \
            it. Each client waits for an answer before it asks again, so a stall of the cluster \
            shows in the rate and the maximum more than in the percentiles.

            Ends with 0 when everything that was acknowledged is there, with 70 when something is \
            not, and with 69 when nothing was acknowledged at all.
            """)

    static func main() async {
        await main(ProcessArguments.textsOrExit(program: "load-tester"))
    }

    private static var workloads: String {
        LoadWorkload.allCases.map { "  \($0): \($0.title)" }.joined(separator: "\n")
    }

    /// How results are written.
    enum OutputForm: String, ExpressibleByArgument, CaseIterable {
        /// For people.
        case text
        /// One JSON object a line, with stable keys.
        case json
    }

    @Option(help: "What the clients do.") var workload = LoadWorkload.a
    @Option(help: "Clients, each a task that does one operation after the other.")
    var clients = 64
    @Option(help: "Connections that the clients share. Default: 4, or the number of clients.")
    var connections: Int?
    @Option(help: "Seconds that are measured.") var seconds = 30
    @Option(name: .customLong("warm-up"), help: "Seconds before, which are not measured.")
    var warmUp = 3
    @Option(help: "Records of the tree, which are loaded first.") var records = 100_000
    @Option(help: "Bytes of each value.") var valueBytes = 256
    @Option(help: "What is drawn is drawn from this. Default: another one each time.")
    var seed: UInt64?
    @Option(
        help: ArgumentHelp(
            "A cluster that runs: optimystic://host:port,host:port/clusterName.",
            discussion: "Default: the environment variable OPTIMYSTIC_URL; if there is none, a "
                + "cluster of its own.", valueName: "url"))
    var connect: String?
    @Option(help: "How results are written: text, or json (one object a line).")
    var output = OutputForm.text

    func validate() throws {
        func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                let bounds = "\(range.lowerBound) to \(range.upperBound)"
                throw ValidationError("--\(name) is from \(bounds), not \(value)")
            }
        }
        try require("clients", clients, 1...Limits.loadClientCountMax)
        try require("connections", connectionCount, 1...clients)
        try require("seconds", seconds, 1...Limits.loadSecondsMax)
        try require("warm-up", warmUp, 0...Limits.loadSecondsMax)
        try require("records", records, 1...Limits.loadRecordCountMax)
        try require(
            "value-bytes", valueBytes, LoadRecord.valueBytesMin...Limits.valueBytesMax)
    }

    private var connectionCount: Int { connections ?? min(4, clients) }

    func run() async throws {
        let environment = BlockRuntime.Environment.live()
        let setting = LoadSetting(
            workload: workload, clients: clients, connections: connectionCount, seconds: seconds,
            warmUpSeconds: warmUp, records: records, valueBytes: valueBytes,
            seed: seed ?? environment.entropy(), environment: environment)
        let stop = try StopSignal.install()
        do {
            let variable = try ProcessArguments.variable("OPTIMYSTIC_URL").map {
                bytes throws(DatabaseError) in
                try OutsideText.text(of: bytes, "the variable OPTIMYSTIC_URL")
            }
            let named = connect ?? variable
            let report: LoadReport
            if let named {
                stop.onRequest { _exit(BlockOperations.ExitCode.tryAgain.rawValue) }
                report = try await LoadRun.run(setting, url: named)
            } else {
                report = try await runOnOwnCluster(setting, stop)
            }
            say(report)
            if let ending = report.failure { Foundation.exit(ending.rawValue) }
        } catch let error as DatabaseError {
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: "load-tester", error))
            Foundation.exit(BlockOperations.ExitCode(for: error).rawValue)
        }
    }

    private func runOnOwnCluster(
        _ setting: LoadSetting, _ stop: StopSignal
    ) async throws -> LoadReport {
        let cluster = try LocalCluster(executables: try ownFolder())
        stop.onRequest {
            cluster.tearDown()
            _exit(BlockOperations.ExitCode.tryAgain.rawValue)
        }
        defer { cluster.tearDown() }
        try cluster.startAll()
        return try await LoadRun.run(setting, url: cluster.url)
    }

    private func ownFolder() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return (path as NSString).deletingLastPathComponent
    }

    private func say(_ report: LoadReport) {
        for line in output == .json ? report.jsonLines : report.textLines {
            LineWriter.standardOutput.writeLine(line)
        }
    }
}

/// What a load test was asked for.
struct LoadSetting: Sendable {
    let workload: LoadWorkload
    let clients: Int
    let connections: Int
    let seconds: Int
    let warmUpSeconds: Int
    let records: Int
    let valueBytes: Int
    let seed: UInt64
    let environment: BlockRuntime.Environment
}
