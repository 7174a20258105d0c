import BlockModel
import BlockRuntime

/// An overlay over a snapshot: reads see the changes made here, the snapshot does not.
///
/// It records what was read, as read dependencies, and what was written, as transforms; together
/// with the header part they are what an entry of the log carries. One tracker serves one execution
/// of one collection's actions, on one thread.
package final class Tracker {
    private let snapshot: any BlockSnapshot
    private var blocks: [BlockID: TrackedBlock] = [:]
    private var ids: StructuralBlockIDs
    private var headerValue: CollectionHeader
    /// The header part as the snapshot has it.
    package let headerBefore: CollectionHeader
    /// Whether a structure looked at the header part, which is then in the read set.
    package private(set) var isHeaderRead = false
    /// Names the state of blocks and header: what was found under one version is valid as long as
    /// it stands. A scope that fails brings the version before it back, with the state; no version
    /// ever names two states.
    package private(set) var version = 0
    private var versionCount = 0

    // The open scopes: what to put back when one fails.
    private var scopes: [Scope] = []
    private var scopeCount = 0

    private struct Scope {
        let number: Int
        let header: CollectionHeader
        let isHeaderRead: Bool
        let version: Int
        /// States before the scope, in the order they were saved.
        var saved: [(block: TrackedBlock, state: TrackedBlock.State, savedBy: Int)] = []
        /// Blocks that the tracker did not know before.
        var created: [BlockID] = []
        /// Blocks that were looked for in the snapshot, and not before.
        var read: [BlockID] = []
    }

    /// - Parameters:
    ///   - snapshot: What lies below; must not change while the tracker lives.
    ///   - header: The header part at the same revision.
    ///   - ids: Where the ids of new blocks come from.
    package init(
        snapshot: any BlockSnapshot, header: CollectionHeader, ids: StructuralBlockIDs
    ) {
        self.snapshot = snapshot
        self.ids = ids
        headerValue = header
        headerBefore = header
    }

    /// The header part with all changes. Reading it puts it into the read set.
    package var header: CollectionHeader {
        get {
            isHeaderRead = true
            return headerValue
        }
        set {
            headerValue = newValue
            bumpVersion()
        }
    }

    /// The id of the next new block. Ids given out in a scope that fails are not given out again.
    package func makeID() -> BlockID { ids.next() }

    /// From here on, new blocks get the ids of another action.
    package func begin(_ ids: StructuralBlockIDs) { self.ids = ids }
}

// MARK: - Reading and writing

extension Tracker {
    /// A block with all changes, for structures that change it where it lies.
    ///
    /// The read is recorded, also of a block that does not exist: that it is absent is a fact that
    /// an execution may depend on.
    /// - Throws: ``MissingBlocks`` when the snapshot does not have it at hand.
    func tracked(_ id: BlockID) throws(MissingBlocks) -> TrackedBlock {
        if let known = blocks[id] { return known }
        let tracked = TrackedBlock(id: id, base: try snapshot.block(id), isRead: true)
        blocks[id] = tracked
        if let innermost = scopes.indices.last { scopes[innermost].read.append(id) }
        return tracked
    }

    /// - Returns: The block with all changes, nil when there is none.
    /// - Throws: ``MissingBlocks`` when the snapshot does not have it at hand.
    package func block(_ id: BlockID) throws(MissingBlocks) -> Block? { try tracked(id).block }

    /// A block that is at hand with all changes, to look ahead: that enters no read set.
    /// - Returns: nil when the snapshot does not have it at hand.
    func glance(_ id: BlockID) -> (block: Block?, isAtHand: Bool) {
        if let known = blocks[id] { return (known.block, true) }
        do throws(MissingBlocks) {
            return (try snapshot.block(id)?.block, true)
        } catch {
            return (nil, false)
        }
    }

    /// Adds a block. One that was read, deleted or inserted before is replaced; one of an id never
    /// seen is taken to be new, and the snapshot is not asked.
    /// - Throws: `.overLimit` when the block breaks a bound.
    package func insert(_ block: Block) throws(TransformError) {
        if let violation = block.violation { throw violation }
        let tracked: TrackedBlock
        if let known = blocks[block.id] {
            tracked = known
            save(known)
        } else {
            tracked = TrackedBlock(id: block.id, base: nil, isRead: false)
            blocks[block.id] = tracked
            if let innermost = scopes.indices.last {
                scopes[innermost].created.append(block.id)
                tracked.savedBy = scopes[innermost].number
            }
        }
        tracked.state = TrackedBlock.State(block: block, isReplaced: true, isWritten: true)
        bumpVersion()
    }

