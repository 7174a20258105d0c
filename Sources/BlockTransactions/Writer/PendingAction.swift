import BlockModel
import BlockRuntime

/// One action of a client, waiting in a proxy, and everybody who waits for it.
struct PendingAction: Sendable {
    struct Waiter: Sendable {
        let token: CollectionWriter.Token
        let deadline: Instant
    }

    let action: ActionID
    let incarnation: Incarnation
    let firstRevision: Revision
    let content: ActionContent
    /// ``content`` as the log keeps it.
    let bytes: Bytes
    /// Who sent it first.
    let client: CollectionWriter.Client
    let fingerprint: UInt64
    var waiters: [Waiter]
    /// Tail reads of the proxy that were begun before the action came.
    let tailReadsBefore: UInt64
    /// Every entry in (``firstRevision``, this] was read and does not hold the action.
    var scannedThrough: Revision { didSet { doubt.logWasRead(through: scannedThrough) } }
    /// Blocks that it needs and that could not be read: it is set aside until they can.
    var awaited: Set<BlockID> = []
    /// Whether its keys are known to be such as the collection has.
    var hasFittingKeys = false
    /// Of the last attempt that carried it, if that ended in doubt.
    private var doubt = AttemptDoubt()

    init(
        _ request: ActionRequest, bytes: Bytes, client: CollectionWriter.Client, waiter: Waiter,
        tailReadsBefore: UInt64
    ) {
        self.client = client
        self.tailReadsBefore = tailReadsBefore
        action = request.action
        incarnation = request.incarnation
        firstRevision = request.firstRevision
        content = request.content
        self.bytes = bytes
        fingerprint = ActionIndex.fingerprint(of: bytes)
        waiters = [waiter]
        scannedThrough = request.firstRevision
    }

    /// See ``ActionContent/problem(keyType:)``; looked for once, for a life keeps its type of keys.
    mutating func keyProblem(_ keyType: KeyType?) -> String? {
        if hasFittingKeys { return nil }
        let problem = content.problem(keyType: keyType)
        hasFittingKeys = problem == nil
        return problem
    }

    /// What it takes of the queue's bytes.
    var weight: Int { bytes.count + Limits.queuedActionBytes }

    /// What tells it from every other action, also from one of another life, or with other bytes,
    /// that comes under the same id.
    struct Identity: Hashable, Sendable {
        let action: ActionID
        let incarnation: Incarnation
        let bytes: Bytes
    }

    var identity: Identity { Identity(action: action, incarnation: incarnation, bytes: bytes) }

    /// Whether an earlier attempt may have landed it: so until the log at its target was read.
    var mayHaveCommitted: Bool { doubt.mayHaveCommitted }

    /// An attempt that carried it has ended, and is at its target, or gets there, as far as anybody
    /// knows.
    mutating func inherit(_ attempt: AttemptDoubt) {
        guard attempt.mayHaveCommitted else { return }
        doubt = attempt
        doubt.logWasRead(through: scannedThrough)
    }

    /// Answers everybody with `error`, as unknown when the action is in doubt.
    func fail(_ error: DatabaseError, _ effects: inout WriterEffects) {
        let told = doubt.told(error)
        for waiter in waiters { effects.respond(waiter.token, .failed(told)) }
    }

    /// Answers everybody with where the action landed.
    func landed(at position: LogPosition, _ outcome: ActionOutcome, _ effects: inout WriterEffects)
    {
        let landing = ActionLanding(position: position, outcome: outcome)
        for waiter in waiters { effects.respond(waiter.token, .acted(landing)) }
    }

    /// Answers and forgets the waiters whose time is up; wakes for the next of the others.
    /// - Parameter attempt: What is known of an attempt under way that carries it.
    mutating func expire(
        at now: Instant, _ trouble: DatabaseError, in attempt: AttemptDoubt = AttemptDoubt(),
        _ effects: inout WriterEffects
    ) {
        let isDoubted = !planted(.doubtToldAsFailure)
        let told = isDoubted ? attempt.told(doubt.told(trouble)) : trouble
        for waiter in waiters where waiter.deadline <= now {
            effects.respond(waiter.token, .failed(told))
        }
        waiters.removeAll { $0.deadline <= now }
        if let next = waiters.map(\.deadline).min() { effects.wake(at: next) }
    }
}
