import BlockModel
import BlockRuntime
import BlockStructures

/// Executes the actions of a log, as they stand in it.
package struct ReplayHandler: Sendable {
    /// - Returns: The outcome, as the log keeps it.
    typealias Run =
        @Sendable (Action, Revision, Tracker, ActionExecutor.Life) throws -> Bytes

    let run: Run
    /// Whether an entry lists the blocks that its actions read, and no others. An application reads
    /// its custom collection before it acts, and what it does may depend on that: those reads are
    /// in the list as well.
    let listsOwnReadsOnly: Bool

    /// The handlers of the kinds that the database knows.
    /// - Returns: nil for a custom collection: its handlers are its application's.
    package init?(_ kind: CollectionKind) {
        guard kind != .custom else { return nil }
        listsOwnReadsOnly = true
        run = { action, _, tracker, life in
            let content = try ActionContent(action.bytes, kind: kind)
            if let problem = content.problem { throw problem }
            invariant(content.kind == kind, "an action on another kind of collection")
            return try ActionExecutor.run(content, action.id, on: tracker, life).bytes
        }
    }

    /// The handler of a custom collection.
    package init<CustomAction>(_ behavior: CollectionBehavior<CustomAction>) {
        listsOwnReadsOnly = false
        run = { action, revision, tracker, life in
            let decoded = try behavior.action(of: action, at: revision)
            tracker.begin(StructuralBlockIDs(incarnation: life.incarnation, action: action.id))
            try AtomicScope.run(on: tracker) {
                try behavior.apply(
                    decoded, ActionScope(tracker: tracker, collection: life.collection))
            }
            return []
        }
    }
}
