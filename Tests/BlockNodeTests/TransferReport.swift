import BlockModel
import BlockRuntime

/// How long the transfers of a ``TransferScene`` wait for others, counted in those, and what became
/// of them.
struct TransferReport: CustomStringConvertible {
    /// For each transfer, ascending: how many others were committed from its first try to its end,
    /// or up to now.
    let waits: [Int]
    let commitCount: Int
    /// Runs of bodies that met a conflict, of the transfers that have ended.
    let conflictCount: Int
    /// Transfers that met conflicts until their time had run out.
    let expiredCount: Int
    /// What clients were told that no deadline explains, and all that is no conflict.
    let unexplained: [DatabaseError]

    init(_ records: [TransferScene.Record], waitingYet: [Int], timeout: Duration) {
        waits = (records.map(\.overtakenBy) + waitingYet).sorted()
        commitCount = records.count { $0.error == nil }
        conflictCount = records.reduce(0) { $0 + $1.runCount } - commitCount
        // Given up before its deadline, it would have rested up to that.
        let patience = timeout - RetryTiming.bodies.longest
        let failures = records.compactMap { record in record.error.map { (record, $0) } }
        let expired = failures.filter { record, error in
            error.code == .conflict && record.ended.since(record.begun) >= patience
        }
        expiredCount = expired.count
        unexplained =
            failures.filter { record, error in
                error.code != .conflict || record.ended.since(record.begun) < patience
            }.map(\.1)
    }

    var max: Int { waits.last ?? 0 }

    var mean: Double { Double(waits.reduce(0, +)) / Double(Swift.max(1, waits.count)) }

    /// As many or fewer were waited for by `percent` of all.
    func percentile(_ percent: Double) -> Int {
        let rank = Int((percent / 100 * Double(waits.count)).rounded(.up))
        return waits.isEmpty ? 0 : waits[Swift.max(1, rank) - 1]
    }

    var description: String {
        "\(commitCount) committed, \(conflictCount) conflicts, \(expiredCount) expired, "
            + "\(unexplained.count) failed otherwise \(unexplained.prefix(2)); each waits for "
            + "\(mean) others, half \(percentile(50)), p99 \(percentile(99)), max \(max)"
    }
}
