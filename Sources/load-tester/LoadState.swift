import BlockMeasurement
import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// What all clients of a run add to, from any thread.
final class LoadState: Sendable {
    /// What was measured and met.
    struct Tally: Sendable {
        /// Operations that began after the warm-up and were acknowledged.
        var latencies: [LoadWorkload.Kind: LatencyHistogram] = [:]
        /// The same of the time since progress was told last, warm-up or not.
        var recent = LatencyHistogram()
        var recentErrorCount = 0
        /// Of the whole run, warm-up included.
        var acknowledgedCount = 0
        /// Failures of the whole run, warm-up included, by the name of the error's code.
        var errors: [LoadWorkload.Kind: [String: Int]] = [:]
        /// Of these failures, how many may have had an effect.
        var unknownCount = 0

        /// What was added since it was called last.
        mutating func takeRecent() -> (latencies: LatencyHistogram, errorCount: Int) {
            defer {
                recent.reset()
                recentErrorCount = 0
            }
            return (recent, recentErrorCount)
        }
    }

    let tally = Mutex(Tally())
    let numbers: Mutex<RecordNumbers>
    /// Writes of records, as the checker wants them.
    let writes = Mutex<[LoadWrite]>([])
    /// Reads of records, for the same.
    let reads = Mutex<[LoadRead]>([])
    /// Appends, as the checkers of diaries want them.
    let history = Mutex(History())
    /// Transfers, as the checker of banks wants them.
    let bank = Mutex(BankHistory())
    /// What clients saw that must not be.
    let seen = Mutex(CheckResult())

    init(loaded: Int) { numbers = Mutex(RecordNumbers(loaded: loaded)) }

    func succeeded(_ kind: LoadWorkload.Kind, _ duration: Duration, isMeasured: Bool) {
        let microseconds = UInt64(duration.nanoseconds / 1000)
        tally.withLock { tally in
            tally.recent.record(microseconds: microseconds)
            tally.acknowledgedCount += 1
            guard isMeasured else { return }
            tally.latencies[kind, default: LatencyHistogram()].record(microseconds: microseconds)
        }
    }

    func failed(_ kind: LoadWorkload.Kind, _ error: DatabaseError) {
        let name = error.code.name ?? "\(error.code.rawValue)"
        tally.withLock { tally in
            tally.recentErrorCount += 1
            tally.errors[kind, default: [:]][name, default: 0] += 1
            if error.outcome == .unknown { tally.unknownCount += 1 }
        }
    }

    /// How many acknowledged writes share one entry of the collection's log, warm-up included; nil
    /// where clients are not told where a write landed.
    var writesPerEntry: Double? {
        let updates = writes.withLock { writes in
            writes.compactMap { write -> Revision? in
                if case .acknowledged(let revision) = write.outcome { revision } else { nil }
            }
        }
        let appends = history.withLock { history in
            history.operations.compactMap { operation -> Revision? in
                if case .appended(let position) = operation.completion {
                    position.revision
                } else {
                    nil
                }
            }
        }
        let landed = updates + appends
        return landed.isEmpty ? nil : Double(landed.count) / Double(Set(landed).count)
    }

    func violation(_ sentence: String) { seen.withLock { $0.violation(sentence) } }
}
