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
    case fence(AttemptAnchor)
    case prepare(PrepareParticipant)
    case resolve(ResolveIntent)
    case close(CloseDecisions)
    case truncate(TruncateCollection)
    case retain(RetainHistory)

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
            case .prepare(let request): TailFunction.prepare(request, value)
            case .resolve(let request):
                TailFunction.resolve(request, value, isChosen: isChosen, policy: policy)
            case .close(let request): TailFunction.close(request, value)
            case .truncate(let request): TailFunction.truncate(request, value)
            case .retain(let request): TailFunction.retain(request, value)
            }
        decision.newTail?.checkInvariants()
        return decision
    }

    /// Whether `value` holds the effect of this very change already, or may: then writing it back
    /// may carry the change out.
    package func mayBeIn(_ value: TailValue) -> Bool {
        switch self {
        case .read, .renew: return false
        case .create(let request): return request.creation.fate(in: value).mayBeDone
        case .drop(let request): return request.fate(in: value).mayBeDone
        case .fence(let attempt): return value.live?.aborted.contains(attempt.attempt) == true
        case .prepare(let request):
            return value.live?.holdsIntent(of: request.attempt.digest) == true
        // That they are done, or not needed any more, cannot be told apart.
        case .resolve(let request): return value.live?.holdsIntent(of: request.attempt) != true
        case .close: return true
        case .truncate(let request): return value.live?.incarnation == request.incarnation
        case .retain(let request): return value.live?.incarnation == request.incarnation
        case .commit(let attempt):
            guard let tail = value.live, tail.incarnation == attempt.participant.incarnation
            else { return false }
            if tail.entries.contains(where: { $0.payload.action == attempt.payload.action }) {
                return true
            }
            // What is sealed is not looked at here.
            let target = attempt.participant.target
            return target <= tail.revision && tail.openEntry(at: target) == nil
        }
    }
}

extension LifeFate {
    /// Whether the value that says this shows the creation or drop done, or may hide it.
    fileprivate var mayBeDone: Bool {
        switch self {
        case .done, .unknown: true
        case .open, .superseded: false
        }
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
