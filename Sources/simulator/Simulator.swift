import BlockRuntime
import BlockSimulation
import Glibc

/// Runs worlds.
///
/// Exit status: 0 valid, 1 a promise was broken, 2 unknown, 3 something never ended, 64 usage. A
/// broken promise ends a run of many seeds; of what else was not valid the run tells at its end.
@main
enum Simulator {
    static func main() {
        let command = Command(CommandLine.arguments.dropFirst())
        if command.listsBugs {
            for bug in PlantedBug.allCases { print(bug.rawValue) }
            exit(0)
        }
        #if SIMULATION_HOOKS
        if command.isGate { exit(MutationGate.run(command)) }
        let recorder = MarkRecorder()
        let status = SimulationHooks.$marks.withValue(recorder) { run(command) }
        if command.printsMarks {
            for (mark, count) in recorder.counts.sorted(by: { $0.key < $1.key }) {
                print("\(mark) \(count)")
            }
        }
        #else
        if command.printsMarks || command.isGate { usage("this build has no marks and no bugs") }
        let status = run(command)
        #endif
        exit(status)
    }

    private static func run(_ command: Command) -> Int32 {
        var total = Total()
        for seed in command.seeds {
            let verdict = world(seed, command, isTraced: command.isTraced)
            total.add(verdict)
            if command.printsHashes {
                print("\(seed) \(String(verdict.trace.value, radix: 16))")
            } else if verdict.outcome != .valid || command.seeds.count == 1 {
                report(verdict, command)
            }
            if verdict.exitStatus == 1 || verdict.exitStatus != 0 && command.bug != nil { break }
        }
        if !command.printsHashes { total.report(command) }
        return total.status
    }

    private static func world(_ seed: UInt64, _ command: Command, isTraced: Bool) -> Verdict {
        func run() throws -> Verdict {
            try World.run(
                seed: seed, isTraced: isTraced, operationCount: command.operationCount)
        }
        do {
            #if SIMULATION_HOOKS
            guard let bug = command.bug else { return try run() }
            return try SimulationHooks.$plantedBug.withValue(bug, operation: run)
            #else
            if command.bug != nil { usage("this build has no bugs; use `make simulate BUG=…`") }
            return try run()
            #endif
        } catch {
            usage("seed \(seed): \(error)")
        }
    }

    /// A failure shows what led to it, and how to see all of it.
    private static func report(_ verdict: Verdict, _ command: Command) {
        if command.isTraced {
            show(verdict.report, eventCount: .max)
        } else if verdict.outcome != .valid, command.bug == nil || command.seeds.count == 1 {
            // The text is made only now: the same seed is the same run.
            show(world(verdict.seed, command, isTraced: true).report, eventCount: 200)
        }
        print(
            "seed \(verdict.seed): \(verdict.outcome), "
                + "trace \(String(verdict.trace.value, radix: 16)), "
                + "\(verdict.eventCount) events, \(verdict.operationCount) operations, "
                + "\(verdict.acknowledgedCount) acknowledged, "
                + "\(verdict.simulatedTime.milliseconds) ms simulated")
        guard verdict.outcome != .valid else { return }
        let bug = command.bug.map { " BUG=\($0.rawValue)" } ?? ""
        print("replay it: make simulate SEED=\(verdict.seed)\(bug) TRACE=1")
    }

    private static func show(_ report: WorldReport, eventCount: Int) {
        for (node, lines) in report.logsByNode {
            print("log of \(node):")
            for line in lines { print("    \(line)") }
        }
        print(eventCount < report.events.count ? "the last \(eventCount) events:" : "events:")
        for line in report.events.suffix(eventCount) { print(line) }
    }

    static func usage(_ problem: String) -> Never {
        let text = """
            simulator: \(problem)
            usage: simulator [--trace] [--marks] [--hashes] [--operations N] [--bug NAME]
                             SEED [LAST]
                   simulator --gate [--bug NAME]
                   simulator --list-bugs

            """
        _ = text.withCString { write(2, $0, strlen($0)) }
        exit(64)
    }
}

/// What was done over all seeds.
private struct Total {
    private var seedCount = 0
    private var eventCount = 0
    private var operationCount = 0
    private var acknowledgedCount = 0
    private var failures: [Int32: Int] = [:]

    mutating func add(_ verdict: Verdict) {
        seedCount += 1
        eventCount += verdict.eventCount
        operationCount += verdict.operationCount
        acknowledgedCount += verdict.acknowledgedCount
        if verdict.exitStatus != 0 { failures[verdict.exitStatus, default: 0] += 1 }
    }

    /// A broken promise says more than a standstill, and that more than a run that says nothing.
    var status: Int32 { [1, 3, 2].first { failures[$0] != nil } ?? 0 }

    func report(_ command: Command) {
        let name = command.bug.map { "\($0.rawValue): " } ?? ""
        let words =
            [(1, "broke a promise"), (3, "never ended"), (2, "said nothing")] as [(Int32, _)]
        let parts = words.compactMap { status, what in failures[status].map { "\($0) \(what)" } }
        print(
            name + "\(seedCount) seeds, \(eventCount) events, \(operationCount) operations, "
                + "\(acknowledgedCount) acknowledged, "
                + (parts.isEmpty ? "all valid" : parts.joined(separator: ", ")))
    }
}
