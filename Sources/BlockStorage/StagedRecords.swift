import BlockModel
import BlockRuntime

/// Records put and removed in a cycle that is not committed yet, laid over what an engine holds.
///
/// Reads of the same cycle see them at once; ``add(to:)`` makes them part of its batch.
struct StagedRecords {
    /// nil: removed.
    private var values: [Bytes: Bytes?] = [:]
    /// Keys in the order in which they were first staged, so that equal cycles are equal batches.
    private var order: [Bytes] = []

    var isEmpty: Bool { order.isEmpty }

    mutating func put(_ value: Bytes, for key: Bytes) { stage(value, key) }
    mutating func remove(_ key: Bytes) { stage(nil, key) }

    private mutating func stage(_ value: Bytes?, _ key: Bytes) {
        if values.updateValue(value, forKey: key) == nil { order.append(key) }
    }

    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        order.removeAll(keepingCapacity: true)
    }

    func add(to batch: inout WriteBatch) {
        for key in order {
            guard let staged = values[key] else { continue }
            if let value = staged { batch.put(value, for: key) } else { batch.delete(key) }
        }
    }

    /// The record under `key` as this cycle sees it.
    func get(_ key: Bytes, from engine: any KeyValueEngine) throws(DatabaseError) -> Bytes? {
        if let staged = values[key] { return staged }
        return try engine.get(key)
    }

    /// The first `countMax` records with `lowest <= key < end` as this cycle sees them, ascending.
    /// - Complexity: O(log n + `countMax` + staged records).
    func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int, in engine: any KeyValueEngine
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        let ours = order.filter { !keyPrecedes($0, lowest) && keyPrecedes($0, end) }
        // Each removed record may hide one that the engine holds.
        let stored = try engine.scan(from: lowest, below: end, countMax: countMax + ours.count)
        guard !ours.isEmpty else { return stored }
        var merged = stored.filter { values[$0.key] == nil }
        for key in ours {
            if let value = values[key] ?? nil { merged.append((key, value)) }
        }
        merged.sort { keyPrecedes($0.key, $1.key) }
        return Array(merged.prefix(countMax))
    }
}
