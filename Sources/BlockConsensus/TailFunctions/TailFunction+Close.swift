import BlockModel
import BlockRuntime

/// Decisions of a home that every other participant has carried out: no coordinator will ask for
/// them again (protocol: open-decisions-hold-the-log).
package struct CloseDecisions: Hashable, Sendable {
    package let collection: CollectionID
    package let incarnation: Incarnation
    /// Of the attempts, see ``Attempt/digest``.
    package let attempts: [Digest]

    package init(collection: CollectionID, incarnation: Incarnation, attempts: [Digest]) {
        self.collection = collection
        self.incarnation = incarnation
        self.attempts = attempts
    }
}

extension TailFunction {
    static func close(_ request: CloseDecisions, _ value: TailValue) -> TailDecision {
        guard var tail = value.live, tail.incarnation == request.incarnation,
            tail.openDecisions.contains(where: { request.attempts.contains($0.attempt) })
        else { return .keep(.tail(value)) }
        tail.openDecisions.removeAll { request.attempts.contains($0.attempt) }
        return .replace(.live(tail), .tail(.live(tail)))
    }
}
