/// A defect that a simulation may switch on, to prove that the checkers have teeth.
///
/// The names are those of the design's mutation catalogue. Nothing of this exists in a build
/// without the `SimulationHooks` trait: ``planted(_:)`` is then the constant false.
public enum PlantedBug: String, CaseIterable, Sendable {
    /// M1: a read takes the highest value of a mixed quorum and does not write it back.
    case readWithoutWriteBack
    /// M2: a promise is answered but not kept over a restart.
    case promiseNotDurable
    /// M3: an accept does not raise the promise.
    case acceptDoesNotPromise
    /// M4: a ballot is used again with another value.
    case ballotReused
    /// N4: a retried action is proposed without a scan for its earlier landing.
    case noDedupeScan
    /// N9: the decision is asked for before the bodies are durable on a quorum.
    case decideBeforePends
    /// X1: a rebase does not look at the header part, where the root is.
    case rebaseIgnoresHeader
    /// X2: a rebase looks at the blocks written only, not at those read on the way.
    case rebaseIgnoresReads
    /// S1: a segment is stored under its index alone, without its hash.
    case segmentKeyWithoutHash
    /// S2: the pointer to a segment is decided before the segment is durable on a quorum.
    case sealBeforeSegment
    /// S3: a tail that is not chosen is handed to a reader, who follows its segment pointers.
    case unchosenTailFollowed
    /// S6: a replica acknowledges a segment because its index exists, whatever its hash.
    case segmentIndexExistsIsEnough
    /// Replies leave before the batch they depend on is synced.
    case replyBeforeSync
}

#if SIMULATION_HOOKS
/// What the running simulation has switched on; a task local, so that worlds do not see each other.
public enum SimulationHooks {
    @TaskLocal public static var plantedBug: PlantedBug?
    @TaskLocal public static var marks: MarkRecorder?
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
