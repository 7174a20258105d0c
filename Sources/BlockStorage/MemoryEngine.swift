import BlockRuntime

/// An engine that keeps everything in memory and forgets it with the process.
///
/// For embedded tests and for the reference side of model-based tests. ``table`` is a value: taking
/// it is a snapshot, and an engine made from one goes on from there.
package final class MemoryEngine: KeyValueEngine {
    /// What is stored now.
    package private(set) var table: SortedTable
    package private(set) var counters = EngineCounters()
    private var health = EngineHealth()

    package init(table: SortedTable = SortedTable()) {
        self.table = table
    }

    package func get(_ key: Bytes) throws(DatabaseError) -> Bytes? {
        try health.check()
        counters.reads += 1
        return table[key]
    }

    package func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        try health.check()
        counters.reads += 1
        return table.scan(from: lowest, below: end, countMax: countMax)
    }

    package func write(_ batch: WriteBatch) throws {
        try health.check()
        table.apply(batch)
        counters.writes += 1
    }

    package func sync() throws {
        try health.check()
        counters.syncs += 1
    }

    package func close() { health.close() }
}
