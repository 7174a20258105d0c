import BlockModel
import BlockRuntime

/// A change of a tail register: a pure function of the value found, run again on whatever value a
/// new ballot finds, and able to recognise its own earlier success.
package enum TailChange: Equatable {
    /// Changes nothing: a read that writes back.
    case read
    /// Changes nothing, and is written back even where it is chosen: to replicas that missed it.
    case renew
    case create(CreateCollection)
    case commit(CommitAttempt)
    case drop(DropCollection)
    case fence(Attempt)

    /// Applies the change to `value`.
    ///
    /// - Parameters:
    ///   - value: What the promise quorum showed; not necessarily chosen.
    ///   - isChosen: Whether `value` is known to be chosen.
    package func apply(
        to value: TailValue, isChosen: Bool, policy: TailPolicy
    ) -> TailDecision {
        let decision =
            switch self {
            case .read: TailDecision.keep(.tail(value))
            case .renew: TailDecision.renew(.tail(value))
            case .create(let request): TailFunction.create(request, value)
            case .commit(let attempt):
                TailFunction.commit(attempt, value, isChosen: isChosen, policy: policy)
            case .drop(let request): TailFunction.drop(request, value)
            case .fence(let attempt):
                TailFunction.fence(attempt, value, isChosen: isChosen, policy: policy)
            }
        decision.newTail?.checkInvariants()
        return decision
    }
}

/// What a ``TailChange`` makes of a value.
package enum TailDecision: Equatable {
    /// The value stays; the answer is true once the value is known to be chosen.
    case keep(RepositoryReply)
    /// The value stays, and is said again at the new ballot.
    case renew(RepositoryReply)
    /// The new value, and the answer once it is chosen.
    case replace(TailValue, RepositoryReply)
    /// As `replace`, but the segment must first be durable on a quorum of its shard: the new value
    /// points to it.
    case seal(Segment, TailValue, RepositoryReply)

    package var newTail: Tail? { newValue?.live }

    /// nil when the value stays.
    var newValue: TailValue? {
        switch self {
        case .keep, .renew: nil
        case .replace(let value, _), .seal(_, let value, _): value
        }
    }
}

/// When an open tail is sealed. Coordinators may differ; only the value they write counts.
package struct TailPolicy: Sendable {
    /// At most ``Limits/segmentEntryCountMax``.
    package let openEntryCountMax: Int

    package init(openEntryCountMax: Int = Limits.segmentEntryCountMax) {
        invariant(
            (1...Limits.segmentEntryCountMax).contains(openEntryCountMax),
            "\(openEntryCountMax) open entries")
        self.openEntryCountMax = openEntryCountMax
    }
}

/// The functions behind ``TailChange``, one file each.
enum TailFunction {}
