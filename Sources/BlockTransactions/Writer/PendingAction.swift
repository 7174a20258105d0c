import BlockModel
import BlockRuntime

/// One action of a client, waiting in a proxy, and the requests that wait for it.
package struct PendingAction: Sendable {
    /// One request for the action, and how long its client waits.
    package struct Waiter: Sendable {
        let token: CollectionWriter.Token
        let deadline: Instant

        package init(token: CollectionWriter.Token, deadline: Instant) {
            self.token = token
            self.deadline = deadline
        }
    }

    package let action: ActionID
    let incarnation: Incarnation
    let firstRevision: Revision
    let content: ActionContent
    /// ``content`` as the log keeps it.
    let bytes: Bytes
    /// The client that sent it first.
    let client: CollectionWriter.Client
    private let fingerprint: UInt64
    private(set) var waiters: [Waiter]
    /// Tail reads of the proxy that were begun before the action came.
    let tailReadsBefore: UInt64
    /// Every entry in (``firstRevision``, this] was read and does not hold the action.
    package private(set) var scannedThrough: Revision {
        didSet { doubt.logWasRead(through: scannedThrough) }
    }
    /// Blocks that it needs and that could not be read: it is set aside until they can.
    private(set) var awaited: Set<BlockID> = []
    /// It has seen more of the log than is known here, or says so: it waits for a read of the tail.
    var isAhead = false
    /// Whether its keys are known to be such as the collection has.
    private var hasFittingKeys = false
    /// Of the last attempt that carried it, if that ended in doubt.
    private var doubt = AttemptDoubt()

    /// - Parameters:
    ///   - bytes: The request's content as the log keeps it.
    ///   - record: What its entry is to record of the transaction that it is the first action of.
    package init(
        _ request: ActionRequest, bytes: Bytes, client: CollectionWriter.Client, waiter: Waiter,
        tailReadsBefore: UInt64, record: Digest? = nil
    ) {
        self.client = client
        self.tailReadsBefore = tailReadsBefore
        action = request.action
        incarnation = request.incarnation
        firstRevision = request.firstRevision
        content = request.content
        self.bytes = bytes
        fingerprint = ActionIndex.fingerprint(of: bytes, record)
        waiters = [waiter]
        scannedThrough = request.firstRevision
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

    /// Whether `request`, under the same id, asks for something else.
    func isReused(by request: ActionRequest, _ bytes: Bytes) -> Bool {
        invariant(request.action == action, "\(request.action) compared with \(action)")
        return self.bytes != bytes || incarnation != request.incarnation
            || content.kind != request.content.kind
    }

    /// See ``ActionContent/problem(keyType:)``; looked for once, for a life keeps its type of keys.
    mutating func keyProblem(_ keyType: KeyType?) -> String? {
        if hasFittingKeys { return nil }
        let problem = content.problem(keyType: keyType)
        hasFittingKeys = problem == nil
        return problem
    }

    // MARK: Events

    /// Another request for it shares its outcome.
    mutating func join(_ waiter: Waiter) { waiters.append(waiter) }

    /// Every entry up to `revision` was read and does not hold it.
    mutating func wasScanned(through revision: Revision) {
        invariant(revision >= scannedThrough, "a scan went back to \(revision)")
        scannedThrough = revision
    }

    /// What ``PlantedBug/noDedupeScan`` and its like do: the entries up to `revision` were not
    /// read.
    mutating func plantScanned(through revision: Revision) {
        scannedThrough = max(scannedThrough, revision)
    }

    /// It needs `blocks`, which cannot be read.
    mutating func setAside(for blocks: Set<BlockID>) {
        invariant(!blocks.isEmpty, "set aside for no block")
        awaited = blocks
    }

    /// `block` has come: it is not waited for any more.
    mutating func goOn(_ block: BlockID) { awaited.remove(block) }

    /// Blocks that are not known to be unreadable any more are not waited for.
    mutating func waitOnly(for isUnreadable: (BlockID) -> Bool) {
        if !awaited.isEmpty { awaited = awaited.filter(isUnreadable) }
    }

    /// An attempt that carried it has ended, and is at its target, or may get there, as far as its
    /// sender knows.
    mutating func inherit(_ attempt: AttemptDoubt) {
        invariant(attempt.target != nil, "in doubt of no attempt")
        guard attempt.mayHaveCommitted else { return }
        doubt = attempt
        doubt.logWasRead(through: scannedThrough)
    }

    // MARK: Answers

    static let reuse = DatabaseError(
        .actionIDReuse, "this action id came before with other bytes")

    /// Answers every waiter with `error`, as unknown when the action is in doubt.
    func fail(_ error: DatabaseError, _ effects: inout WriterEffects) {
        let told = doubt.told(error)
        for waiter in waiters { effects.respond(waiter.token, .failed(told)) }
    }

    /// Answers every waiter with where the action landed.
    func landed(at position: LogPosition, _ outcome: ActionOutcome, _ effects: inout WriterEffects)
    {
        let landing = ActionLanding(position: position, outcome: outcome)
        for waiter in waiters { effects.respond(waiter.token, .acted(landing)) }
    }

    /// Answers every waiter with a landing that the log shows.
    func found(at landing: ActionIndex.Landing, _ effects: inout WriterEffects) {
        guard landing.fingerprint == fingerprint else {
            return fail(PendingAction.reuse, &effects)
        }
        do throws(DatabaseError) {
            let outcome = try ActionOutcome(landing.outcome, kind: content.kind)
            landed(at: landing.position, outcome, &effects)
        } catch {
            // It is there, but what came of it cannot be told.
            fail(error.asUnknown, &effects)
        }
    }

    /// Answers and forgets the waiters whose time is up; wakes for the next of the others.
    /// - Parameter attempt: What is known of an attempt under way that carries it.
    mutating func expire(
        _ trouble: DatabaseError, in attempt: AttemptDoubt = AttemptDoubt(),
        _ effects: inout WriterEffects
    ) {
        let now = effects.now
        let isDoubted = !planted(.doubtToldAsFailure)
        let told = isDoubted ? attempt.told(doubt.told(trouble)) : trouble
        for waiter in waiters where waiter.deadline <= now {
            effects.respond(waiter.token, .failed(told))
        }
        waiters.removeAll { $0.deadline <= now }
        wakeAtDeadlines(&effects)
        invariant(waiters.allSatisfy { $0.deadline > now }, "a late waiter stays")
    }

    /// Asks for a tick when the first waiter's time is up.
    func wakeAtDeadlines(_ effects: inout WriterEffects) {
        for waiter in waiters { effects.wake(at: waiter.deadline) }
    }

    package func checkInvariants() {
        invariant(scannedThrough >= firstRevision, "\(action) scanned below its first revision")
        invariant(bytes.count <= Limits.actionBytesMax, "\(action) of \(bytes.count) bytes")
    }
}
