import BlockModel
import BlockRuntime

/// The proposer that holds the clients of one diary: queues their appends, looks for earlier
/// landings, and lands batches one at a time.
///
/// Exactly once (protocol C5.9, C11 A3): an action is proposed at revision n only after every entry
/// in (its firstRevision, n − 1] was read from a chosen tail and found not to hold it; after every
/// change of n the new entries are read too; nothing of a batch is proposed at n + 1 while its
/// outcome at n is unknown.
public struct DiaryAppender: Sendable {
    /// Names a client's request for the host.
    public typealias Token = UInt64

    let collection: CollectionID
    /// What is known of the log from chosen tails; nil when it has to be read again.
    var log: LogState?
    /// A chosen tail, to read entries from; may be older than ``log``.
    var tail: Tail?
    var index: ActionIndex?
    /// Actions not under way, oldest first.
    var queue: [PendingAppend] = []
    var queuedBytes = 0
    var flight: Flight?
    var isReadingTail = false
    var isFetching = false
    /// Objects fetched for the scan that is under way.
    var fetched: [LogObjectKey: LogObject] = [:]
    /// The last thing that went wrong below: what a client is told when its time runs out.
    var lastTrouble: DatabaseError?

    /// The revision, life and beginning of a log.
    struct LogState: Sendable {
        var incarnation: Incarnation
        var revision: Revision
        var truncatedThrough: Revision
        /// Read for the event being handled: not a memory that may be behind.
        var isFresh: Bool
    }

    /// A batch on its way to a coordinator.
    struct Flight: Sendable {
        let target: Revision
        let actions: [PendingAppend]
        /// Whether a try is out whose answer has not come.
        var isTrying = true
        /// Whether some try ended without a definite answer.
        var mayHaveLanded = false
    }

    public init(collection: CollectionID) { self.collection = collection }

    /// Nothing is queued or under way.
    public var isIdle: Bool { queue.isEmpty && flight == nil }

    /// Nothing is queued, and nothing is waited for.
    public var isQuiet: Bool { isIdle && !isReadingTail && !isFetching }

    /// Nothing is under way and nothing is known that would be worth keeping.
    public var isForgettable: Bool { isQuiet && log == nil }

    // MARK: Events

    /// A client's append.
    public mutating func append(
        _ request: AppendRequest, token: Token, deadline: Instant, _ effects: inout AppenderEffects
    ) {
        invariant(request.collection == collection, "an append for another collection")
        let waiter = PendingAppend.Waiter(token: token, deadline: deadline)
        let fingerprint = ActionIndex.fingerprint(of: request.bytes)
        if let underWay = flight?.actions.first(where: { $0.action == request.action })
            ?? queue.first(where: { $0.action == request.action })
        {
            guard underWay.fingerprint == fingerprint,
                underWay.incarnation == request.incarnation
            else {
                return effects.respond(token, .failed(DiaryAppender.actionIDReuse))
            }
            mark("appender.joined")
            return join(request.action, waiter, &effects)
        }
        if let problem = problem(request) { return effects.respond(token, .failed(problem)) }
        let pending = PendingAppend(request, fingerprint: fingerprint, waiter: waiter)
        queue.append(pending)
        queuedBytes += request.bytes.count
        advance(&effects)
    }

    /// A chosen tail was read, after whatever asked for it.
    public mutating func tailWasRead(_ value: TailValue, _ effects: inout AppenderEffects) {
        isReadingTail = false
        adopt(value, isFresh: true)
        if log == nil { failAll(DiaryAppender.absent(value), &effects) }
        advance(&effects)
        log?.isFresh = false
    }

    /// Objects asked for have come.
    public mutating func objectsWereFetched(
        _ objects: [LogObjectKey: LogObject], _ effects: inout AppenderEffects
    ) {
        isFetching = false
        fetched.merge(objects) { _, new in new }
        advance(&effects)
    }

    /// A read or fetch failed for good; the clients' deadlines decide how long to go on.
    public mutating func readFailed(_ error: DatabaseError, _ effects: inout AppenderEffects) {
        isReadingTail = false
        isFetching = false
        lastTrouble = error
        expire(&effects)
        effects.wakeSoon()
    }

    /// Time has passed: answers those whose time is up and goes on with the rest.
    public mutating func tick(_ effects: inout AppenderEffects) {
        expire(&effects)
        advance(&effects)
    }

    // MARK: What is known of the log

