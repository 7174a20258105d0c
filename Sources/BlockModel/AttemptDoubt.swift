import BlockRuntime

/// What one who tries an attempt knows of it, from the first try to the decision
/// (protocol: doubt-belongs-to-the-attempt).
///
/// It is told every event: a try is handed over, a try has ended, a coordinator may land the
/// attempt, a chosen value has decided. Whatever is then said of the attempt passes through
/// ``told(_:)-(DatabaseError)``. A later try that certainly did nothing ends no doubt about an
/// earlier one; only a chosen tail or log does.
package struct AttemptDoubt: Hashable, Sendable {
    /// The revision that the attempt aims at: the log at it decides. nil for what aims at none.
    package let target: Revision?
    /// A try is out, and no answer has said yet how it ended.
    private var isOut = false
    /// Some try ended without a definite answer, or a coordinator may still land the attempt.
    private var isRaised = false

    package init(target: Revision? = nil) { self.target = target }

    /// Whether the attempt may have committed, or may commit later.
    package var mayHaveCommitted: Bool { isOut || isRaised }

    // MARK: Events

    /// A try was given to a service that can carry it out.
    package mutating func handedOver() { isOut = true }

    /// The try that was out ended with this error: with no answer, in doubt, for certain without
    /// effect, or without having been sent at all.
    package mutating func tryEnded(_ error: DatabaseError) {
        isOut = false
        if error.outcome == .unknown { isRaised = true }
    }

    /// The try that was out ended with an answer that says what became of it.
    package mutating func tryEnded() { isOut = false }

    /// Others may land the attempt, or have: a value that contains it is written back, a try was
    /// let go of, no service has looked whether it landed.
    package mutating func raise() { isRaised = true }

    /// Takes over what a part of the work, which has its own account, knows in the end.
    package mutating func inherit(_ part: AttemptDoubt) {
        isOut = part.isOut
        isRaised = isRaised || part.isRaised
    }

    /// A chosen value shows what became of the attempt.
    package mutating func decided() {
        isOut = false
        isRaised = false
    }

    /// Every entry up to `revision` of a chosen log was read, and none of them is the attempt's.
    package mutating func logWasRead(through revision: Revision) {
        if let target, revision >= target { decided() }
    }

    // MARK: What may be told

    /// `error` as it may be told of the attempt: unknown beats not applied.
    package func told(_ error: DatabaseError) -> DatabaseError {
        if planted(.goneEndsDoubt), error.code == .collectionNotFound { return error }
        return mayHaveCommitted ? error.asUnknown : error
    }

    /// A refusal of a try, as it may be told of the attempt. One that decides, or says itself that
    /// no service has looked, may always be told.
    package func told(_ refusal: CommitRefusal) -> Result<CommitRefusal, DatabaseError> {
        guard mayHaveCommitted else { return .success(refusal) }
        switch refusal {
        case .fenced, .moved: return .success(refusal)
        case .gone where planted(.goneEndsDoubt): return .success(refusal)
        case .gone:
            // It may have landed in the life that is over: nothing shows it any more.
            return .failure(unknown("the collection is gone, dropped or in another life"))
        case .blocked:
            return .failure(unknown("another attempt, over several collections, is in the way"))
        case .pending: return .failure(unknown("undecided changes of others are in the way"))
        }
    }

    private func unknown(_ message: String) -> DatabaseError {
        DatabaseError(
            .commitResultUnknown, "an earlier try may have landed: now \(message)",
            outcome: .unknown)
    }

    /// An answer of a coordinator, likewise.
    package func told(_ reply: RepositoryReply) -> RepositoryReply {
        switch reply {
        case .failed(let error): return .failed(told(error))
        case .refused(let refusal):
            switch told(refusal) {
            case .success(let refusal): return .refused(refusal)
            case .failure(let error): return .failed(error)
            }
        default: return reply
        }
    }

    /// An answer of a proxy, likewise.
    package func told(_ reply: ClientReply) -> ClientReply {
        switch reply {
        case .failed(let error): return .failed(told(error))
        case .refused(let refusal):
            switch told(refusal) {
            case .success(let refusal): return .refused(refusal)
            case .failure(let error): return .failed(error)
            }
        default: return reply
        }
    }
}
