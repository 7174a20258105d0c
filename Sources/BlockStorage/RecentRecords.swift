import BlockModel
import BlockRuntime

/// Registers, pends and versions that were read, checked or written lately, and which version of a
/// block is its newest: most requests are about what was written a moment ago, and need not ask the
/// engine.
///
/// The repository is the only writer of its engine, and tells of every write; a cycle that is
/// discarded takes everything with it. Damage on the disk to what is held here is found when it is
/// read again: by a scrub that passes later, or after a restart.
struct RecentRecords {
    private var registers: TwoGenerationCache<CollectionID, RegisterRecord>
    private var pends: TwoGenerationCache<PendKey, (record: PendRecord, storedBytes: Int)>
    private var versions: TwoGenerationCache<VersionPosition, VersionRecord>
    private var newest: TwoGenerationCache<BlockKey, Revision>

    /// What one more record takes beside its bytes.
    private static let recordBytes = 256
    private static let revisionBytes = 128

    /// - Parameter bytesMax: Of each of the four kinds; 0 holds nothing.
    init(bytesMax: Int) {
        invariant(bytesMax >= 0, "\(bytesMax) bytes of records")
        registers = TwoGenerationCache(weightMax: bytesMax)
        pends = TwoGenerationCache(weightMax: bytesMax)
        versions = TwoGenerationCache(weightMax: bytesMax)
        newest = TwoGenerationCache(weightMax: bytesMax)
    }

    mutating func register(_ collection: CollectionID) -> RegisterRecord? {
        registers.value(collection)
    }

    mutating func keep(_ record: RegisterRecord, of collection: CollectionID) {
        invariant(record != .untouched, "a register that nobody wrote is kept")
        registers.put(record, for: collection, weight: record.value.count + Self.recordBytes)
    }

    mutating func pend(_ key: PendKey) -> (record: PendRecord, storedBytes: Int)? {
        pends.value(key)
    }

    mutating func keep(_ pend: PendRecord, storedBytes: Int, under key: PendKey) {
        invariant(storedBytes > pend.transform.count, "a pend stored in \(storedBytes) bytes")
        pends.put((pend, storedBytes), for: key, weight: storedBytes + Self.recordBytes)
    }

    mutating func forgetPend(_ key: PendKey) { pends.remove(key) }

    mutating func version(_ position: VersionPosition) -> VersionRecord? {
        versions.value(position)
    }

    mutating func keep(_ version: VersionRecord, storedBytes: Int, at position: VersionPosition) {
        invariant(
            version.revision == position.revision || planted(.blockHashUnchecked),
            "the version at \(version.revision) is kept at \(position.revision)")
        invariant(
            storedBytes > version.transform.count, "a version stored in \(storedBytes) bytes")
        versions.put(version, for: position, weight: storedBytes + Self.recordBytes)
    }

    mutating func forgetVersion(_ position: VersionPosition) {
        versions.remove(position)
        newest.remove(position.key)
    }

    /// The newest version of a block; zero: it has none; nil: not known here.
    mutating func newestRevision(of key: BlockKey) -> Revision? { newest.value(key) }

    mutating func learn(newest revision: Revision, of key: BlockKey) {
        newest.put(revision, for: key, weight: Self.revisionBytes)
    }

    mutating func removeAll() {
        registers.removeAll()
        pends.removeAll()
        versions.removeAll()
        newest.removeAll()
    }
}
