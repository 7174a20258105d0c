import BlockModel
import BlockRuntime
import BlockTransactions

/// Log objects that were fetched lately, bounded by bytes. They never change, so none goes stale;
/// what is in use longer than it is held is fetched again.
struct LogObjectCache: LogObjectSource, Sendable {
    private var objects: TwoGenerationCache<LogObjectKey, LogObject>

    init(bytesMax: Int) { objects = TwoGenerationCache(weightMax: bytesMax) }

    func object(_ key: LogObjectKey) -> LogObject? { objects[key] }

    mutating func insert(_ key: LogObjectKey, _ object: LogObject, byteCount: Int) {
        invariant(byteCount > 0, "a log object of \(byteCount) bytes")
        // Decoded, its parts lie in memory one by one.
        objects.put(object, for: key, weight: 2 * byteCount + Limits.queuedActionBytes)
    }

    /// - Complexity: O(objects).
    func checkInvariants() { objects.checkInvariants() }
}
