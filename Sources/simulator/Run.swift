import BlockModel
import BlockRuntime
import BlockSimulation

/// One world, run to its end.
struct Run: Sendable {
    let verdict: Verdict
    /// How often it passed each mark.
    private(set) var marks: [String: Int] = [:]

    init(_ seed: UInt64, _ command: Command, isTraced: Bool) {
        func run() throws -> Verdict {
            try World.run(
                seed: seed, isTraced: isTraced, operationCount: command.operationCount)
        }
        do {
            #if SIMULATION_HOOKS
            let recorder = MarkRecorder()
            verdict = try SimulationHooks.$marks.withValue(recorder) {
                try SimulationHooks.$plantedBug.withValue(command.bug, operation: run)
            }
            if command.printsMarks { marks = recorder.counts }
            #else
            verdict = try run()
            #endif
        } catch {
            Simulator.usage("seed \(seed): \(error)")
        }
    }

    /// Whether no other world is of interest after this one.
    func endsAll(_ command: Command) -> Bool {
        verdict.exitStatus == 1 || verdict.exitStatus != 0 && command.bug != nil
    }
}
