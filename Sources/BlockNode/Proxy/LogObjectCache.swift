import BlockModel
import BlockRuntime
import BlockTransactions

/// Log objects that were fetched lately, bounded by bytes. They never change, so none goes stale.
///
/// Two generations: when the young one is full, the old one is forgotten and the young one becomes
/// old. Constant time, and no order to keep; what is in use longer than that is fetched again.
struct LogObjectCache: LogObjectSource, Sendable {
    private let bytesMax: Int
    private var young: [LogObjectKey: LogObject] = [:]
    private var old: [LogObjectKey: LogObject] = [:]
    private var youngBytes = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    func object(_ key: LogObjectKey) -> LogObject? { young[key] ?? old[key] }

    mutating func insert(_ key: LogObjectKey, _ object: LogObject, byteCount: Int) {
        guard young[key] == nil else { return }
        young[key] = object
        // Decoded, its parts lie in memory one by one.
        youngBytes += 2 * byteCount + Limits.queuedActionBytes
        guard youngBytes > bytesMax / 2 else { return }
        old = young
        young = [:]
        youngBytes = 0
    }

    /// Stops the process unless the young generation is as small as it may be.
    /// - Complexity: O(1).
    func checkInvariants() {
        invariant(
            youngBytes <= bytesMax / 2, "\(youngBytes) bytes of objects, of \(bytesMax / 2)")
        invariant(young.isEmpty == (youngBytes == 0), "\(young.count) objects of no bytes")
    }
}
