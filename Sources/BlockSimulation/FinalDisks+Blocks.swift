import BlockConsensus
import BlockModel
import BlockRuntime
import BlockStorage
import BlockStructures
import BlockTransactions
import BlockWorkloads

/// The blocks of a tree or queue on the disks: each replica's versions and pends against the log,
/// and the structure they make.
extension FinalDisks {
    /// Checks one life of a collection.
    func check(_ log: Log) throws -> CheckResult {
        var result = CheckResult()
        var writes: [BlockID: [CommittedWrite]] = [:]
        let header = BlockID(log.tail.collection.digest)
        for (number, body) in log.bodies.enumerated() {
            for block in body.blocks where block.block != header {
                writes[block.block, default: []].append(
                    CommittedWrite(
                        revision: Revision(UInt64(number + 1)), payload: log.payloads[number],
                        resultHash: block.resultHash))
            }
        }
        try checkUncommitted(writes, log.tail, &result)
        #if SIMULATION_HOOKS
        // The branches that a checker takes prove nothing of the world.
        let replay = SimulationHooks.$marks.withValue(nil) { execute(log, &result) }
        #else
        let replay = execute(log, &result)
        #endif
        if log.isGarbage { return result }
        for (block, committed) in writes.sorted(by: { $0.key < $1.key }) {
            try checkReplicas(of: block, committed, log.tail, &result)
        }
        if result.violations.isEmpty { try checkStructure(log, writes, replay, &result) }
        return result
    }

    func members(of block: BlockID) -> [StorageRepository] {
        let ids = map.members(of: map.shard(of: block))
        return zip(map.peers, stores).filter { ids.contains($0.0.id) }.map(\.1)
    }

    /// A committed write is a version or a pend on a quorum (invariant P), a version on a quorum up
    /// to the checkpoint, and the same everywhere.
    private func checkReplicas(
        of block: BlockID, _ committed: [CommittedWrite], _ tail: Tail,
        _ result: inout CheckResult
    ) throws {
        let key = BlockKey(block: block, incarnation: tail.incarnation)
        let members = members(of: block)
        let quorum = copyCountMin(of: block)
        for write in committed {
            result.checkedCount += 1
            var versionCount = 0
            var pendCount = 0
            for store in members {
                if try store.version(of: key, at: write.revision) != nil {
                    let summary = try BlockReplica(key, view: store).summary(at: write.revision)
                    if summary.write == write {
                        versionCount += 1
                    } else if summary.write != nil {
                        result.violation(
                            "a replica has another version of \(block) at \(write.revision) than "
                                + "the log")
                    }
                } else if try holdsPend(of: write, key, store) {
                    pendCount += 1
                }
            }
            if versionCount + pendCount < quorum {
                result.violation(
                    "the write of \(block) at \(write.revision) is on "
                        + "\(versionCount + pendCount) of \(members.count) replicas")
            } else if write.revision <= tail.checkpoint.revision(of: block), versionCount < quorum {
                result.violation(
                    "the write of \(block) at \(write.revision) is a version on \(versionCount) "
                        + "replicas, below checkpoint \(tail.checkpoint.revision(of: block))")
            }
        }
    }

    /// Whether a committed write can be made out of its pend without asking another replica: its
    /// base is there, too (protocol: pend-needs-its-base).
    private func holdsPend(
        of write: CommittedWrite, _ key: BlockKey, _ store: StorageRepository
    ) throws -> Bool {
        guard let pend = try store.pend(PendKey(key, payload: write.payload)),
            pend.resultHash == write.resultHash
        else { return false }
        let transform = try BlockTransform(canonicalBytes: pend.transform)
        guard let base = pend.base, transform.insert == nil, !transform.delete else { return true }
        return try store.version(of: key, at: base.revision)?.write == base
    }

    /// Nothing is a version that the log does not say.
    private func checkUncommitted(
        _ writes: [BlockID: [CommittedWrite]], _ tail: Tail, _ result: inout CheckResult
    ) throws {
        let known = writes.mapValues { Set($0.map(\.revision)) }
        for position in try versionPositions() where position.key.incarnation == tail.incarnation {
            result.checkedCount += 1
            if known[position.key.block]?.contains(position.revision) != true {
                result.violation(
                    "\(position.key.block) has a version at \(position.revision), where the "
                        + "log has no write of it")
            }
        }
    }

