import BlockRuntime
import Glibc

/// The order of keys: bytes compared as unsigned numbers, a prefix before what it begins.
package func keyPrecedes(_ left: Bytes, _ right: Bytes) -> Bool {
    let common = min(left.count, right.count)
    guard common > 0 else { return left.count < right.count }
    let order = left.withUnsafeBytes { leftBytes in
        right.withUnsafeBytes { rightBytes in
            memcmp(leftBytes.baseAddress!, rightBytes.baseAddress!, common)
        }
    }
    return order == 0 ? left.count < right.count : order < 0
}

/// A sorted map of bytes in memory, a value.
///
/// Records lie in chunks of bounded size, so that a copy costs nothing and the first change after
/// it copies one chunk and the list of chunks, not the records: simulated disks keep many copies.
package struct SortedTable: Sendable {
    private struct Chunk {
        var keys: [Bytes]
        var values: [Bytes]
    }

    /// Above this a chunk is split; small enough that the copy that a change after a sync makes of
    /// one is short.
    private static let chunkCountMax = 32

    /// Ascending, none of them empty.
    private var chunks: [Chunk] = []
    /// Records.
    package private(set) var count = 0
    /// Bytes of all keys and values.
    package private(set) var byteCount = 0

    package init() {}

    /// - Complexity: O(log n).
    package subscript(key: Bytes) -> Bytes? {
        get {
            guard let chunk = chunkIndex(holding: key) else { return nil }
            let position = position(of: key, in: chunk)
            let keys = chunks[chunk].keys
            guard position < keys.count, keys[position] == key else { return nil }
            return chunks[chunk].values[position]
        }
        set {
            if let newValue { put(newValue, for: key) } else { remove(key) }
        }
    }

    /// Applies the operations in order.
    package mutating func apply(_ batch: WriteBatch) {
        for operation in batch.operations {
            switch operation {
            case .put(let key, let value): put(value, for: key)
            case .delete(let key): remove(key)
            }
        }
    }

    /// The records with `lowest <= key < end`, ascending, the first `countMax` of them.
    /// - Complexity: O(log n + `countMax`).
    package func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) -> [(key: Bytes, value: Bytes)] {
        var records: [(key: Bytes, value: Bytes)] = []
        guard countMax > 0, var chunk = chunkIndex(holding: lowest) ?? chunks.indices.first else {
            return records
        }
        var position = position(of: lowest, in: chunk)
        while chunk < chunks.count {
            while position < chunks[chunk].keys.count {
                let key = chunks[chunk].keys[position]
                guard keyPrecedes(key, end) else { return records }
                records.append((key, chunks[chunk].values[position]))
                if records.count == countMax { return records }
                position += 1
            }
            chunk += 1
            position = 0
        }
        return records
    }

    private mutating func put(_ value: Bytes, for key: Bytes) {
        guard let chunk = chunkIndex(holding: key) ?? chunks.indices.first else {
            chunks.append(Chunk(keys: [key], values: [value]))
            count = 1
            byteCount = key.count + value.count
            return
        }
        let position = position(of: key, in: chunk)
        if position < chunks[chunk].keys.count, chunks[chunk].keys[position] == key {
            byteCount += value.count - chunks[chunk].values[position].count
            chunks[chunk].values[position] = value
            return
        }
        chunks[chunk].keys.insert(key, at: position)
        chunks[chunk].values.insert(value, at: position)
        count += 1
        byteCount += key.count + value.count
        if chunks[chunk].keys.count > Self.chunkCountMax { split(chunk) }
    }

    private mutating func remove(_ key: Bytes) {
        guard let chunk = chunkIndex(holding: key) else { return }
        let position = position(of: key, in: chunk)
        guard position < chunks[chunk].keys.count, chunks[chunk].keys[position] == key else {
            return
        }
        chunks[chunk].keys.remove(at: position)
        let value = chunks[chunk].values.remove(at: position)
        if chunks[chunk].keys.isEmpty { chunks.remove(at: chunk) }
        count -= 1
        byteCount -= key.count + value.count
    }

    private mutating func split(_ chunk: Int) {
        let middle = chunks[chunk].keys.count / 2
        let upper = Chunk(
            keys: Array(chunks[chunk].keys[middle...]),
            values: Array(chunks[chunk].values[middle...]))
        chunks[chunk].keys.removeSubrange(middle...)
        chunks[chunk].values.removeSubrange(middle...)
        chunks.insert(upper, at: chunk + 1)
    }

    /// The last chunk whose first key is not above `key`; nil when `key` is below all.
    private func chunkIndex(holding key: Bytes) -> Int? {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if keyPrecedes(key, chunks[middle].keys[0]) { high = middle } else { low = middle + 1 }
        }
        return low == 0 ? nil : low - 1
    }

    /// The first position in a chunk whose key is not below `key`.
    private func position(of key: Bytes, in chunk: Int) -> Int {
        let keys = chunks[chunk].keys
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keyPrecedes(keys[middle], key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Stops the process when the order, the sizes or the counts do not hold.
    package func checkInvariants() {
        var previous: Bytes?
        var records = 0
        var bytes = 0
        for chunk in chunks {
            invariant(!chunk.keys.isEmpty, "an empty chunk")
            invariant(chunk.keys.count <= Self.chunkCountMax, "\(chunk.keys.count) in a chunk")
            invariant(chunk.keys.count == chunk.values.count, "keys and values differ in number")
            for (key, value) in zip(chunk.keys, chunk.values) {
                invariant(previous.map { keyPrecedes($0, key) } ?? true, "keys out of order")
                previous = key
                records += 1
                bytes += key.count + value.count
            }
        }
        invariant(records == count, "\(records) records counted as \(count)")
        invariant(bytes == byteCount, "\(bytes) bytes counted as \(byteCount)")
    }
}
