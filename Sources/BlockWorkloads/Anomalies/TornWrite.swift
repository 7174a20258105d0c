import BlockModel
import BlockRuntime

/// W10, a torn write: a reader sees one part of a transaction and not another (the fractured read
/// of Bailis et al., "Scalable Atomic Visibility with RAMP Transactions", SIGMOD 2014), or a part
/// of it is there at the end, whatever died while it was carried out.
///
/// A transaction puts a mark that is nowhere else into a tree, a diary and a queue. What is read of
/// all three as of one moment, and what is there at the end, must hold each mark everywhere or
/// nowhere: everywhere when it was acknowledged, nowhere when it failed.
enum TornWrite: AnomalyWorkload {
    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent {
        if draw.generator.chance(1, in: 8) { return AnomalyIntent(readsAll: true) }
        let mark = draw.value()
        return AnomalyIntent(
            writes: draw.plan.collectionNames.indices.map {
                AnomalyHistory.Write(AnomalyHistory.Place($0, mark), mark)
            })
    }

    static func check(_ history: AnomalyHistory) -> CheckResult {
        var result = CheckResult()
        let origins = AnomalyOrigins(history, &result)
        for (number, reads) in origins.readings {
            var seen: Set<AnomalyHistory.Place> = []
            for read in reads where !seen.insert(read.place).inserted {
                result.violation(
                    "a double: \(origins.name(number)) saw \(origins.text(read.place)) twice")
            }
            // Marks that transactions wrote, by who wrote them.
            for writer in Set(reads.compactMap { origins.writer(of: $0) }).sorted() {
                let places = history.transactions[writer].writes.map(\.place)
                let missing = places.filter { !seen.contains($0) }
                guard let place = missing.first else { continue }
                result.violation(
                    "a torn write: \(origins.name(number)) saw \(places.count - missing.count) of "
                        + "\(places.count) parts of \(origins.name(writer)), and not "
                        + origins.text(place))
            }
            checkLost(seen, number, history, origins, &result)
        }
        return result
    }

    /// What had been acknowledged before everything was read is there.
    private static func checkLost(
        _ seen: Set<AnomalyHistory.Place>, _ reader: Int, _ history: AnomalyHistory,
        _ origins: AnomalyOrigins, _ result: inout CheckResult
    ) {
        let invoked = history.transactions[reader].invoked
        for (number, transaction) in history.transactions.enumerated() {
            guard transaction.outcome == .committed, let completed = transaction.completed,
                completed < invoked, let place = transaction.writes.first?.place,
                !seen.contains(place)
            else { continue }
            result.violation(
                "a lost write: \(origins.name(number)) was acknowledged, and "
                    + "\(origins.name(reader)) did not see it at \(origins.text(place))")
        }
    }
}
