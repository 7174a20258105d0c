#if SIMULATION_HOOKS
import Glibc

/// What the running simulation has switched on; a task local, so that worlds do not see each other.
public enum SimulationHooks {
    @TaskLocal public static var plantedBug: PlantedBug? = processBug
    @TaskLocal public static var marks: MarkRecorder?

    /// What the whole process was started with: real services carry bugs, too, in this build.
    private static let processBug = getenv("OPTIMYSTIC_PLANTED_BUG").flatMap {
        PlantedBug(rawValue: String(cString: $0))
    }
}

/// Counts how often each coverage mark was passed in one run.
public final class MarkRecorder: @unchecked Sendable {
    // SAFETY: a recorder belongs to one simulated world, which runs on one thread.
    public private(set) var counts: [String: Int] = [:]
    public init() {}
    func pass(_ name: String) { counts[name, default: 0] += 1 }
}
#endif

/// Whether the running simulation has planted `bug`. Constant false in everything that ships.
@inlinable
public func planted(_ bug: PlantedBug) -> Bool {
    #if SIMULATION_HOOKS
    return SimulationHooks.plantedBug == bug
    #else
    return false
    #endif
}

/// Marks a rare branch, so that a test can demand that it was taken. Nothing in what ships.
@inlinable
public func mark(_ name: StaticString) {
    #if SIMULATION_HOOKS
    recordMark(name)
    #endif
}

#if SIMULATION_HOOKS
@usableFromInline
func recordMark(_ name: StaticString) {
    SimulationHooks.marks?.pass("\(name)")
}
#endif
