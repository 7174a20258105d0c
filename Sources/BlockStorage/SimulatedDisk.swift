import BlockRuntime

/// What survives the death of a simulated process: the bytes of its engine and its ack journal.
///
/// Engines come and go on one disk, one at a time.
package final class SimulatedDisk {
    /// How many earlier synced states are kept, for the fault that takes synced writes away.
    package static let historyCountMax = 16

    /// What a power cut leaves.
    package private(set) var durable = SortedTable()
    /// What was written since the last sync, oldest first; it is in the page cache.
    package private(set) var unsynced: [WriteBatch] = []
    /// The durable states before each of the last syncs, oldest first.
    private var history: [SortedTable] = []
    /// The ack journal's file; nil before it is made or when it was lost.
    package var journal: Bytes?
    /// Values that are not what was written last.
    package private(set) var damageCount = 0

    package init() {}

    /// Bytes of keys and values that are durable.
    package var byteCount: Int { durable.byteCount }

    /// What a process that opens the disk now sees.
    var visible: SortedTable {
        var table = durable
        for batch in unsynced { table.apply(batch) }
        return table
    }

    func write(_ batch: WriteBatch) { unsynced.append(batch) }

    /// Makes `table`, the visible state, the durable one.
    func sync(_ table: SortedTable) {
        history.append(durable)
        if history.count > Self.historyCountMax { history.removeFirst() }
        durable = table
        unsynced = []
    }

    /// Forgets what was not synced.
    func loseUnsynced() { unsynced = [] }

    /// The machine loses power or the process dies, as `plan` says. The next engine finds the rest.
    package func crash(_ plan: FaultPlan, using generator: inout SeededGenerator) {
        switch plan.unsyncedFate {
        case .survive: break
        case .lost: unsynced = []
        case .prefixSurvives:
            unsynced = Array(unsynced.prefix(generator.below(unsynced.count + 1)))
        case .anySubsetSurvives:
            var survivors: [WriteBatch] = []
            for batch in unsynced where generator.chance(1, in: 2) { survivors.append(batch) }
            unsynced = survivors
        }
        dropSynced(plan.droppedSyncCount)
    }

    /// Takes the last `count` syncs away, and everything after them.
    private func dropSynced(_ count: Int) {
        invariant(count <= Self.historyCountMax, "\(count) syncs to drop, history is shorter")
        guard count > 0, !history.isEmpty else { return }
        mark("disk.synced.dropped")
        let kept = max(0, history.count - count)
        durable = history[kept]
        history.removeSubrange(kept...)
        unsynced = []
    }

    /// Flips one bit of the value under `key`, wherever it is stored.
    /// - Parameter bit: Counted over the value, modulo its length.
    /// - Returns: Whether there was a bit to flip.
    @discardableResult
    package func flipBit(_ bit: Int, ofValueUnder key: Bytes) -> Bool {
        func flipped(_ value: Bytes) -> Bytes {
            var value = value
            value[bit / 8 % value.count] ^= 1 << UInt8(bit % 8)
            return value
        }
        var found = false
        if let value = durable[key], !value.isEmpty {
            durable[key] = flipped(value)
            found = true
        }
        unsynced = unsynced.map { batch in
            var copy = WriteBatch()
            for operation in batch.operations {
                switch operation {
                case .put(key, let value) where !value.isEmpty:
                    copy.put(flipped(value), for: key)
                    found = true
                case .put(let other, let value): copy.put(value, for: other)
                case .delete(let other): copy.delete(other)
                }
            }
            return copy
        }
        if found { damageCount += 1 }
        return found
    }

    /// Puts the value of the next key of the same kind, the first byte, under `key`, too.
    /// - Returns: Whether there is another one.
    package func misdirect(to key: Bytes) -> Bool {
        guard let kind = key.first, durable[key] != nil else { return false }
        let next = durable.scan(from: key + [0], below: [kind + 1], countMax: 1).first
        let other = next ?? durable.scan(from: [kind], below: key, countMax: 1).first
        guard let other else { return false }
        replace(key, by: other.value)
        return true
    }

    /// Brings back the value that `key` had before its last one, nothing when it had none.
    /// - Returns: Whether any of the states remembered has another one.
    package func makeStale(_ key: Bytes) -> Bool {
        guard let current = durable[key],
            let older = history.last(where: { $0[key] != current })
        else { return false }
        replace(key, by: older[key])
        return true
    }

    private func replace(_ key: Bytes, by value: Bytes?) {
        damageCount += 1
        durable[key] = value
        unsynced = unsynced.map { batch in
            var copy = WriteBatch()
            for operation in batch.operations {
                switch operation {
                case .put(key, _), .delete(key): continue
                case .put(let other, let value): copy.put(value, for: other)
                case .delete(let other): copy.delete(other)
                }
            }
            return copy
        }
    }

    /// The whole disk becomes what it was before the cycle `sequence` of its store was synced; the
    /// ack journal, which is another file, stays.
    /// - Returns: Whether a state that old is remembered.
    package func rollBack(before sequence: UInt64) -> Bool {
        let older = history.lastIndex { table in
            guard let stored = table[StorageKeys.progress],
                let progress = try? StoreProgress(sealed: stored)
            else { return sequence > 0 }
            return progress.writeSequence < sequence
        }
        guard let older else { return false }
        mark("disk.rolledBack")
        durable = history[older]
        history.removeSubrange(older...)
        unsynced = []
        return true
    }
}
