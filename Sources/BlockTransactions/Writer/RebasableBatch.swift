import BlockModel
import BlockRuntime

/// A batch that lost its race or failed: what was run stays good at a later revision as long as
/// nothing that it depends on has changed.
///
/// It lands as it is, under its payload, only together with all the actions it was made of: under
/// a new payload its pends would stay, and no coordinator takes the old ones back.
package struct RebasableBatch: Sendable {
    private let actions: [PendingAction.Identity]
    private let prepared: PreparedBatch

    /// - Parameter batch: One that is not known to have landed.
    package init(_ batch: InFlightBatch) {
        actions = batch.actions.map(\.identity)
        prepared = batch.prepared
        checkInvariants()
    }

    var count: Int { actions.count }

    /// What was run, if `batch` is these very actions and it can land as it is above everything in
    /// `history`, up to `revision`; nil when the actions have to be run again.
    func prepared(
        for batch: [PendingAction], on history: BlockHistory, through revision: Revision
    ) -> PreparedBatch? {
        invariant(history.through >= revision, "what came after \(history.through) is not known")
        guard actions == batch.map(\.identity), prepared.base <= revision,
            prepared.isValid(in: history),
            prepared.isWithinLimits(listing: history, through: revision)
        else { return nil }
        mark("writer.rebased")
        return prepared
    }

    package func checkInvariants() {
        invariant(!actions.isEmpty, "a batch of no actions")
        invariant(
            actions.count == prepared.outcomes.count,
            "\(actions.count) actions with \(prepared.outcomes.count) outcomes")
    }
}
