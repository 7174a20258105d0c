import BlockModel
import BlockRuntime

/// All or nothing on a ``Tracker``: when `body` throws, its writes are undone.
///
/// Scopes nest; an inner one that fails undoes its own part only. They cannot overlap, since
/// nothing here waits.
package enum AtomicScope {
    /// - Parameter keepsReads: Whether what `body` read before it threw this error stays in the
    ///   read set, as it does for whoever goes on in view of the error.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; every block and the header are then as before.
    /// - Complexity: The blocks it changes are copied once each.
    package static func run<Result>(
        on tracker: Tracker, keepsReads: (any Error) -> Bool = { _ in true },
        _ body: () throws -> Result
    ) rethrows -> Result {
        tracker.openScope()
        do {
            let result = try body()
            tracker.keepScope()
            return result
        } catch {
            tracker.undoScope(keepsReads: keepsReads(error))
            throw error
        }
    }
}
