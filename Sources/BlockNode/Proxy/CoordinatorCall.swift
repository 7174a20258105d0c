import BlockModel
import BlockRuntime

/// One request of a proxy to whichever coordinator answers, tried again until its deadline.
///
/// Every request may be repeated: reads change nothing, creations and drops recognise their own
/// success, and an attempt lands at most once however many coordinators were given it.
struct CoordinatorCall: Sendable {
    /// What in the proxy waits for the answer.
    enum Owner: Hashable, Sendable {
        case task(UInt64)
        case writer(CollectionID)
        /// The attempt of a transaction.
        case transaction(HostedTransactions.ID)
        /// A tail read that several wait for.
        case tail(CollectionID)
        /// One item of a fetch.
        case item(ObjectFetch.ID, Int)
        /// The blocks of an entry that are to become final.
        case finalising(CollectionID)
    }

    let request: RepositoryRequest
    let owner: Owner
    let deadline: Instant
    /// What the coordinators are judged about by its outcome: the peers that it needs.
    let subject: ServiceRanking.Subject
    private(set) var tryCount = 0
    /// How often each coordinator was tried.
    private(set) var triesByCoordinator: [Int: Int] = [:]
    /// The id of the try that is out; answers to earlier ones are late.
    private(set) var currentTry: UInt64?
    /// All tries, to be forgotten with the call.
    private(set) var tryIDs: [UInt64] = []
    /// Of a request that changes something: whether some try may have, or may yet.
    private(set) var doubt = AttemptDoubt()
    /// The deepest reason known why it takes so long.
    private(set) var trouble: DatabaseError?
    private var retryAfter: Duration?
    private var backoff = Backoff(.services)

    init(
        _ request: RepositoryRequest, owner: Owner, subject: ServiceRanking.Subject,
        deadline: Instant
    ) {
        self.request = request
        self.owner = owner
        self.subject = subject
        self.deadline = deadline
    }

    /// Stops the process unless every try is counted, and the one that is out is the last.
    /// - Complexity: O(coordinators).
    func checkInvariants() {
        invariant(tryIDs.count == tryCount, "\(tryIDs.count) tries, \(tryCount) counted")
        invariant(
            triesByCoordinator.values.reduce(0, +) == tryCount, "tries at no coordinator")
        invariant(currentTry == nil || currentTry == tryIDs.last, "an old try is out")
    }

    /// Begins the next try.
    mutating func begin(try id: UInt64, at coordinator: Int) {
        invariant(currentTry == nil, "a try before the last one has ended")
        invariant(id > tryIDs.last ?? 0, "try \(id) after \(tryIDs.last ?? 0)")
        tryCount += 1
        triesByCoordinator[coordinator, default: 0] += 1
        currentTry = id
        tryIDs.append(id)
        if request.changesState { doubt.handedOver() }
    }

    /// How long the next try may take: the last one must end, with a definite answer when there is
    /// one, before the deadline.
    func tryTime(at now: Instant) -> Duration {
        let left = deadline.since(now)
        return min(Limits.tryTimeMax, .nanoseconds(left.nanoseconds / 5 * 4))
    }

    /// What of a try's time its coordinator is given. The first tries of a read are short: one that
    /// cannot do it says so, and why, before a client with little time has given up.
    func coordinatorTime(of tryTime: Duration, coordinatorCount: Int) -> Duration {
        invariant(coordinatorCount > 0, "a try at no coordinator")
        guard request.isShortRead else { return tryTime }
        return min(tryTime, Limits.readTryTime * (1 << min(4, tryCount / coordinatorCount)))
    }

    /// After how long without an answer another coordinator is asked as well: each round of them
    /// gets twice as long as the one before, so that a slow cluster is not flooded.
    func patience(isDoubted: Bool, coordinatorCount: Int) -> Duration {
        invariant(coordinatorCount > 0 && tryCount > 0, "patience with no coordinator")
        let base = isDoubted ? Limits.doubtedTryTime : Limits.coordinatorTryTime
        return base * (1 << min(4, max(0, tryCount - 1) / coordinatorCount))
    }

    /// The try that is out ended without what was asked for.
    mutating func failed(_ error: DatabaseError) {
        invariant(currentTry != nil, "a try that is not out has failed")
        currentTry = nil
        doubt.tryEnded(error)
        if planted(.doubtDroppedByProxy), error.outcome == .notApplied { doubt.decided() }
        retryAfter = error.retryAfter
        learned(error)
    }

    /// Some try ended with an answer: there are no more.
    mutating func answered(_ reply: RepositoryReply) {
        if case .failed(let error) = reply { doubt.tryEnded(error) } else { doubt.tryEnded() }
    }

    /// An earlier try, instead of which another one is out, has told why it failed.
    mutating func learned(_ error: DatabaseError) { trouble = error.orDeeper(trouble) }

    mutating func delay(using generator: inout SeededGenerator) -> Duration {
        max(backoff.next(using: &generator), retryAfter ?? .zero)
    }

    /// What is known when time has run out.
    var finalError: DatabaseError {
        doubt.told(
            trouble ?? DatabaseError(.deadlineExceeded, "no coordinator was asked in time"))
    }
}

extension DatabaseError {
    /// Whether trying again cannot help.
    var endsTries: Bool {
        switch code {
        case .invalidArgument, .valueTooLarge, .malformedMessage, .versionUnsupported,
            .wrongCluster, .corrupted, .actionIDReuse, .collectionNotFound, .positionNotFound,
            .engineUnknown, .executionDiffers, .transactionExpired:
            true
        default: false
        }
    }
}

extension RepositoryRequest {
    /// Whether an unanswered request may have changed something.
    var changesState: Bool {
        switch self {
        case .create, .commit, .transact, .drop, .truncate, .retain: true
        case .readTail, .getContent, .getSegment, .listCollections, .status, .audit, .readBlock,
            .finalise, .scrub, .listPends, .sweep:
            false
        }
    }

    /// Whether it reads one thing that many peers have.
    var isShortRead: Bool {
        switch self {
        case .readTail, .readBlock, .getContent, .getSegment: true
        default: false
        }
    }

    /// Whether `reply` is an answer to this question at all.
    func isAnswered(by reply: RepositoryReply) -> Bool {
        switch (self, reply) {
        case (_, .failed), (.readTail, .tail), (.create, .tail), (.commit, .committed),
            (.commit, .refused), (.transact, .committed), (.transact, .refusedAt),
            (.drop, .tail), (.drop, .refused), (.getContent, .content), (.getSegment, .content),
            (.listCollections, .collections), (.status, .status),
            (.audit, .replicas), (.readBlock, .block), (.finalise, .finalised),
            (.scrub, .scrubbed), (.listPends, .pends), (.truncate, .tail), (.truncate, .refused),
            (.retain, .tail), (.retain, .refused), (.sweep, .swept):
            true
        default: false
        }
    }

    /// What the choice of the coordinator hangs on: a hint for batching, never needed for safety.
    var affinity: CollectionID? {
        switch self {
        case .readTail(let collection): collection
        case .create(let creation): CollectionID(name: creation.name)
        case .commit(let attempt): attempt.participant.collection
        case .transact(let attempt): attempt.attempt.home
        case .drop(let drop): drop.collection
        case .truncate(let request): request.collection
        case .retain(let request): request.collection
        case .finalise(let entry): entry.collection
        case .getContent, .getSegment, .listCollections, .status, .audit, .readBlock, .scrub,
            .listPends, .sweep:
            nil
        }
    }
}
