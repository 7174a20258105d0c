import BlockModel

extension TailFunction {
    /// Drops one life of a collection. What the value says of the drop,
    /// ``DropCollection/fate(in:)`` tells.
    ///
    /// Not while a multi-collection attempt is under way here, nor while a decision taken here may
    /// still have to be looked up: its other participants would take it for undecided
    /// (protocol: drop-waits-for-decisions).
    static func drop(_ request: DropCollection, _ value: TailValue) -> TailDecision {
        guard let tail = value.live, request.fate(in: value) == .open else {
            return .keep(.tail(value))
        }
        guard tail.exclusiveIntent == nil, tail.sharedIntents.isEmpty,
            tail.openDecisions.isEmpty || planted(.dropWithOpenDecision)
        else { return .keep(.refused(.blocked(value))) }
        let dropped = TailValue.dropped(
            EndedLife(
                incarnation: tail.incarnation, createdBy: tail.createdBy,
                droppedBy: request.action))
        return .replace(dropped, .tail(dropped))
    }
}
