import BlockRuntime
import CRocksDB
import Glibc

/// How every database is opened. Sources: RocksDB 7.8 `include/rocksdb/options.h`, and the issues
/// facebook/rocksdb#6288, #6963, #1351, #12467 and pull request 10330 for the settings of the log.
final class RocksDBSettings {
    let options: OpaquePointer
    let readOptions: OpaquePointer
    private let cache: OpaquePointer

    /// - Throws: `.internalError` when RocksDB does not know an option.
    init(creating: Bool) throws(DatabaseError) {
        let options: OpaquePointer = rocksdb_options_create()
        let plain: OpaquePointer = rocksdb_options_create()
        defer { rocksdb_options_destroy(plain) }
        do {
            // Closed logs are noted in the manifest with their synced size, so that a missing or
            // short one is an error at open. Only the string form of the C interface has it.
            try RocksDBError.checking("options") { error in
                rocksdb_get_options_from_string(
                    plain, "track_and_verify_wals_in_manifest=true", options, error)
            }
        } catch {
            rocksdb_options_destroy(options)
            throw error
        }
        rocksdb_options_set_create_if_missing(options, creating ? 1 : 0)
        rocksdb_options_set_error_if_exists(options, creating ? 1 : 0)
        Self.setLog(options)
        Self.setSizes(options)

        let cache: OpaquePointer = rocksdb_cache_create_lru(Limits.engineCacheBytes)
        Self.setTables(options, cache: cache)
        self.options = options
        self.cache = cache
        readOptions = Self.readOptions()
    }

    /// For a caller that adds something, and destroys it.
    static func readOptions() -> OpaquePointer {
        let readOptions: OpaquePointer = rocksdb_readoptions_create()
        rocksdb_readoptions_set_verify_checksums(readOptions, 1)
        return readOptions
    }

    deinit {
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_options_destroy(options)
        rocksdb_cache_destroy(cache)
    }

    private static func setLog(_ options: OpaquePointer) {
        // Point-in-time recovery, the default, may silently drop a synced end of the log; absolute
        // consistency refuses the torn end that every crash may leave. This refuses damage
        // inside the log and accepts a torn end; what that end was, the ack journal knows.
        rocksdb_options_set_wal_recovery_mode(
            options, Int32(rocksdb_tolerate_corrupted_tail_records_recovery))
        // A recycled log file ends in old records: its torn end cannot be told from damage.
        rocksdb_options_set_recycle_log_file_num(options, 0)
        // Stop at the first sign of damage instead of serving what is left.
        rocksdb_options_set_paranoid_checks(options, 1)
        // Every write reaches the operating system at once: a killed process loses nothing.
        rocksdb_options_set_manual_wal_flush(options, 0)
        // fdatasync: the log's size is synced with it, its time stamps need not be.
        rocksdb_options_set_use_fsync(options, 0)
        // `rocksdb.wal.synced` is how a test proves that no cycle was answered unsynced.
        rocksdb_options_enable_statistics(options)
    }

    private static func setSizes(_ options: OpaquePointer) {
        rocksdb_options_set_write_buffer_size(options, Limits.engineWriteBufferBytes)
        // One being filled, one being written out.
        rocksdb_options_set_max_write_buffer_number(options, 2)
        rocksdb_options_set_max_open_files(options, Int32(Limits.engineOpenFileCountMax))
        // One flush and one compaction: the peer's own thread needs the other core.
        rocksdb_options_set_max_background_jobs(options, 2)
        // A file in which half of some stretch of records are marks of removal is compacted in the
        // background: what truncation and drops remove is given back without being asked for.
        rocksdb_options_add_compact_on_deletion_collector_factory(options, 128, 64)
        // Nothing is written to RocksDB's own text log, whose writer ends the process by an
        // assertion after its first failure: on a full disk, or when a database that failed is
        // closed. No event has level 5; what goes wrong is in the errors of the calls.
        rocksdb_options_set_info_log_level(options, 5)
        rocksdb_options_set_keep_log_file_num(options, 2)
    }

    private static func setTables(_ options: OpaquePointer, cache: OpaquePointer) {
        let table = rocksdb_block_based_options_create()
        rocksdb_block_based_options_set_block_cache(table, cache)
        // Every new content and segment is looked up before it is written and is not there:
        // ten bits a key answer 99 % of these without reading.
        rocksdb_block_based_options_set_filter_policy(
            table, rocksdb_filterpolicy_create_bloom_full(10))
        // Indexes and filters count against the cache, so that memory has one bound.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        rocksdb_options_set_block_based_table_factory(options, table)
        rocksdb_block_based_options_destroy(table)
    }
}

/// Turns the error strings of RocksDB's C interface into ``DatabaseError``.
enum RocksDBError {
    typealias Slot = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    /// Runs `call` with a place for an error, and throws what it left there.
    @discardableResult
    static func checking<Result>(
        _ what: String, _ call: (Slot) -> Result
    ) throws(DatabaseError) -> Result {
        var text: UnsafeMutablePointer<CChar>?
        let result = call(&text)
        guard let text else { return result }
        defer { rocksdb_free(text) }
        // It may name a file, whose name need not be text.
        throw error(what, SystemPath(cString: text).description)
    }

    private static func error(_ what: String, _ text: String) -> DatabaseError {
        let code: ErrorCode
        let outcome = DatabaseError.Outcome.unknown
        var remedy = ""
        if [EMFILE, ENFILE].contains(where: { text.contains(String(cString: strerror($0))) }) {
            code = .ioFailed
            remedy = "; raise the limit of open files (ulimit -n)"
        } else if text.hasPrefix("Corruption") {
            code = .corrupted
        } else if let system = ErrorCode(systemText: text) {
            code = system
        } else if text.hasPrefix("IO error: lock") || text.hasPrefix("IO error: While lock file") {
            code = .directoryLocked
        } else if text.hasPrefix("IO error") {
            code = .ioFailed
        } else {
            code = .internalError
        }
        return DatabaseError(code, "RocksDB \(what): \(text)\(remedy)", outcome: outcome)
    }
}
