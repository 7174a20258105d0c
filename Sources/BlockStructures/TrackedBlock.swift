import BlockModel
import BlockRuntime

/// What a ``Tracker`` knows of one block.
///
/// A class, so that a structure that holds one changes the block where it lies: a block with one
/// owner is changed without a copy.
package final class TrackedBlock {
    /// What a scope puts back when it fails.
    struct State {
        var block: Block?
        var updates: [BlockOperation] = []
        var updateBytes = 0
        /// The block no longer derives from the base, so that it is sent whole.
        var isReplaced = false
        var isWritten = false
    }

    let id: BlockID
    /// Whether the block exists in the snapshot. False for one made here.
    let isInBase: Bool
    /// The revision of its last write in the snapshot; zero when it does not exist there.
    let revision: Revision
    /// Whether it was looked for in the snapshot, absent or not.
    let isRead: Bool
    var state: State
    /// Whether a structure has checked that the block has the shape of one of its own.
    var isShapeChecked = false
    /// The number of the scope that has saved the state, so that each saves it once.
    var savedBy = 0

    init(id: BlockID, base: SnapshotBlock?, isRead: Bool) {
        self.id = id
        isInBase = base != nil
        revision = base?.revision ?? .zero
        self.isRead = isRead
        state = State(block: base?.block)
    }

    /// The block as it is with all changes; nil when it does not exist.
    package var block: Block? { state.block }

    /// The change of the block against the snapshot.
    var transform: BlockTransform {
        guard state.isWritten else { return .none }
        guard let block = state.block else { return BlockTransform(delete: isInBase) }
        return state.isReplaced
            ? BlockTransform(insert: block) : BlockTransform(updates: state.updates)
    }

    /// Applies and records one change.
    /// - Precondition: the block exists, and its owner has saved its state for the current scope.
    func apply(_ operation: BlockOperation) throws(TransformError) {
        guard state.block != nil else { throw .baseAbsent }
        try state.block?.apply(operation)
        state.isWritten = true
        if state.isReplaced { return }
        state.updates.append(operation)
        state.updateBytes += operation.byteCount
        // More updates than block: the image is shorter, and its size has a bound.
        if state.updates.count > Limits.transformUpdateCountMax
            || state.updateBytes > max(state.block?.byteCount ?? 0, Self.updateBytesMin)
        {
            mark("structures.updatesBecomeImage")
            state.isReplaced = true
            state.updates = []
        }
    }

    /// Bytes of updates that are kept as updates however small the block is.
    private static let updateBytesMin = 4096
}
