import BlockRuntime
import BlockStorage
import CRocksDB

/// An engine over a RocksDB database of its own.
///
/// A write goes to the log file at once but waits for ``sync()``: one write and one `fdatasync` for
/// a whole cycle. A process that is killed between the two loses nothing; a machine that loses
/// power there loses the batch as a whole.
package final class RocksDBEngine: KeyValueEngine {
    package private(set) var counters = EngineCounters()

    private var database: OpaquePointer?
    private let settings: RocksDBSettings
    private let writeOptions: OpaquePointer
    private let batch: OpaquePointer
    private var health = EngineHealth()

    /// Opens the database in the directory `path`.
    /// - Parameter creating: Whether to make one. A database that should be there and is not must
    ///   be an error, not an empty database.
    /// - Throws: `.corrupted` when the log or a file is damaged or missing, `.directoryLocked`,
    ///   `.ioFailed`, `.noSpace`.
    package init(at path: SystemPath, creating: Bool) throws(DatabaseError) {
        try RocksDBEngine.checkClock()
        let settings = try RocksDBSettings(creating: creating)
        database = try RocksDBError.checking("open \(path)") { error in
            path.withCString { rocksdb_open(settings.options, $0, error) }
        }
        self.settings = settings
        writeOptions = rocksdb_writeoptions_create()
        // The sync is a call of its own, so that a crash between write and sync can be told apart.
        rocksdb_writeoptions_set_sync(writeOptions, 0)
        batch = rocksdb_writebatch_create()
    }

    deinit {
        if let database { rocksdb_close(database) }
        rocksdb_writebatch_destroy(batch)
        rocksdb_writeoptions_destroy(writeOptions)
    }

    package func close() {
        guard let database else { return }
        rocksdb_close(database)
        self.database = nil
        health.close()
    }

    package func get(_ key: Bytes) throws(DatabaseError) -> Bytes? {
        let database = try usable()
        counters.reads += 1
        let pinned = try RocksDBError.checking("get") { error in
            key.withUnsafeBytes { key in
                rocksdb_get_pinned(
                    database, settings.readOptions, key.characters, key.count, error)
            }
        }
        guard let pinned else { return nil }
        defer { rocksdb_pinnableslice_destroy(pinned) }
        var count = 0
        return copied(rocksdb_pinnableslice_value(pinned, &count), count)
    }

    package func scan(
        from lowest: Bytes, below end: Bytes, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        let database = try usable()
        counters.reads += 1
        // No key is below the empty one, which RocksDB would take for no bound.
        if end.isEmpty { return [] }
        return try end.withUnsafeBytes { end in
            let readOptions = RocksDBSettings.readOptions()
            defer { rocksdb_readoptions_destroy(readOptions) }
            // Without it, a scan that finds little goes on over the marks of all records that were
            // removed above its end, until it meets one that lives.
            rocksdb_readoptions_set_iterate_upper_bound(readOptions, end.characters, end.count)
            let iterator: OpaquePointer = rocksdb_create_iterator(database, readOptions)
            defer { rocksdb_iter_destroy(iterator) }
            lowest.withUnsafeBytes { rocksdb_iter_seek(iterator, $0.characters, $0.count) }
            return Result { () throws(DatabaseError) in
                try records(of: iterator, countMax: countMax)
            }
        }.get()
    }

    /// What an iterator gives from where it is.
    private func records(
        of iterator: OpaquePointer, countMax: Int
    ) throws(DatabaseError) -> [(key: Bytes, value: Bytes)] {
        var records: [(key: Bytes, value: Bytes)] = []
        while records.count < countMax, rocksdb_iter_valid(iterator) != 0 {
            var count = 0
            let key = copied(rocksdb_iter_key(iterator, &count), count)
            records.append((key, copied(rocksdb_iter_value(iterator, &count), count)))
            rocksdb_iter_next(iterator)
        }
        // An iterator that met an error looks like one that met the end.
        try RocksDBError.checking("scan") { rocksdb_iter_get_error(iterator, $0) }
        return records
    }

    /// RocksDB notes the time of the first write of each table, and ends the process when it is
    /// before 1970.
    private static func checkClock() throws(DatabaseError) {
        guard wallMilliseconds() == 0 else { return }
        throw DatabaseError(
            .ioFailed,
            "the clock of this machine is before 1970, where nothing can be stored; set it")
    }

    private static let wallMilliseconds = Environment.live().wallMilliseconds

    package func write(_ batch: WriteBatch) throws {
        try RocksDBEngine.checkClock()
        let database = try usable()
        rocksdb_writebatch_clear(self.batch)
        for operation in batch.operations {
            switch operation {
            case .put(let key, let value): put(value, for: key)
            case .delete(let key): delete(key)
            }
        }
        try poisoning { () throws(DatabaseError) in
            try RocksDBError.checking("write of \(batch.byteCount) bytes") { error in
                rocksdb_write(database, writeOptions, self.batch, error)
            }
        }
        counters.writes += 1
    }

    package func sync() throws {
        let database = try usable()
        try poisoning { () throws(DatabaseError) in
            try RocksDBError.checking("sync") { rocksdb_flush_wal(database, 1, $0) }
        }
        counters.syncs += 1
    }

    /// How often RocksDB itself says that it synced a log file since the database was opened.
    /// - Complexity: Prints all statistics to find one; for tests and metrics.
    package var walSyncs: UInt64 { statistic("rocksdb.wal.synced") }

    /// Removed or overwritten records that scans went over since the database was opened.
    /// - Complexity: As ``walSyncs``.
    package var scanSkips: UInt64 { statistic("rocksdb.number.iter.skip") }

    /// Writes out what is in memory, so that the marks of removed records meet the records, and has
    /// those files compacted that are not at the bottom. Both go on in the background.
    package func reclaimSpace() throws(DatabaseError) {
        let database = try usable()
        let flush: OpaquePointer = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(flush) }
        rocksdb_flushoptions_set_wait(flush, 0)
        try RocksDBError.checking("flush") { rocksdb_flush(database, flush, $0) }
        try RocksDBError.checking("suggest compaction") {
            rocksdb_suggest_compact_range(database, nil, 0, nil, 0, $0)
        }
    }

    /// Compacts everything now; returns when it is done.
    package func compact() throws(DatabaseError) {
        let database = try usable()
        let flush: OpaquePointer = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(flush) }
        try RocksDBError.checking("flush") { rocksdb_flush(database, flush, $0) }
        rocksdb_compact_range(database, nil, 0, nil, 0)
    }

    package var space: (live: UInt64, dead: UInt64) {
        let memory = property("rocksdb.cur-size-all-mem-tables")
        let live = property("rocksdb.estimate-live-data-size")
        let files = property("rocksdb.total-sst-files-size")
        return (live + memory, files > live ? files - live : 0)
    }

    private func property(_ name: String) -> UInt64 {
        guard let database else { return 0 }
        var value: UInt64 = 0
        return rocksdb_property_int(database, name, &value) == 0 ? value : 0
    }

    private func statistic(_ name: String) -> UInt64 {
        guard let text = rocksdb_options_statistics_get_string(settings.options) else { return 0 }
        defer { rocksdb_free(text) }
        for line in String(cString: text).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == name[...], let last = words.last { return UInt64(last) ?? 0 }
        }
        return 0
    }

    private func put(_ value: Bytes, for key: Bytes) {
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                rocksdb_writebatch_put(
                    batch, key.characters, key.count, value.characters, value.count)
            }
        }
    }

    private func delete(_ key: Bytes) {
        key.withUnsafeBytes { rocksdb_writebatch_delete(batch, $0.characters, $0.count) }
    }

    private func usable() throws(DatabaseError) -> OpaquePointer {
        try health.check()
        guard let database else { fatalError("invariant: a healthy engine has a database") }
        return database
    }

    /// Runs `body`; when it fails, nothing is done with this engine any more.
    private func poisoning(_ body: () throws(DatabaseError) -> Void) throws(DatabaseError) {
        do {
            try body()
        } catch {
            health.poison(error)
            throw error
        }
    }

    private func copied(_ start: UnsafePointer<CChar>?, _ count: Int) -> Bytes {
        Bytes(UnsafeRawBufferPointer(start: start, count: count))
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as RocksDB's C interface takes them.
    fileprivate var characters: UnsafePointer<CChar>? {
        baseAddress?.assumingMemoryBound(to: CChar.self)
    }
}
