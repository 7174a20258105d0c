import BlockModel
import BlockRuntime
import BlockStructures

/// Executes the history of one life of a collection again, from its first entry, and compares what
/// comes of it with what the log says: each action's outcome, each block's write, what was read,
/// the header part (protocol: execution-is-deterministic).
///
/// It takes no block from anybody: it begins with an empty collection, and what it needs it has
/// made. So it holds as many bytes as the collection does.
package struct HistoryReplay: Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// Of the last entry that was executed.
    package private(set) var revision = Revision.zero
    /// Actions that were executed.
    package private(set) var actionCount = 0
    /// Whether an entry was found after which nothing can be compared any more.
    package private(set) var isOver = false
    private let handler: ReplayHandler
    private var header: CollectionHeader
    private var headerRevision = Revision.zero
    private var state = ReplayedBlocks()

    /// - Parameter header: Of the collection at any revision: what it holds never changes, and it
    ///   begins empty.
    package init(
        _ collection: CollectionID, _ incarnation: Incarnation, header: CollectionHeader,
        handler: ReplayHandler
    ) {
        self.collection = collection
        self.incarnation = incarnation
        self.handler = handler
        self.header = header
        self.header.root = nil
        invariant(incarnation.generation > 0, "the history of a collection that never was")
    }

    // MARK: Entries

    /// Executes the next entry.
    ///
    /// - Returns: What is otherwise than the entry says. After some differences nothing that
    ///   follows can be compared, see ``isOver``: it is then not to be called again.
    package mutating func execute(_ entry: LogEntry) -> [ReplayDifference] {
        invariant(!isOver, "entry \(entry.revision) is executed on a state that is not the log's")
        guard entry.revision == revision.next else {
            isOver = true
            return [
                ReplayDifference(
                    entry.revision, .order, executed: "\(revision.next)",
                    found: "\(entry.revision)")
            ]
        }
        let execution = run(entry)
        var differences = execution.failures
        if let effects = execution.effects, differences.isEmpty {
            differences = compare(effects, execution.outcomes, with: entry)
            take(effects, of: entry)
        }
        invariant(entry.revision == revision.next, "entry \(entry.revision) was left out")
        revision = entry.revision
        actionCount += entry.body.actions.count
        isOver = differences.contains(where: \.endsReplay)
        invariant(execution.effects != nil || isOver, "nothing is known of \(entry.revision)")
        return differences
    }

    private struct Execution {
        var outcomes: [Bytes] = []
        var failures: [ReplayDifference] = []
        var effects: ExecutionEffects?
    }

    /// Runs the actions of an entry on the state below it, which it does not change.
    private func run(_ entry: LogEntry) -> Execution {
        var execution = Execution()
        let tracker = Tracker(
            snapshot: state, header: header,
            ids: StructuralBlockIDs(
                incarnation: incarnation, action: ActionID(rawValue: .zero)))
        let life = ActionExecutor.Life(collection: collection, incarnation: incarnation)
        for action in entry.body.actions {
            do {
                execution.outcomes.append(try handler.run(action, entry.revision, tracker, life))
            } catch {
                let reason = (error as? DatabaseError)?.message ?? "\(error)"
                execution.failures.append(
                    ReplayDifference(
                        entry.revision, .action(action.id), "it cannot be executed: \(reason)"))
                return execution
            }
        }
        execution.effects = try? ExecutionEffects(
            on: tracker, collection: collection, headerRevision: headerRevision,
            newestWrite: { state.write(of: $0) })
        invariant(execution.effects != nil, "a tracker lacks a block that it wrote")
        return execution
    }

    private mutating func take(_ effects: ExecutionEffects, of entry: LogEntry) {
        var results: [BlockID: Block] = [:]
        for block in effects.results { results[block.id] = block }
        for write in effects.writes {
            let committed = CommittedWrite(
                revision: entry.revision, payload: entry.payload,
                resultHash: write.record.resultHash)
            invariant(
                (results[write.block] == nil) == committed.isRemoval,
                "block \(write.block) is written and not there, or the other way round")
            state.set(write.block, committed, results[write.block])
        }
        guard let changed = effects.headerAfter else { return }
        invariant(changed.hasSameContent(as: header), "execution made another kind of collection")
        header = changed
        headerRevision = entry.revision
    }

    // MARK: What was made

    /// The blocks that there are, ascending.
    package var blocks: [BlockID] { state.blocks.keys.sorted() }
    /// How many there are.
    package var blockCount: Int { state.blocks.count }
    /// Bytes of them.
    package var byteCount: Int { state.blocks.values.reduce(0) { $0 + $1.block.byteCount } }

    /// Bytes of one of them.
    package func byteCount(of block: BlockID) -> Int { state.blocks[block]?.block.byteCount ?? 0 }

    /// Compares one of ``blocks`` with what replicas give as of ``revision``.
    package func difference(of block: BlockID, from copy: BlockCopy?) -> ReplayDifference? {
        guard let held = state.blocks[block] else { return nil }
        invariant(held.write.revision <= revision, "a block of an entry to come")
        guard let copy, let bytes = copy.bytes else {
            return ReplayDifference(
                held.write.revision, .copy(block), "execution makes it, the replicas have none")
        }
        guard copy.write == held.write else {
            return ReplayDifference(
                held.write.revision, .copy(block),
                "the replicas have the write at \(copy.write.revision) of \(copy.write.payload)")
        }
        guard bytes == held.block.canonicalBytes else {
            return ReplayDifference(
                held.write.revision, .copy(block), "the replicas have other bytes")
        }
        return nil
    }
}