    /// Changes a block, and records that it was read.
    /// - Throws: ``MissingBlocks``; a ``TransformError``, `.baseAbsent` when there is no block.
    package func update(_ id: BlockID, _ operation: BlockOperation) throws {
        try update(try tracked(id), operation)
    }

    func update(_ tracked: TrackedBlock, _ operation: BlockOperation) throws(TransformError) {
        if !scopes.isEmpty { save(tracked) }
        try tracked.apply(operation)
        bumpVersion()
    }

    /// Removes a block, and records that it was read. Nothing happens when there is none.
    /// - Throws: ``MissingBlocks``.
    package func delete(_ id: BlockID) throws(MissingBlocks) {
        let tracked = try tracked(id)
        guard tracked.block != nil else { return }
        save(tracked)
        tracked.state = TrackedBlock.State(block: nil, isWritten: true)
        bumpVersion()
    }
}

// MARK: - What happened

extension Tracker {
    /// The blocks looked for in the snapshot with the revisions seen, ascending; zero for absent.
    package var reads: [ReadDependency] {
        blocks.values.filter(\.isRead)
            .map { ReadDependency(block: $0.id, revision: $0.revision) }.sorted()
    }

    /// The changes against the snapshot.
    /// - Complexity: O(n log n) of the blocks touched.
    package var transforms: Transforms {
        do {
            return try Transforms(blocks.values.map { ($0.id, $0.transform) })
        } catch {
            fatalError("invariant: the tracker holds each block once, under its id: \(error)")
        }
    }

    /// The header part, when it is another than before.
    package var headerChange: CollectionHeader? {
        headerValue == headerBefore ? nil : headerValue
    }
}

// MARK: - Nodes of structures

extension Tracker {
    /// The blocks of these types that were seen and exist, ascending.
    func liveBlocks(of types: [BlockType]) -> [BlockID] {
        blocks.values.compactMap(\.block).filter { types.contains($0.header.type) }.map(\.id)
            .sorted()
    }
}

// MARK: - Scopes

extension Tracker {
    /// Opens a scope; see ``AtomicScope``.
    func openScope() {
        scopeCount += 1
        scopes.append(
            Scope(
                number: scopeCount, header: headerValue, isHeaderRead: isHeaderRead,
                version: version))
    }

    /// Keeps what the innermost scope did, as part of the scope around it.
    func keepScope() {
        guard let inner = scopes.popLast() else { return }
        guard let outer = scopes.indices.last else { return }
        scopes[outer].created += inner.created
        scopes[outer].read += inner.read
        for saved in inner.saved {
            // The outer scope wants the oldest state; it may have saved one already.
            if saved.savedBy < scopes[outer].number {
                scopes[outer].saved.append(saved)
            }
            saved.block.savedBy = max(scopes[outer].number, saved.savedBy)
        }
    }

    /// Undoes what the innermost scope did.
    /// - Parameter keepsReads: Its reads stay: the failure depended on them. Otherwise it is as if
    ///   the scope had never been.
    func undoScope(keepsReads: Bool) {
        guard let scope = scopes.popLast() else { return }
        for saved in scope.saved.reversed() {
            saved.block.state = saved.state
            saved.block.savedBy = saved.savedBy
        }
        for id in scope.created { blocks[id] = nil }
        headerValue = scope.header
        version = scope.version
        guard !keepsReads else {
            if let outer = scopes.indices.last { scopes[outer].read += scope.read }
            return
        }
        for id in scope.read { blocks[id] = nil }
        isHeaderRead = scope.isHeaderRead
    }

    private func bumpVersion() {
        versionCount += 1
        version = versionCount
    }

    private func save(_ tracked: TrackedBlock) {
        guard let innermost = scopes.indices.last,
            tracked.savedBy < scopes[innermost].number
        else { return }
        scopes[innermost].saved.append((tracked, tracked.state, tracked.savedBy))
        tracked.savedBy = scopes[innermost].number
    }
}
