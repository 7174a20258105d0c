import BlockModel
import BlockRuntime

extension StorageRepository {
    /// Stops the process unless what is staged, what is counted and what is remembered agree.
    ///
    /// Cheap enough for every cycle of a simulation: reads nothing.
    /// - Complexity: O(staged records + blocks with pends).
    package func checkInvariants() {
        checkStaged()
        pendCounts.checkInvariants()
        invariant(
            progress.writeSequence == writeSequence,
            "cycle \(progress.writeSequence) is counted, \(writeSequence) are written")
    }

    /// Stops the process unless what was counted with every write is what is stored, which a disk
    /// that loses or changes records may make wrong.
    /// - Complexity: Reads every register, content, segment, pend and version of the engine.
    package func checkTotals() throws(DatabaseError) {
        invariant(!hasStagedWrites, "what is staged is not stored yet")
        invariant(pendCounts.total.count == progress.pendCount, "pends are miscounted")
        invariant(pendCounts.total.bytes == progress.pendBytes, "bytes of pends are miscounted")
        let kinds = [
            (StorageKeys.registers, progress.registerCount),
            (StorageKeys.contents, progress.contentCount),
            (StorageKeys.segments, progress.segmentCount),
            (StorageKeys.pendsStart, progress.pendCount),
            (StorageKeys.versions, progress.versionCount),
        ]
        for (prefix, count) in kinds {
            let stored = try engine.scan(
                from: prefix, below: StorageKeys.end(ofPrefix: prefix), countMax: .max)
            invariant(
                UInt64(stored.count) == count, "\(stored.count) of \(prefix), \(count) are counted")
        }
    }
}
