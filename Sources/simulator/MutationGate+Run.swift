import BlockModel
import BlockRuntime
import BlockSimulation

#if SIMULATION_HOOKS
extension MutationGate {
    /// Prints one row for each bug, as soon as it is known.
    /// - Returns: 1 when a bug is missed, else 0.
    static func run(_ command: Command) -> Int32 {
        let gate = MutationGate { seed, bug in
            try SimulationHooks.$plantedBug.withValue(bug) {
                try World.run(seed: seed).outcome != .valid
            }
        }
        var status: Int32 = 0
        for bug in command.bug.map({ [$0] }) ?? PlantedBug.allCases {
            do {
                let row = try gate.row(of: bug)
                print(row.text)
                if !row.isFound { status = 1 }
            } catch {
                Simulator.usage("\(bug.rawValue): \(error)")
            }
        }
        return status
    }
}
#endif
