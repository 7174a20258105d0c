import BlockModel
import BlockRuntime

/// How many pends each block has and what they take, with what is staged: kept in memory, because a
/// scan that counts them in the engine goes over the marks of all that were removed, more with
/// every write.
///
/// Takes some 100 bytes for each block that has a pend. Pends are undecided changes, so there are
/// few beside the versions.
struct PendCounts {
    /// No zeros.
    private var loads: [BlockKey: PendLoad] = [:]
    /// As they were before the running cycle, of those it changed.
    private var before: [BlockKey: PendLoad] = [:]

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
            for (storageKey, value) in page {
                guard let key = StorageKeys.block(ofPend: storageKey) else {
                    throw SealedRecord.damaged(storageKey, "not the key of a pend")
                }
                loads[key, default: PendLoad()].count += 1
                loads[key, default: PendLoad()].bytes += value.count
            }
            guard page.count == Self.pageCount, let last = page.last else { return }
            lowest = last.key + [0]
        }
    }

    subscript(key: BlockKey) -> PendLoad { loads[key] ?? PendLoad() }

    /// All blocks together.
    /// - Complexity: O(blocks with pends).
    var total: PendLoad {
        loads.values.reduce(into: PendLoad()) {
            $0.count += $1.count
            $0.bytes += $1.bytes
        }
    }

    /// Stops the process unless only blocks that have pends are counted.
    func checkInvariants() {
        for (key, load) in loads {
            invariant(load.count > 0, "no pends of \(key) are counted")
            invariant(load.bytes >= 0, "\(load.bytes) bytes of pends")
        }
    }

    /// A record that was damaged since it was counted may be found longer than it was, or gone:
    /// these are quotas, and nothing is below none.
    mutating func add(count: Int, bytes: Int, to key: BlockKey) {
        invariant(abs(count) <= 1, "\(count) pends at once")
        invariant(count != 1 || bytes > 0, "a pend of \(bytes) bytes")
        var load = self[key]
        if before[key] == nil { before[key] = load }
        load.count = max(0, load.count + count)
        load.bytes = max(0, load.bytes + bytes)
        loads[key] = load.count == 0 ? nil : load
    }

    /// The cycle is committed.
    mutating func keep() { before.removeAll(keepingCapacity: true) }

    /// The cycle is discarded.
    mutating func undo() {
        for (key, load) in before { loads[key] = load.count == 0 ? nil : load }
        keep()
        invariant(before.isEmpty, "a cycle that is undone and goes on")
    }
}
