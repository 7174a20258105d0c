import BlockModel
import BlockRuntime

/// All or nothing on a ``Tracker``: when `body` throws, its writes are undone.
///
/// Scopes nest; an inner one that fails undoes its own part only. They cannot overlap, since
/// nothing here waits.
package enum AtomicScope {
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; every block and the header are then as before. What it read
    ///   stays in the read set.
    /// - Complexity: The blocks it changes are copied once each.
    package static func run<Result>(
        on tracker: Tracker, _ body: () throws -> Result
    ) rethrows -> Result {
        tracker.openScope()
        do {
            let result = try body()
            tracker.keepScope()
            return result
        } catch {
            tracker.undoScope()
            throw error
        }
    }
}
