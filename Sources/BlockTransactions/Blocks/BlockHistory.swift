import BlockModel
import BlockRuntime

/// Which entry wrote which block, for the newest revisions of one life of a collection: what a
/// reader must list to read a block that is not checkpointed yet
/// (protocol: listed-write-is-the-answer).
///
/// Learned from chosen logs only, so it never goes wrong; it only ends somewhere.
package struct BlockHistory: Sendable {
    /// Where the newest write of a block up to some revision is.
    package enum Place: Hashable, Sendable {
        case write(CommittedWrite)
        /// There is no block.
        case absent
        /// It is not above ``BlockHistory/floor``, and not known otherwise: the replicas tell.
        case unknown
    }

    /// The blocks one entry wrote.
    struct Item: Sendable {
        let revision: Revision
        let payload: PayloadID
        let blocks: [TouchedBlock]
    }

    package let incarnation: Incarnation
    /// Every write above this checkpoint …
    package private(set) var floor: Checkpoint
    /// … up to this revision is here.
    package private(set) var through: Revision
    private var writes: [BlockID: [CommittedWrite]] = [:]
    /// Blocks with writes here that are not above ``Checkpoint/revision``: their shard lags.
    private var late: Set<BlockID> = []
    /// The entries in (floor, through], oldest first, after ``forgottenPrefix`` others.
    private var items: [Item] = []
    private var forgottenPrefix = 0
    /// The newest write up to the floor, as far as it was seen; nil: there is no block.
    private var settled: [BlockID: CommittedWrite?] = [:]

    /// A history that begins above `floor`, a checkpoint, with nothing in it.
    ///
    /// Where shards lag it is not complete before what must be listed of them was read.
    package init(incarnation: Incarnation, floor: Checkpoint) {
        self.incarnation = incarnation
        self.floor = floor
        through = floor.oldest
        pass()
        invariant(
            isComplete || !floor.lagging.isEmpty, "writes below \(floor.revision) are not known")
    }

    /// Whether the writes of shards that lag behind the floor are here.
    var isComplete: Bool { through >= floor.revision }

    /// Passes over entries below the floor of which no write need be listed.
    private mutating func pass() {
        guard through < floor.revision else { return }
        let next = floor.nextListed(after: through)
        invariant(next > through, "what was read through \(through) is read again at \(next)")
        through = min(next.previous, floor.revision)
    }

    /// Bytes that it takes, about: what a proxy knows of all collections is bounded by them.
    /// - Complexity: O(1).
    package var weight: Int {
        let entry = Limits.committedWriteBytes + 64
        return (settled.count + writes.count) * entry + items.count * 2 * entry
    }

    /// The entries in (`after`, ``through``], oldest first, those above the floor only.
    func items(after revision: Revision) -> ArraySlice<Item> {
        let all = items[forgottenPrefix...]
        guard let first = all.first?.revision, revision >= first else { return all }
        let later = all.dropFirst(Int(clamping: revision.rawValue - first.rawValue) + 1)
        invariant(
            later.isEmpty || later.first?.revision == revision.next,
            "entries of a history are missing above \(revision)")
        return later
    }

    /// Whether it tells more of the present than `other`.
    package func isNewer(than other: BlockHistory?) -> Bool {
        guard let other else { return true }
        if other.incarnation != incarnation {
            return other.incarnation.generation < incarnation.generation
        }
        return (through, floor.revision, floor.oldest)
            > (other.through, other.floor.revision, other.floor.oldest)
    }

    // MARK: Learning

    /// Adds the next entry.
    /// - Precondition: `revision` is the one after ``through``.
    package mutating func append(_ revision: Revision, payload: PayloadID, blocks: [TouchedBlock]) {
        invariant(revision == through.next, "revision \(revision) after \(through)")
        through = revision
        if revision <= floor.revision {
            for block in blocks where revision > floor.revision(of: block.block) {
                late.insert(block.block)
                writes[block.block, default: []].append(
                    CommittedWrite(
                        revision: revision, payload: payload, resultHash: block.resultHash))
            }
            return pass()
        }
        items.append(Item(revision: revision, payload: payload, blocks: blocks))
        for block in blocks {
            writes[block.block, default: []].append(
                CommittedWrite(
                    revision: revision, payload: payload, resultHash: block.resultHash))
        }
    }

    /// A checkpoint was chosen: readers need not list the writes up to it any more.
    package mutating func raiseFloor(to checkpoint: Checkpoint) {
        guard isComplete else { return }
        let raised = floor.merged(with: checkpoint.capped(at: through))
        guard raised != floor else { return }
        invariant(
            raised.revision >= floor.revision && raised.revision <= through,
            "a floor at \(raised.revision), after \(floor.revision), of a log through \(through)")
        floor = raised
        for block in late { forgetFinal(block) }
        while forgottenPrefix < items.count, items[forgottenPrefix].revision <= raised.revision {
            for touched in items[forgottenPrefix].blocks { forgetFinal(touched.block) }
            forgottenPrefix += 1
        }
        if forgottenPrefix > items.count / 2 {
            items.removeFirst(forgottenPrefix)
            forgottenPrefix = 0
        }
        invariant(
            itemCount == 0 || items[forgottenPrefix].revision == raised.revision.next,
            "the entries kept do not follow the floor")
    }

    /// Forgets the writes of `block` up to where they are final. Those above stay, all of them: a
    /// list that leaves one out makes a replica answer with what was before
    /// (protocol: lists-are-never-shortened).
    private mutating func forgetFinal(_ block: BlockID) {
        guard var kept = writes[block] else {
            late.remove(block)
            return
        }
        let end = floor.revision(of: block)
        if let newest = kept.last(where: { $0.revision <= end }) {
            noteNewest(of: block, newest)
            kept.removeAll { $0.revision <= end }
        }
        writes[block] = kept.isEmpty ? nil : kept
        if let first = kept.first, first.revision <= floor.revision {
            late.insert(block)
        } else {
            late.remove(block)
        }
    }

    /// The replicas told which write of `block` is the newest up to the floor; nil: none is.
    package mutating func noteNewest(of block: BlockID, _ write: CommittedWrite?) {
        if settled.count >= Limits.settledBlockCountMax {
            // A hint: what is forgotten is asked for again.
            settled.removeAll(keepingCapacity: true)
        }
        settled[block] = .some(write)
    }

    // MARK: Asking

    /// The writes here of a shard that lags, which are not above the floor's revision.
    func listed(in lagging: LaggingShard) -> [(block: BlockID, write: CommittedWrite)] {
        late.sorted().filter(lagging.contains).flatMap { block in
            (writes[block] ?? []).filter { $0.revision <= floor.revision }.map { (block, $0) }
        }
    }

    /// Why `block` must not be written now; nil when it may be.
    func refusal(of block: BlockID) -> DatabaseError? {
        if let shard = floor.laggingShard(of: block),
            shard.last.rawValue - shard.checkpoint.rawValue
                >= UInt64(Limits.laggingRevisionCountMax)
        {
            return DatabaseError(
                .overloaded,
                "writes of blocks in shard \(shard.shard) are not final since revision "
                    + "\(shard.checkpoint): too few of its storage peers take part. It takes no "
                    + "more of them: laggingRevisionCountMax = \(Limits.laggingRevisionCountMax)",
                retryAfter: RetryTiming.afterLaggingWork)
        }
        if itemCount >= Limits.unfinalRevisionCountMax {
            return DatabaseError(
                .overloaded,
                "\(itemCount) entries are not final, unfinalRevisionCountMax = "
                    + "\(Limits.unfinalRevisionCountMax): too few storage peers take part in more "
                    + "than laggingShardCountMax = \(Limits.laggingShardCountMax) shards",
                retryAfter: RetryTiming.afterLaggingWork)
        }
        return nil
    }

    /// Whether some block must not be written now: then each is to be looked at.
    var refusesWrites: Bool {
        if itemCount >= Limits.unfinalRevisionCountMax { return true }
        return floor.lagging.contains {
            $0.last.rawValue - $0.checkpoint.rawValue >= UInt64(Limits.laggingRevisionCountMax)
        }
    }

    /// Entries kept in memory.
    package var itemCount: Int { items.count - forgottenPrefix }
    /// Writes kept in memory.
    package var writeCount: Int { writes.values.reduce(0) { $0 + $1.count } }

    /// The committed writes of `block` in (floor, `revision`], ascending.
    package func committed(_ block: BlockID, through revision: Revision) -> [CommittedWrite] {
        guard let all = writes[block] else { return [] }
        invariant(
            all.first.map { $0.revision } ?? .zero <= all.last.map { $0.revision } ?? .zero,
            "the writes of \(block) are out of order")
        return all.last.map { $0.revision <= revision } ?? true
            ? all : all.filter { $0.revision <= revision }
    }

    /// The newest write of `block` up to `revision`.
    /// - Precondition: `revision` is at most ``through``.
    package func place(of block: BlockID, at revision: Revision) -> Place {
        invariant(revision <= through, "revision \(revision) of a history through \(through)")
        if let newest = writes[block]?.last(where: { $0.revision <= revision }) {
            return .write(newest)
        }
        guard let known = settled[block] else { return .unknown }
        guard let known else { return .absent }
        // Below the floor other writes may lie between the revision and the one known.
        return known.revision <= revision ? .write(known) : .unknown
    }

    /// Whether no entry in (`revision`, ``through``] wrote one of `blocks`.
    /// - Precondition: `revision` is at least that of ``floor``.
    package func isUnchanged(_ blocks: Set<BlockID>, since revision: Revision) -> Bool {
        guard revision >= floor.revision else { return false }
        invariant(isComplete, "writes below the floor are not known")
        return items(after: revision).allSatisfy { item in
            item.blocks.allSatisfy { !blocks.contains($0.block) }
        }
    }
}

