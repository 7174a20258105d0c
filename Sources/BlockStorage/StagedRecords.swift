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
    /// Keys that are staged.
    var count: Int { order.count }

    mutating func put(_ value: Bytes, for key: Bytes) { stage(value, key) }
    mutating func remove(_ key: Bytes) { stage(nil, key) }

    private mutating func stage(_ value: Bytes?, _ key: Bytes) {
        invariant(!key.isEmpty, "a record under no key")
        if values.updateValue(value, forKey: key) == nil { order.append(key) }
        invariant(order.count == values.count, "\(order.count) keys, \(values.count) records")
    }

    /// What is staged under `key`: nil: nothing; `.some(nil)`: its removal.
    subscript(key: Bytes) -> Bytes?? { values[key] }

    /// Whether anything is staged under a key that begins like this.
    /// - Complexity: O(staged records).
    func hasKey(startingWith prefix: Bytes) -> Bool {
        order.contains { $0.starts(with: prefix) }
    }

    /// Stops the process unless each key has its place in the order.
    func checkInvariants() {
        invariant(Set(order).count == order.count, "a key that is staged twice")
        invariant(order.allSatisfy { values[$0] != nil }, "a key without what is staged")
        invariant(order.count == values.count, "\(order.count) keys, \(values.count) records")
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
        invariant(
            batch.operations.count >= order.count, "a batch without some of what was staged")
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
        invariant(countMax >= 0, "\(countMax) records are asked for")
        invariant(!keyPrecedes(end, lowest), "a range that ends before it begins")
        let ours = order.filter { !keyPrecedes($0, lowest) && keyPrecedes($0, end) }
        // Each removed record may hide one that the engine holds.
        let stored = try engine.scan(from: lowest, below: end, countMax: countMax + ours.count)
        invariant(
            stored.count <= countMax + ours.count, "\(stored.count) records of an engine")
        guard !ours.isEmpty else { return stored }
        var merged = stored.filter { values[$0.key] == nil }
        for key in ours {
            if let value = values[key] ?? nil { merged.append((key, value)) }
        }
        merged.sort { keyPrecedes($0.key, $1.key) }
        let found = merged.prefix(countMax)
        if let first = found.first, let last = found.last {
            invariant(!keyPrecedes(first.key, lowest), "a record below the range")
            invariant(keyPrecedes(last.key, end), "a record above the range")
        }
        return Array(found)
    }
}
