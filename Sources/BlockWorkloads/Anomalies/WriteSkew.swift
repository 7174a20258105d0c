import BlockModel
import BlockRuntime

/// W9, write skew across collections (Adya's G2-item): two transactions each read what the other
/// one writes, and neither sees the other. Snapshot isolation allows it.
///
/// At most one place of a row, which has one in each collection, may be on call. Each transaction
/// reads the whole row and writes one place of it: goes on call where nobody is, or else leaves.
enum WriteSkew: AnomalyWorkload {
    private static let onCall = "+"
    private static let offCall = "-"

    /// Whether a value says that its place is on call.
    private static func isOnCall(_ value: Bytes?) -> Bool {
        value?.first == onCall.utf8.first
    }

    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent {
        AnomalyIntent(reads: draw.plan.places(draw.generator.below(draw.plan.keyCount)))
    }

    static func writes(
        of intent: AnomalyIntent, after reads: [AnomalyHistory.Read], _ draw: inout AnomalyDraw
    ) -> [AnomalyHistory.Write] {
        guard !intent.readsAll, !reads.isEmpty else { return [] }
        if let read = reads.first(where: { isOnCall($0.value) }) {
            return [AnomalyHistory.Write(read.place, draw.value(offCall))]
        }
        let read = reads[draw.generator.below(reads.count)]
        return [AnomalyHistory.Write(read.place, draw.value(onCall))]
    }

    static func check(_ history: AnomalyHistory) -> CheckResult {
        var result = CheckResult()
        let origins = AnomalyOrigins(history, &result)
        for (number, reads) in origins.readings {
            for (key, reads) in Dictionary(grouping: reads, by: \.place.key) {
                let onCall = reads.filter { isOnCall($0.value) }
                guard onCall.count > 1 else { continue }
                let writers = onCall.compactMap { origins.writer(of: $0) }.map(origins.name)
                result.violation(
                    "G2-item, write skew: \(origins.name(number)) saw \(onCall.count) places of "
                        + "\(origins.text(key)) on call, by \(writers.joined(separator: " and "))")
            }
        }
        return result
    }
}