    /// Takes over a chosen value. What is known never goes back within one life.
    mutating func adopt(_ value: TailValue, isFresh: Bool) {
        guard let tail = value.live else {
            log = nil
            self.tail = nil
            index = nil
            return
        }
        if let index, index.incarnation != tail.incarnation { self.index = nil }
        if let log, log.incarnation == tail.incarnation, log.revision > tail.revision {
            self.log?.isFresh = isFresh
        } else {
            log = LogState(
                incarnation: tail.incarnation, revision: tail.revision,
                truncatedThrough: tail.truncatedThrough, isFresh: isFresh)
        }
        if self.tail?.incarnation != tail.incarnation
            || (self.tail?.revision ?? .zero) <= tail.revision
        {
            self.tail = tail
        }
    }

    // MARK: Answers

    static let actionIDReuse = DatabaseError(
        .actionIDReuse, "this action id came before with other bytes")

    static func absent(_ value: TailValue) -> DatabaseError {
        DatabaseError(.collectionNotFound, "the collection does not exist")
    }

    private func problem(_ request: AppendRequest) -> DatabaseError? {
        if request.bytes.count > Limits.valueBytesMax {
            return DatabaseError(
                .valueTooLarge,
                "a diary entry of \(request.bytes.count) bytes, valueBytesMax = "
                    + "\(Limits.valueBytesMax)")
        }
        if queuedBytes + request.bytes.count > Limits.collectionQueueBytesMax {
            return DatabaseError(
                .overloaded,
                "\(queuedBytes) bytes wait for this collection, collectionQueueBytesMax = "
                    + "\(Limits.collectionQueueBytesMax)", retryAfter: .milliseconds(200))
        }
        return nil
    }

    /// A second request for an action that is under way shares its outcome.
    private mutating func join(
        _ action: ActionID, _ waiter: PendingAppend.Waiter, _ effects: inout AppenderEffects
    ) {
        if let position = queue.firstIndex(where: { $0.action == action }) {
            queue[position].waiters.append(waiter)
        } else if let flight {
            var actions = flight.actions
            if let position = actions.firstIndex(where: { $0.action == action }) {
                actions[position].waiters.append(waiter)
            }
            self.flight = flight.replacing(actions)
        }
        effects.wake(at: waiter.deadline)
    }

    func landed(
        _ pending: PendingAppend, at landing: ActionIndex.Landing, _ effects: inout AppenderEffects
    ) {
        let reply: ClientReply =
            landing.fingerprint == pending.fingerprint
            ? .appended(landing.position) : .failed(DiaryAppender.actionIDReuse)
        for waiter in pending.waiters { effects.respond(waiter.token, reply) }
    }

    /// Fails everything that waits in the queue.
    private mutating func failAll(_ error: DatabaseError, _ effects: inout AppenderEffects) {
        for pending in queue { pending.fail(error, &effects) }
        queue = []
        queuedBytes = 0
    }

    /// Answers the waiters whose deadline has passed with what is known of their action.
    private mutating func expire(_ effects: inout AppenderEffects) {
        let now = effects.now
        let late = DatabaseError(.deadlineExceeded, "the time given ran out")
        var trouble = lastTrouble ?? late
        if trouble.outcome == .unknown {
            // Of another batch: of an action that was never sent, more is known.
            trouble = DatabaseError(.quorumUnavailable, trouble.message, cause: trouble)
        }
        for position in queue.indices {
            let isInDoubt = queue[position].isInDoubt
            queue[position].expire(at: now, trouble, isUncertain: isInDoubt, &effects)
        }
        queue.removeAll { pending in
            if pending.waiters.isEmpty { queuedBytes -= pending.bytes.count }
            return pending.waiters.isEmpty
        }
        guard let flight else { return }
        // While anybody waits the attempt is tried again, with everybody's actions in it.
        let goesOn = flight.actions.contains { $0.waiters.contains { $0.deadline > now } }
        let isUncertain = flight.isTrying || flight.mayHaveLanded || goesOn
        var actions = flight.actions
        for position in actions.indices {
            let isInDoubt = isUncertain || actions[position].isInDoubt
            actions[position].expire(at: now, trouble, isUncertain: isInDoubt, &effects)
        }
        self.flight = flight.replacing(actions)
    }
}

extension DiaryAppender.Flight {
    func replacing(_ actions: [PendingAppend]) -> Self {
        var copy = Self(target: target, actions: actions)
        copy.isTrying = isTrying
        copy.mayHaveLanded = mayHaveLanded
        return copy
    }
}
