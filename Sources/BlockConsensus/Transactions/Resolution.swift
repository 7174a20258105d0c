import BlockModel
import BlockRuntime

/// Finding out what became of an attempt over several collections, and carrying that out wherever
/// it left an intent (protocol: home-decides): for the changes and readers that meet the intent,
/// and for the attempt's own coordinator, which does nothing else.
///
/// Nothing is kept that is not in a chosen value: any coordinator may do this, and any number of
/// them at a time.
struct Resolution {
    let anchor: AttemptAnchor
    /// When an attempt that may still land is fenced: politeness, nothing rests on it.
    var fenceAt: Instant
    /// Whether a change, the attempt's sender or a walk asks for its end; a reader asks only for
    /// what is known now.
    var isPushing: Bool
    var step = Step.readingHome
    /// The home's value that is being looked at, and what of its log was fetched for that.
    var value: TailValue?
    var objects = CheckedObjects()
    var awaited: Set<LogObjectKey> = []
    /// Participants that are to be resolved, and those that are being resolved.
    var collections: Set<CollectionID>
    var underWay: Set<CollectionID> = []
    /// Whether some participant could not be resolved.
    var isIncomplete = false
    /// Looks at the home that were begun.
    var readCount = 0
    var waiters: [IntentWaiter] = []

    enum Step: Equatable {
        case readingHome
        case waiting
        case fencing
        /// The home's history is gone: the participants are looked at again.
        case readingAgain
        case carryingOut(isCommitted: Bool)
    }
}

/// Who waits until an intent is gone, or until more is known of it.
struct IntentWaiter {
    enum Goal {
        /// A change that the intent was in the way of begins again.
        case change(Coordinator.BlockedChange)
        /// A reader of a tail: decided is as good as done, and what is undecided has not happened.
        case reader(TailReader, TailValue)
        /// The sender of the attempt is told that it did not land, unless it did.
        case answer(Coordinator.Token, RepositoryReply, TransactionAttempt)
    }

    let goal: Goal
    /// The participant whose intent it waits for; nil: for what becomes of the attempt.
    let place: CollectionID?
    /// Looks at the home that were begun before it came: what they found may be old.
    var readsBefore = 0
}
