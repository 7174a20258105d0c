import BlockModel
import BlockOperations
import BlockRuntime
import BlockSimulation
import Glibc

/// Runs worlds.
///
/// Exit status: 0 valid, 1 a promise was broken, 2 unknown, 3 something never ended, 64 usage. A
/// broken promise ends a run of many seeds; of what else was not valid the run tells at its end.
@main
enum Simulator {
    static func main() async {
        LostOutput.endsProcess()
        let command = Command(CommandLine.arguments.dropFirst())
        if command.listsBugs {
            for bug in PlantedBug.allCases { print(bug.rawValue) }
            exit(0)
        }
        #if SIMULATION_HOOKS
        if command.isGate { exit(MutationGate.run(command)) }
        #else
        if command.printsMarks || command.isGate { usage("this build has no marks and no bugs") }
        if command.bug != nil { usage("this build has no bugs; use `make simulate BUG=…`") }
        #endif
        exit(await run(command))
    }

    /// Runs the worlds, as many side by side as there are jobs.
    private static func run(_ command: Command) async -> Int32 {
        var total = Total()
        var seeds = command.seeds.makeIterator()
        var isOver = false
        await withTaskGroup(of: Run.self) { group in
            func beginNext() {
                guard !isOver, let seed = seeds.next() else { return }
                group.addTask { Run(seed, command, isTraced: command.isTraced) }
            }
            for _ in 0..<command.jobCount { beginNext() }
            while let run = await group.next() {
                total.add(run)
                let verdict = run.verdict
                if command.printsHashes {
                    print("\(verdict.seed) \(String(verdict.trace.value, radix: 16))")
                } else if verdict.outcome != .valid || command.seeds.count == 1 {
                    report(verdict, command)
                }
                // Those that are under way are still told of.
                if run.endsAll(command) { isOver = true }
                beginNext()
            }
        }
        if !command.printsHashes { total.report(command) }
        return total.status
    }

    /// A failure shows what led to it, and how to see all of it.
    private static func report(_ verdict: Verdict, _ command: Command) {
        if command.isTraced {
            show(verdict.report, eventCount: .max)
        } else if verdict.outcome != .valid, command.bug == nil || command.seeds.count == 1 {
            // The text is made only now: the same seed is the same run.
            show(Run(verdict.seed, command, isTraced: true).verdict.report, eventCount: 200)
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
                             [--jobs N] SEED [LAST]
                   simulator --gate [--bug NAME]
                   simulator --list-bugs

            """
        _ = text.withCString { write(2, $0, strlen($0)) }
        exit(64)
    }
}