// MARK: - Comparing

extension HistoryReplay {
    private var headerBlock: BlockID { BlockID(collection.digest) }

    private func compare(
        _ effects: ExecutionEffects, _ outcomes: [Bytes], with entry: LogEntry
    ) -> [ReplayDifference] {
        invariant(outcomes.count == entry.body.actions.count, "outcomes of other actions")
        var differences: [ReplayDifference] = []
        for (action, outcome) in zip(entry.body.actions, outcomes) where action.outcome != outcome {
            differences.append(
                ReplayDifference(
                    entry.revision, .outcome(action.id), "its outcome is another one"))
        }
        if entry.headerAfter != effects.headerAfter {
            differences.append(
                ReplayDifference(
                    entry.revision, .header, executed: text(effects.headerAfter),
                    found: text(entry.headerAfter)))
        }
        differences += compareBlocks(effects.blocks, entry)
        differences += compareReads(effects.reads, entry)
        return differences
    }

    private func compareBlocks(
        _ executed: [TouchedBlock], _ entry: LogEntry
    ) -> [ReplayDifference] {
        invariant(
            executed.allSatisfy { $0.baseRevision < entry.revision },
            "a write of \(entry.revision) on one that is not below it")
        var differences: [ReplayDifference] = []
        let listed = Dictionary(entry.body.blocks.map { ($0.block, $0) }) { first, _ in first }
        for block in executed.sorted() {
            func found(
                _ part: ReplayDifference.BlockPart, _ executed: String, _ found: String
            ) {
                differences.append(
                    ReplayDifference(
                        entry.revision, .block(block.block, part),
                        executed: "\(part.rawValue) \(executed)", found: found))
            }
            guard let other = listed[block.block] else {
                found(.write, "\(block.resultHash)", "nothing of it")
                continue
            }
            if (block.baseRevision, block.basePayload) != (other.baseRevision, other.basePayload) {
                found(.base, text(baseOf: block), text(baseOf: other))
            }
            if block.transformHash != other.transformHash {
                found(.transformHash, "\(block.transformHash)", "\(other.transformHash)")
            }
            if block.resultHash != other.resultHash {
                found(.resultHash, "\(block.resultHash)", "\(other.resultHash)")
            }
        }
        let known = Set(executed.map(\.block))
        invariant(known.count == executed.count, "execution lists a block twice")
        for block in entry.body.blocks where !known.contains(block.block) {
            differences.append(
                ReplayDifference(
                    entry.revision, .block(block.block, .write),
                    executed: "no write of it", found: "it becomes \(block.resultHash)"))
        }
        return differences
    }

    private func compareReads(
        _ executed: [ReadDependency], _ entry: LogEntry
    ) -> [ReplayDifference] {
        var differences: [ReplayDifference] = []
        let listed = Dictionary(entry.body.reads.map { ($0.block, $0.revision) }) { first, _ in
            first
        }
        for read in executed.sorted() where listed[read.block] != read.revision {
            differences.append(
                ReplayDifference(
                    entry.revision, .read(read.block), executed: "a read at \(read.revision)",
                    found: listed[read.block].map { "one at \($0)" } ?? "none"))
        }
        let known = Set(executed.map(\.block))
        invariant(known.count == executed.count, "execution lists a read twice")
        for read in entry.body.reads where !known.contains(read.block) {
            if !handler.listsOwnReadsOnly, read.revision == newestRevision(of: read.block) {
                continue
            }
            differences.append(
                ReplayDifference(
                    entry.revision, .read(read.block), executed: "no read of it",
                    found: "one at \(read.revision)"))
        }
        return differences
    }

    /// What a read of a block of the state depends on.
    private func newestRevision(of block: BlockID) -> Revision {
        block == headerBlock ? headerRevision : state.blocks[block]?.write.revision ?? .zero
    }

    private func text(baseOf block: TouchedBlock) -> String {
        guard let payload = block.basePayload else { return "\(block.baseRevision)" }
        return "\(block.baseRevision) of \(payload)"
    }

    private func text(_ header: CollectionHeader?) -> String {
        guard let header else { return "no other header" }
        let root = header.root.map { "\($0)" } ?? "none"
        let keys = header.keyType.map { " of \($0)" } ?? ""
        return "\(header.kind)\(keys), \(header.encoding), capacity \(header.capacity), "
            + "root \(root)"
    }
}

/// The blocks that a replay has made, those that were removed left out.
private struct ReplayedBlocks: BlockSnapshot, Sendable {
    private(set) var blocks: [BlockID: (block: Block, write: CommittedWrite)] = [:]

    func block(_ id: BlockID) throws(MissingBlocks) -> SnapshotBlock? {
        blocks[id].map { SnapshotBlock(block: $0.block, revision: $0.write.revision) }
    }

    func write(of id: BlockID) -> CommittedWrite? { blocks[id]?.write }

    mutating func set(_ id: BlockID, _ write: CommittedWrite, _ block: Block?) {
        invariant(block?.id ?? id == id, "a block is kept as \(id)")
        invariant(
            blocks[id].map { $0.write.revision < write.revision } ?? true,
            "block \(id) is written at \(write.revision), and later before")
        blocks[id] = block.map { ($0, write) }
    }
}
