import BlockRuntime

#if SIMULATION_HOOKS
import Glibc

extension SimulationHooks {
    /// The bug that the running simulation has switched on.
    @TaskLocal package static var plantedBug: PlantedBug? = processBug

    /// What the whole process was started with: real services carry bugs, too, in this build.
    private static let processBug = getenv("OPTIMYSTIC_PLANTED_BUG").flatMap {
        PlantedBug(rawValue: String(cString: $0))
    }
}

@usableFromInline
func isPlanted(_ bug: PlantedBug) -> Bool {
    SimulationHooks.plantedBug == bug
}
#endif

/// Whether the running simulation has planted `bug`. Constant false in everything that ships.
@inlinable
package func planted(_ bug: PlantedBug) -> Bool {
    #if SIMULATION_HOOKS
    return isPlanted(bug)
    #else
    return false
    #endif
}
