import BlockRuntime
import BlockSimulation
import Glibc

/// Runs worlds: `simulator SEED`, `simulator FIRST LAST`, with `--trace`, `--bug NAME`
/// and `--marks`, which prints how often each coverage mark was passed.
///
/// Exit status: 0 valid, 1 a promise was broken, 2 unknown, 3 something never ended, 64 usage.
@main
enum Simulator {
    static func main() {
        var numbers: [UInt64] = []
        var isTraced = false
        var printsMarks = false
        var bug: PlantedBug?
        var arguments = CommandLine.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--trace": isTraced = true
            case "--marks": printsMarks = true
            case "--list-bugs":
                for bug in PlantedBug.allCases { print(bug.rawValue) }
                exit(0)
            case "--bug":
                guard let name = arguments.popFirst(), let known = PlantedBug(rawValue: name) else {
                    usage("--bug wants one of \(PlantedBug.allCases.map(\.rawValue))")
                }
                bug = known
            default:
                guard let number = UInt64(argument) else { usage("\"\(argument)\" is no seed") }
                numbers.append(number)
            }
        }
        guard let first = numbers.first, numbers.count <= 2 else { usage("a seed is wanted") }
        let seeds = first...(numbers.count == 2 ? numbers[1] : first)
        #if SIMULATION_HOOKS
        let recorder = MarkRecorder()
        let status = SimulationHooks.$marks.withValue(recorder) {
            run(seeds, bug: bug, isTraced: isTraced)
        }
        for (mark, count) in recorder.counts.sorted(by: { $0.key < $1.key }) where printsMarks {
            print("\(mark) \(count)")
        }
        #else
        if printsMarks { usage("this build has no coverage marks") }
        let status = run(seeds, bug: bug, isTraced: isTraced)
        #endif
        exit(status)
    }

    private static func usage(_ problem: String) -> Never {
        let text =
            "simulator: \(problem)\nusage: simulator [--trace] [--marks] [--bug NAME] SEED [LAST]\n"
        _ = text.withCString { write(2, $0, strlen($0)) }
        exit(64)
    }

    private static func run(_ seeds: ClosedRange<UInt64>, bug: PlantedBug?, isTraced: Bool) -> Int32
    {
        var eventCount = 0
        var acknowledgedCount = 0
        var status: Int32 = 0
        var ran = 0
        for seed in seeds {
            ran += 1
            let verdict = world(seed, bug: bug, isTraced: isTraced)
            eventCount += verdict.eventCount
            acknowledgedCount += verdict.acknowledgedCount
            if verdict.outcome != .valid || seeds.count == 1 { report(verdict) }
            if verdict.exitStatus != 0 {
                status = verdict.exitStatus
                if bug != nil || status == 1 { break }
            }
        }
        let name = bug.map { "\($0.rawValue): " } ?? ""
        print(
            name + "\(ran) seeds, \(eventCount) events, \(acknowledgedCount) acknowledged appends, "
                + (status == 0 ? "all valid" : "the last one not"))
        return status
    }

    private static func world(_ seed: UInt64, bug: PlantedBug?, isTraced: Bool) -> Verdict {
        do {
            #if SIMULATION_HOOKS
            return try SimulationHooks.$plantedBug.withValue(bug) {
                try World.run(seed: seed, isTraced: isTraced)
            }
            #else
            if bug != nil { usage("this build has no planted bugs; use `make simulate BUG=…`") }
            return try World.run(seed: seed, isTraced: isTraced)
            #endif
        } catch {
            usage("seed \(seed): \(error)")
        }
    }

    private static func report(_ verdict: Verdict) {
        for line in verdict.recentEvents { print(line) }
        print(
            "seed \(verdict.seed): \(verdict.outcome), "
                + "trace \(String(verdict.trace.value, radix: 16)), "
                + "\(verdict.eventCount) events, \(verdict.operationCount) operations, "
                + "\(verdict.acknowledgedCount) appends acknowledged, "
                + "\(verdict.simulatedTime.milliseconds) ms simulated")
    }
}
