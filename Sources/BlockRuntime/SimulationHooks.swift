#if SIMULATION_HOOKS
/// What the running simulation has switched on; a task local, so that worlds do not see each other.
package enum SimulationHooks {
    @TaskLocal package static var marks: MarkRecorder?
    /// nil: every machine does what it does most of the time.
    @TaskLocal package static var odds: Buggifier?
}

/// Counts how often each coverage mark was passed in one run.
package final class MarkRecorder: @unchecked Sendable {
    // SAFETY: a recorder belongs to one simulated world, which runs on one thread.
    /// By where the name is: worlds pass many marks, and equal names are joined at the end.
    private var countsByPlace: [UnsafePointer<UInt8>: (name: StaticString, count: Int)] = [:]

    package init() {}

    package var counts: [String: Int] {
        var counts: [String: Int] = [:]
        for (name, count) in countsByPlace.values { counts["\(name)", default: 0] += count }
        return counts
    }

    func pass(_ name: StaticString) {
        countsByPlace[name.utf8Start, default: (name, 0)].count += 1
    }
}

/// Decides, from the seed of one run, which buggify points are active and when one of them fires.
///
/// Whether a point is active depends on its name and the seed only, so that a new point changes
/// nothing about the others.
package final class Buggifier: @unchecked Sendable {
    // SAFETY: one belongs to one simulated world, which runs on one thread.
    private let seed: UInt64
    private var generator: SeededGenerator
    private var active: [UnsafePointer<UInt8>: Bool] = [:]
    /// Whether any point fires: false once the faults of a run are over.
    package var isOn = true

    package init(seed: UInt64) {
        self.seed = seed
        generator = SeededGenerator(seed: seed ^ 0xB066_1F1E)
    }

    func fires(_ point: StaticString) -> Bool {
        guard isOn, isActive(point), generator.chance(1, in: 4) else { return false }
        SimulationHooks.marks?.pass(point)
        return true
    }

    private func isActive(_ point: StaticString) -> Bool {
        if let known = active[point.utf8Start] { return known }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        point.withUTF8Buffer { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 } }
        var generator = SeededGenerator(seed: hash ^ seed)
        let isActive = generator.chance(1, in: 4)
        active[point.utf8Start] = isActive
        return isActive
    }
}
#endif

/// Marks a rare branch, so that a test can demand that it was taken. Nothing in what ships.
@inlinable
package func mark(_ name: StaticString) {
    #if SIMULATION_HOOKS
    recordMark(name)
    #endif
}

/// Whether to do here what is allowed and rarely happens: a smaller page, an earlier wake, a
/// forgotten hint. In a quarter of the simulations a point is active, and fires each fourth time;
/// then it is a coverage mark, too. Constant false in everything that ships.
@inlinable
package func buggify(_ point: StaticString) -> Bool {
    #if SIMULATION_HOOKS
    return firesPoint(point)
    #else
    return false
    #endif
}

#if SIMULATION_HOOKS
@usableFromInline
func recordMark(_ name: StaticString) {
    SimulationHooks.marks?.pass(name)
}

@usableFromInline
func firesPoint(_ point: StaticString) -> Bool {
    SimulationHooks.odds?.fires(point) ?? false
}
#endif
