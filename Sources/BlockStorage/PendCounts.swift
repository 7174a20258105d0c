import BlockModel
import BlockRuntime

/// How many pends each block has, with what is staged: kept in memory, because a scan that counts
/// them in the engine goes over the marks of all that were removed, more with every write.
///
/// Takes some 100 bytes for each block that has a pend. Pends are undecided changes, so there are
/// few beside the versions.
struct PendCounts {
    /// No zeros.
    private var counts: [BlockKey: Int] = [:]
    /// As they were before the running cycle, of those it changed.
    private var before: [BlockKey: Int] = [:]

    /// Pends read at a time when they are counted.
    private static let pageCount = 256

    init() {}

    /// Counts what an engine holds.
    /// - Complexity: Reads every pend, and the marks of those removed lately.
    init(engine: any KeyValueEngine) throws(DatabaseError) {
        var lowest = StorageKeys.pendsStart
        while true {
            let page = try engine.scan(
                from: lowest, below: StorageKeys.pendsEnd, countMax: Self.pageCount)
            for (storageKey, _) in page {
                guard let key = StorageKeys.block(ofPend: storageKey) else {
                    throw SealedRecord.damaged(storageKey, "not the key of a pend")
                }
                counts[key, default: 0] += 1
            }
            guard page.count == Self.pageCount, let last = page.last else { return }
            lowest = last.key + [0]
        }
    }

    subscript(key: BlockKey) -> Int { counts[key] ?? 0 }

    mutating func add(_ change: Int, to key: BlockKey) {
        let count = self[key]
        if before[key] == nil { before[key] = count }
        invariant(count + change >= 0, "block \(key.block) has fewer than no pends")
        counts[key] = count + change == 0 ? nil : count + change
    }

    /// The cycle is committed.
    mutating func keep() { before.removeAll(keepingCapacity: true) }

    /// The cycle is discarded.
    mutating func undo() {
        for (key, count) in before { counts[key] = count == 0 ? nil : count }
        keep()
    }
}
