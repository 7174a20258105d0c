import BlockModel
import BlockRuntime
import BlockWorkloads

/// A hand-made history of transactions over two collections, one of which each key begins with.
struct AnomalyScene {
    private var history = AnomalyHistory()

    /// One transaction. A place is written as `0/x`, and what is read there as `value@revision`;
    /// `@revision` is nothing that was read.
    /// - Parameter to: nil: nobody was told anything.
    mutating func add(
        _ from: Int64, _ to: Int64?, client: Int = 1,
        _ outcome: TransactionHistory.Outcome = .committed,
        reads: KeyValuePairs<String, String> = [:], writes: KeyValuePairs<String, String> = [:],
        at revisions: [Int: UInt64] = [:]
    ) {
        let id = history.invoke(
            by: client, at: Instant(nanoseconds: from),
            reads: reads.map { place, text in
                let parts = text.split(separator: "@", omittingEmptySubsequences: false)
                return AnomalyHistory.Read(
                    Self.place(place), parts[0].isEmpty ? nil : Bytes(parts[0].utf8),
                    at: Revision(UInt64(parts[1]) ?? 0))
            },
            writes: writes.map { AnomalyHistory.Write(Self.place($0), Bytes($1.utf8)) })
        guard let to else { return }
        history.complete(
            id, outcome, revisions: revisions.mapValues { Revision($0) },
            at: Instant(nanoseconds: to))
    }

    private static func place(_ text: String) -> AnomalyHistory.Place {
        let parts = text.split(separator: "/")
        return AnomalyHistory.Place(Int(parts[0]) ?? 0, Bytes(parts[1].utf8))
    }

    /// What is wrong, each cut off behind its name.
    func names(of anomaly: Anomaly) -> [String] {
        anomaly.check(history).violations.map { violation in
            violation.split(separator: ":").first.map(String.init) ?? violation
        }
    }

    func violations(of anomaly: Anomaly) -> [String] { anomaly.check(history).violations }
}