extension BlockHistory {
    /// Entries read in one stretch.
    private static let stretch: UInt64 = 128

    /// Brings what is known up to `tail`, from its log.
    ///
    /// - Parameters:
    ///   - history: Of whatever life and length; what is of no use is replaced.
    ///   - tail: A chosen value.
    /// - Throws: ``MissingObjects``; fetch them and call again, what was learned stays. Once
    ///   ``through`` has risen, nothing that was fetched before is needed any more: a log of any
    ///   length takes the bytes of one stretch.
    package static func catchUp(
        _ history: inout BlockHistory?, to tail: Tail, source: some LogObjectSource
    ) throws(MissingObjects) {
        if history?.incarnation != tail.incarnation
            || history.map({ $0.isComplete && $0.through < tail.checkpoint.revision }) ?? true
        {
            history = BlockHistory(incarnation: tail.incarnation, floor: tail.checkpoint)
        }
        let view = LogView(tail: tail, source: source)
        while let through = history?.through, through < tail.revision {
            let last = min(Revision(through.rawValue + stretch), tail.revision)
            let entries = try view.entries(from: through.next, through: last).fetchedAtOnce
            for (entry, body) in zip(entries, try view.bodies(of: entries)) {
                // Below the floor those that need not be listed are passed over.
                guard entry.revision == history?.through.next else { continue }
                history?.append(entry.revision, payload: entry.payload, blocks: body.blocks)
            }
        }
        history?.raiseFloor(to: tail.checkpoint)
        invariant(
            history.map { $0.through >= tail.revision && $0.isComplete } ?? false,
            "a history that was brought up to \(tail.revision) ends below")
        invariant(history?.incarnation == tail.incarnation, "a history of another life")
    }
}
