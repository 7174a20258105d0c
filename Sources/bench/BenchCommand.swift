import ArgumentParser
import BlockMeasurement
import BlockOperations
import BlockRuntime
import Foundation

/// Measures, in one run on one machine, what the goals of performance are about.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures the parts and the whole, and prints medians beside the aims.",
        discussion: """
            The figures depend on the machine and on what else runs on it: compare ratios of one \
            run. The services that are measured are the executables beside this one.
            """)

    static func main() async {
        await main(
            ProcessArguments.textsOrExit(
                program: "bench", repeating: ["--only", "--load", "--clients"]))
    }

    /// How results are written.
    enum OutputForm: String, ExpressibleByArgument, CaseIterable {
        /// For people.
        case text
        /// One JSON object a line, with stable keys.
        case json
    }

    @Option(help: "Measure this alone. May be given several times.")
    var only: [Benchmark] = []

    @Option(help: "Of the work that commits, this alone (diary or tree). May be given twice.")
    var load: [String] = []

    @Option(help: "Numbers of clients that commit. May be given several times.")
    var clients: [Int] = []

    @Option(help: "Seconds of each measurement of work that commits; 1 to 600.")
    var seconds = 2

    @Option(help: "Runs of each measurement, of which the median is printed; 1 to 100.")
    var runs = 5

    @Option(help: "How results are written: text, or json (one object a line).")
    var output = OutputForm.text

    @Option(help: "Commits of the benchmark history; 2,000 to 10,000,000.")
    var commits = 20_000

    @Option(help: "Minutes of a soak; 3 to 1,440.")
    var minutes = 10

    @Option(help: "The folder of the programs that `make bench-peers` builds.")
    var peerPrograms: String?

    func validate() throws {
        guard (1...100).contains(runs) else {
            throw ValidationError("--runs is from 1 to 100, not \(runs)")
        }
        guard (1...600).contains(seconds) else {
            throw ValidationError("--seconds is from 1 to 600, not \(seconds)")
        }
        for name in load where !CommitLoad.ofOneCollection.contains(where: { $0.name == name }) {
            throw ValidationError("--load is diary or tree, not \(name)")
        }
        for count in clients where !(1...4096).contains(count) {
            throw ValidationError("--clients is from 1 to 4,096, not \(count)")
        }
        guard (2000...10_000_000).contains(commits) else {
            throw ValidationError("--commits is from 2,000 to 10,000,000, not \(commits)")
        }
        guard (3...1440).contains(minutes) else {
            throw ValidationError("--minutes is from 3 to 1,440, not \(minutes)")
        }
        guard !only.contains(.peers) || peerPrograms != nil else {
            throw ValidationError("peers wants --peer-programs; `make bench-peers` does it all")
        }
    }

    func run() async throws {
        let cleanup = Cleanup()
        let stop = try StopSignal.install()
        stop.onRequest {
            cleanup.run()
            _exit(BlockOperations.ExitCode.tryAgain.rawValue)
        }
        let setting = BenchSetting(
            runs: runs, environment: .live(), cleanup: cleanup, historyCount: commits,
            minutes: minutes, peers: peerPrograms.map(PeerPrograms.init(in:)), loads: load,
            clientCounts: clients,
            measuredTime: .seconds(seconds))
        if output == .text {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            say("\(cores) cores; medians of \(runs) runs; release \(Release.version)")
        }
        defer { cleanup.run() }
        do {
            for benchmark in only.isEmpty ? Benchmark.usual : only {
                report(benchmark, try await benchmark.run(setting))
            }
        } catch let error as DatabaseError {
            cleanup.run()
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: "bench", error))
            Foundation.exit(BlockOperations.ExitCode(for: error).rawValue)
        }
    }

    private func report(_ benchmark: Benchmark, _ measurements: [MeasuredFigure]) {
        switch output {
        case .json: for measurement in measurements { say(measurement.json) }
        case .text:
            say("\n\(benchmark.rawValue): \(benchmark.title)")
            for line in FigureTable.lines(measurements) { say(line) }
        }
    }

    private func say(_ text: String) { LineWriter.standardOutput.writeLine(text) }
}
