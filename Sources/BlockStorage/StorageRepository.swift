import BlockModel
import BlockRuntime

/// The store of a storage peer over any engine: registers, contents, segments, pends, versions.
///
/// Work goes in cycles. ``apply(_:)`` stages a write that reads see at once; ``commitCycle()``
/// turns all that is staged into one batch and one sync, after which replies may leave;
/// ``discardCycle()`` forgets it. After a failed commit the engine is unusable, and so is this: the
/// process must end and open the directory again.
///
/// For one thread.
package final class StorageRepository: PeerStoreView {
    let engine: any KeyValueEngine
    /// Durable as of the last commit.
    private var committed: StoreProgress
    /// With what is staged; its write sequence is still that of ``committed``.
    var progress: StoreProgress

    /// Staged registers, and the order in which they were first staged.
    private var registers: [CollectionID: RegisterRecord] = [:]
    private var registerOrder: [CollectionID] = []
    /// Staged contents and segments.
    private var blocks = StagedRecords()
    /// Staged pends and versions.
    var versionRecords = StagedRecords()
    /// With what is staged.
    var pendCounts: PendCounts
    var recents: RecentRecords
    /// Whether a register read in this cycle is in the engine: saves reading it again to count it.
    private var registerExists: [CollectionID: Bool] = [:]
    private var volatilePromises = VolatilePromises()

    /// Bytes removed since the engine was last asked to give space back.
    var removedBytes: UInt64 = 0
    private var reclaimedAt: Instant?

    /// Contents and segments found damaged since the store was opened.
    package private(set) var corruptBlockCount: UInt64 = 0

    /// Opens what `engine` holds; an engine without a record is an empty store.
    ///
    /// Syncs before anything is read: a process that died between its write and its sync leaves a
    /// batch that is readable and yet not durable, and a peer that answers from it breaks the
    /// promise that an answer outlives the next loss of power.
    /// - Parameter recentBytesMax: Bytes of records of each kind that need not be read again.
    /// - Throws: `.corrupted` when the record of the store's progress is damaged, `.ioFailed`; what
    ///   ``KeyValueEngine/sync()`` throws.
    package init(
        engine: any KeyValueEngine, recentBytesMax: Int = Limits.recentRecordBytesMax
    ) throws {
        invariant(recentBytesMax >= 0, "\(recentBytesMax) bytes of records")
        self.engine = engine
        recents = RecentRecords(bytesMax: recentBytesMax)
        try engine.sync()
        if let stored = try engine.get(StorageKeys.progress) {
            committed = try StoreProgress(sealed: stored)
        } else {
            committed = StoreProgress()
        }
        progress = committed
        pendCounts = try PendCounts(engine: engine)
    }

    /// Cycles committed since the directory was made: what the ack journal remembers.
    package var writeSequence: UInt64 { committed.writeSequence }

    /// What the engine did since it was opened.
    package var engineCounters: EngineCounters { engine.counters }

    /// Counted with every write and stored with every cycle; nothing is scanned to know them.
    package var statistics: PeerStoreStatistics {
        var statistics = PeerStoreStatistics()
        statistics.registerCount = progress.registerCount
        statistics.contentCount = progress.contentCount
        statistics.segmentCount = progress.segmentCount
        statistics.pendCount = progress.pendCount
        statistics.pendBytes = progress.pendBytes
        statistics.versionCount = progress.versionCount
        (statistics.liveBytes, statistics.deadBytes) = engine.space
        statistics.writeSequence = committed.writeSequence
        return statistics
    }

    // MARK: Reading

    package func register(_ collection: CollectionID) throws(DatabaseError) -> RegisterRecord {
        if let staged = registers[collection] ?? volatilePromises.record(of: collection) {
            return staged
        }
        if let recent = recents.register(collection) {
            registerExists[collection] = true
            return recent
        }
        let key = StorageKeys.register(collection)
        guard let stored = try engine.get(key) else {
            registerExists[collection] = false
            return .untouched
        }
        registerExists[collection] = true
        let record = try SealedRecord.openRegister(stored, under: key)
        recents.keep(record, of: collection)
        return record
    }

    package func content(_ block: BlockID) throws(DatabaseError) -> Bytes? {
        let key = StorageKeys.content(block)
        if let staged = blocks[key] { return staged }
        guard let stored = try readable(key) else { return nil }
        return verified(stored, BlockID(content: stored) == block)
    }

    package func segment(_ segment: SegmentKey) throws(DatabaseError) -> Bytes? {
        let key = StorageKeys.segment(segment)
        if let staged = blocks[key] { return staged }
        guard let stored = try readable(key) else { return nil }
        if planted(.segmentKeyWithoutHash) { return stored }
        return verified(stored, Segment.hash(of: stored) == segment.hash)
    }

    private func verified(_ bytes: Bytes, _ intact: Bool) -> Bytes? {
        if intact { return bytes }
        countCorruptBlock()
        return nil
    }

    /// A content or segment, nil also when the engine found it damaged: another replica has it.
    private func readable(_ key: Bytes) throws(DatabaseError) -> Bytes? {
        do {
            return try engine.get(key)
        } catch  where error.code == .corrupted {
            countCorruptBlock()
            return nil
        }
    }

    func countCorruptBlock() {
        mark("storage.content.corrupt")
        corruptBlockCount += 1
    }

    package func registers(
        from lowest: CollectionID, countMax: Int
    ) throws(DatabaseError) -> [(CollectionID, RegisterRecord)] {
        guard countMax > 0 else { return [] }
        let stored = try engine.scan(
            from: StorageKeys.register(lowest), below: StorageKeys.registersEnd,
            countMax: countMax)
        var merged: [CollectionID: RegisterRecord] = [:]
        for (key, value) in stored {
            guard let collection = StorageKeys.collection(ofRegister: key) else {
                throw SealedRecord.damaged(key, "not the key of a register")
            }
            merged[collection] = try SealedRecord.openRegister(value, under: key)
        }
        volatilePromises.merge(from: lowest, into: &merged)
        for (collection, record) in registers where collection >= lowest {
            merged[collection] = record
        }
        let page = merged.sorted { $0.key < $1.key }.prefix(countMax)
        invariant(page.allSatisfy { $0.key >= lowest }, "registers below \(lowest)")
        return page.map { ($0.key, $0.value) }
    }

    /// Has the engine give back what was removed, if that is worth it: in the background, and not
    /// too often.
    package func reclaimSpace(now: Instant) throws(DatabaseError) {
        invariant(reclaimedAt.map { $0 <= now } ?? true, "time goes back to \(now)")
        guard removedBytes >= Limits.reclaimBytesMin,
            reclaimedAt.map({ now.since($0) >= Limits.reclaimInterval }) ?? true
        else { return }
        reclaimedAt = now
        removedBytes = 0
        try engine.reclaimSpace()
    }

    // MARK: Writing

    /// Whether ``commitCycle()`` has anything to write.
    package var hasStagedWrites: Bool {
        !registerOrder.isEmpty || !blocks.isEmpty || !versionRecords.isEmpty
    }

    /// Stages a write. Reads see it at once; it is durable when ``commitCycle()`` returned.
    ///
    /// A content or segment that is stored already, unharmed, is not written again.
    /// - Precondition: The bytes of a content or segment have the hash they are stored under.
    /// - Throws: `.ioFailed` when what is stored cannot be read; nothing is staged then.
    package func apply(_ write: PeerWrite) throws(DatabaseError) {
        switch write {
        case .register(let collection, let record):
            try stage(record, for: collection)
        case .content(let block, let bytes):
            invariant(BlockID(content: bytes) == block, "content \(block) has another hash")
            if try stage(bytes, under: StorageKeys.content(block)) { progress.contentCount += 1 }
        case .segment(let segment, let bytes):
            invariant(
                Segment.hash(of: bytes) == segment.hash, "segment \(segment.hash) hashes to other")
            if planted(.segmentIndexExistsIsEnough), try hasSegment(at: segment) { return }
            if try stage(bytes, under: StorageKeys.segment(segment)) { progress.segmentCount += 1 }
        case .removeContent(let block):
            if try stageRemoval(ofBlock: StorageKeys.content(block)) {
                progress.contentCount -= min(progress.contentCount, 1)
            }
        case .removeSegment(let segment):
            if try stageRemoval(ofBlock: StorageKeys.segment(segment)) {
                progress.segmentCount -= min(progress.segmentCount, 1)
            }
        case .contentOwner(let block, let owner): stage(owner, of: block)
        case .removeContentOwner(let block, let incarnation):
            versionRecords.remove(StorageKeys.owner(of: block, in: incarnation))
        case .removeVersion(let position): try stageRemoval(of: position)
        case .pend(let key, let record): try stage(record, under: key)
        case .removePend(let key): try stageRemoval(of: key)
        case .version(let key, let record): try stage(record, of: key)
        }
    }

    private func stage(
        _ record: RegisterRecord, for collection: CollectionID
    ) throws(DatabaseError) {
        invariant(
            record.promised >= record.accepted || planted(.acceptDoesNotPromise),
            "a promise below the accepted ballot")
        if registers.updateValue(record, forKey: collection) != nil {
            return recents.keep(record, of: collection)
        }
        do {
            if try !isStored(collection) { progress.registerCount += 1 }
        } catch {
            registers[collection] = nil
            throw error
        }
        registerOrder.append(collection)
        recents.keep(record, of: collection)
        invariant(
            registerOrder.count == registers.count,
            "\(registerOrder.count) places for \(registers.count) registers")
    }

    private func isStored(_ collection: CollectionID) throws(DatabaseError) -> Bool {
        if let known = registerExists[collection] { return known }
        if recents.register(collection) != nil { return true }
        return try engine.get(StorageKeys.register(collection)) != nil
    }

    /// - Returns: Whether `key` is new.
    private func stage(_ bytes: Bytes, under key: Bytes) throws(DatabaseError) -> Bool {
        if let staged = blocks[key] {
            blocks.put(bytes, for: key)
            return staged == nil
        }
        let stored = try readable(key)
        if stored == bytes { return false }
        blocks.put(bytes, for: key)
        return stored == nil
    }

    /// - Returns: Whether there was one.
    private func stageRemoval(ofBlock key: Bytes) throws(DatabaseError) -> Bool {
        if let staged = blocks[key] {
            blocks.remove(key)
            return staged != nil
        }
        guard let stored = try readable(key) else { return false }
        removedBytes += UInt64(stored.count)
        blocks.remove(key)
        return true
    }

    private func hasSegment(at segment: SegmentKey) throws(DatabaseError) -> Bool {
        let position = StorageKeys.segmentPosition(segment)
        if blocks.hasKey(startingWith: position) { return true }
        let found = try engine.scan(
            from: position, below: StorageKeys.end(ofPrefix: position), countMax: 1)
        return !found.isEmpty
    }

    // MARK: The cycle

    /// Writes everything staged as one batch, with the count of cycles in it, and syncs once.
    /// Does nothing when nothing was staged.
    /// - Throws: `.ioFailed`, `.noSpace`, ``SimulatedCrash``: nothing staged may be answered, and
    ///   the process must end.
    package func commitCycle() throws {
        invariant(
            progress.writeSequence == committed.writeSequence,
            "cycle \(progress.writeSequence) is counted before it is written")
        guard hasStagedWrites else { return endCycle() }
        #if SIMULATION_HOOKS
        checkInvariants()
        #endif
        do {
            let batch = try batch()
            if !batch.isEmpty {
                var next = progress
                next.writeSequence = committed.writeSequence + 1
                try write(batch, and: next)
                committed = next
                progress = next
            }
            pendCounts.keep()
            endCycle()
        } catch {
            // What was staged must not be read as if it were stored; the engine refuses the rest.
            discardCycle()
            throw error
        }
    }

    private func write(_ staged: WriteBatch, and next: StoreProgress) throws {
        invariant(!staged.isEmpty, "a cycle of nothing")
        invariant(
            next.writeSequence == committed.writeSequence + 1,
            "cycle \(next.writeSequence) after \(committed.writeSequence)")
        var batch = staged
        batch.put(next.sealed(), for: StorageKeys.progress)
        try engine.write(batch)
        try engine.sync()
    }

    /// Forgets what was staged since the last commit.
    package func discardCycle() {
        progress = committed
        pendCounts.undo()
        recents.removeAll()
        endCycle()
    }

    private func endCycle() {
        if buggify("buggify.storage.recordsForgotten") { recents.removeAll() }
        registers.removeAll(keepingCapacity: true)
        registerOrder.removeAll(keepingCapacity: true)
        blocks.removeAll()
        versionRecords.removeAll()
        registerExists.removeAll(keepingCapacity: true)
        invariant(!hasStagedWrites, "a cycle that is over leaves writes")
        invariant(
            progress == committed || planted(.promiseNotDurable),
            "a cycle that is over leaves counts")
    }

    private func batch() throws(DatabaseError) -> WriteBatch {
        var batch = WriteBatch()
        for collection in registerOrder {
            guard let record = registers[collection] else { continue }
            invariant(record != .untouched, "a register that nobody wrote is staged")
            if try volatilePromises.keep(record, of: collection, from: engine) { continue }
            let key = StorageKeys.register(collection)
            batch.put(SealedRecord.seal(record, under: key), for: key)
        }
        blocks.add(to: &batch)
        versionRecords.add(to: &batch)
        return batch
    }

    /// The part of ``checkInvariants()`` that is about the staged writes.
    func checkStaged() {
        blocks.checkInvariants()
        versionRecords.checkInvariants()
        invariant(
            registerOrder.allSatisfy { registers[$0] != nil }, "a register that is not staged")
        invariant(
            registerOrder.count == registers.count,
            "\(registerOrder.count) places for \(registers.count) registers")
    }
}