    /// Nothing is a version of a life that no collection ever had.
    func checkStrays(of names: [String]) throws -> CheckResult {
        var result = CheckResult()
        let newest = try names.compactMap { try newestValue(of: $0)?.live?.incarnation }
        let lives = chosen.incarnations.union(newest)
        for position in try versionPositions() where !lives.contains(position.key.incarnation) {
            result.violation(
                "\(position.key.block) has a version at \(position.revision) of the life "
                    + "\(position.key.incarnation), which no collection had")
        }
        return result
    }

    /// Executes the actions of a log again: what comes of them is what it says, whoever executed
    /// them, and however often (protocol: execution-is-deterministic).
    private func execute(_ log: Log, _ result: inout CheckResult) -> HistoryReplay {
        let isLists = ListAppend.finalEntries(of: log.custom) != nil
        let custom =
            isLists ? ReplayHandler(ListAppend.behavior) : ReplayHandler(Signature.behavior)
        let handler = ReplayHandler(log.tail.header.kind) ?? custom
        var replay = HistoryReplay(
            log.tail.collection, log.tail.incarnation, header: log.tail.header, handler: handler)
        for (number, body) in log.bodies.enumerated() where !replay.isOver {
            let entry = LogEntry(
                revision: Revision(UInt64(number + 1)), payload: log.payloads[number], body: body,
                headerAfter: log.headersAfter[number], wallMilliseconds: 0)
            result.checkedCount += 1
            for difference in replay.execute(entry) {
                result.violation("executed again, the log is another one: \(difference)")
            }
        }
        return replay
    }

    /// Walks the structure over what the replicas answer, and compares it with the log's model and
    /// with what its execution made.
    private func checkStructure(
        _ log: Log, _ writes: [BlockID: [CommittedWrite]], _ replay: HistoryReplay,
        _ result: inout CheckResult
    ) throws {
        let tail = log.tail
        var fetched: [FetchedBlock.Key: FetchedBlock] = [:]
        var live: [BlockID] = []
        for (block, committed) in writes.sorted(by: { $0.key < $1.key }) {
            let request = BlockReadRequest(
                key: BlockKey(block: block, incarnation: tail.incarnation),
                revision: tail.revision,
                committed: committed.filter { $0.revision > tail.checkpoint.revision(of: block) })
            guard let newest = committed.last, !newest.isRemoval else { continue }
            live.append(block)
            for store in members(of: block) {
                var replica = BlockReplica(request.key, view: store)
                guard case .block(let copy?)? = try? replica.read(request), copy.write == newest
                else { continue }
                fetched[FetchedBlock.Key(request)] = try FetchedBlock(request, copy)
                if let difference = replay.difference(of: block, from: copy) {
                    result.violation("a replica: \(difference)")
                }
            }
        }
        if replay.blocks != live.sorted() {
            result.violation(
                "\(live.count) blocks are there and \(replay.blockCount) were made again")
        }
        let snapshot = CollectionSnapshot(
            history: BlockHistory(incarnation: tail.incarnation, floor: Checkpoint(tail.revision)),
            revision: tail.revision, cache: SharedBlockCache(), fetched: fetched)
        let tracker = Tracker(
            snapshot: snapshot, header: tail.header,
            ids: StructuralBlockIDs(
                incarnation: tail.incarnation, action: ActionID(rawValue: .zero)))
        result.checkedCount += 1
        guard let reached = try reach(log, tracker, &result) else { return }
        if reached != live.sorted() {
            result.violation(
                "\(live.count) blocks are there and \(reached.count) can be reached")
        }
    }

    /// The blocks of the structure; nil when it is not that of the log.
    private func reach(
        _ log: Log, _ tracker: Tracker, _ result: inout CheckResult
    ) throws -> [BlockID]? {
        let collection = log.tail.collection
        guard log.tail.header.kind != .queue else {
            let chain = Chain(tracker: tracker, collection: collection)
            guard try chain.entries() == StructureChecker.finalModel(of: log.told).values else {
                result.violation("the blocks do not make the queue of the log")
                return nil
            }
            return try chain.checkInvariants()
        }
        let entries =
            log.tail.header.kind == .custom
            ? ListAppend.finalEntries(of: log.custom) ?? CustomChecker.finalEntries(of: log.custom)
            : StructureChecker.finalModel(of: log.told).entries
        let tree = try BTree(tracker: tracker, collection: collection)
        guard try tree.entries() == entries,
            try entries.allSatisfy({ try tree.get($0.key) == $0.value })
        else {
            result.violation("the blocks do not make the tree of the log")
            return nil
        }
        return try tree.checkInvariants()
    }
}
