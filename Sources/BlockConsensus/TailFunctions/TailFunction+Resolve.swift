import BlockModel
import BlockRuntime

/// Carries out, at one participant that is not the home, what became of an attempt over several
/// collections. The coordinator that asks for it has read that from a chosen value of the home
/// (protocol: home-decides).
package struct ResolveIntent: Hashable, Sendable {
    package let collection: CollectionID
    /// ``Attempt/digest``.
    package let attempt: Digest
    package let isCommitted: Bool

    package init(collection: CollectionID, attempt: Digest, isCommitted: Bool) {
        self.collection = collection
        self.attempt = attempt
        self.isCommitted = isCommitted
    }
}

extension TailFunction {
    /// Appends the entry of an attempt that the home has decided, or takes its intent away. Nothing
    /// is done where there is no such intent: another coordinator was faster.
    static func resolve(
        _ request: ResolveIntent, _ value: TailValue, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        guard var tail = value.live, tail.holdsIntent(of: request.attempt) else {
            return .keep(.tail(value))
        }
        guard let intent = tail.exclusiveIntent else {
            tail.sharedIntents.removeAll { $0.attempt == request.attempt }
            return .replace(.live(tail), .tail(.live(tail)))
        }
        tail.exclusiveIntent = nil
        guard request.isCommitted else { return .replace(.live(tail), .tail(.live(tail))) }
        return append(intent.entry, to: tail, isChosen: isChosen, policy: policy).answeringTail
    }
}

extension TailDecision {
    /// The same, answered with the new value.
    var answeringTail: TailDecision {
        switch self {
        case .replace(let value, _): .replace(value, .tail(value))
        case .seal(let segment, let value, _): .seal(segment, value, .tail(value))
        case .keep, .renew: self
        }
    }
}
