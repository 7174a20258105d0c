import BlockModel
import BlockRuntime

/// W7, a causal reverse: a reader sees a write and not another that had been acknowledged before it
/// was begun. Serializability without real time allows it (Jepsen's `causal-reverse`, earlier
/// `comments`).
///
/// The places of a group are written one after another, the next one once its writer, another
/// client where there is one, knows that the one before was acknowledged.
enum CausalReverse: AnomalyWorkload {
    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent {
        let group = history.lastGroup
        let read = AnomalyIntent(reads: draw.plan.places(max(0, group - draw.generator.below(3))))
        let places = draw.plan.places(group)
        guard let next = places.firstIndex(where: { history.writer(of: $0) == nil }) else {
            history.beginGroup()
            return read
        }
        if next > 0, let before = history.writer(of: places[next - 1]) {
            if before.completed != nil, before.outcome != .committed {
                // Nobody is told that it is there: the group ends with it.
                history.beginGroup()
                return read
            }
            let isOwn = before.client == draw.client && !draw.generator.chance(1, in: 4)
            if before.completed == nil || isOwn { return read }
        } else if draw.generator.chance(1, in: 2) {
            return read
        }
        return AnomalyIntent(writes: [AnomalyHistory.Write(places[next], draw.value())])
    }

    static func check(_ history: AnomalyHistory) -> CheckResult {
        var result = CheckResult()
        let origins = AnomalyOrigins(history, &result)
        let transactions = history.transactions
        for (number, reads) in origins.readings {
            for reads in Dictionary(grouping: reads, by: \.place.key).values {
                // The last beginning of what was seen: whatever had been acknowledged by then must
                // be seen as well.
                let seen = reads.compactMap { origins.writer(of: $0) }
                guard
                    let last = seen.max(by: { transactions[$0].invoked < transactions[$1].invoked })
                else { continue }
                for read in reads where read.value == nil {
                    guard let missed = history.writer(of: read.place),
                        missed.outcome == .committed, let completed = missed.completed,
                        completed < transactions[last].invoked
                    else { continue }
                    result.violation(
                        "a causal reverse: \(origins.name(number)) saw what \(origins.name(last)) "
                            + "wrote, and nothing at \(origins.text(read.place)), whose write had "
                            + "been acknowledged before that began")
                }
            }
        }
        return result
    }
}
