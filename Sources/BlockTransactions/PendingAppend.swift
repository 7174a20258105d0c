import BlockModel
import BlockRuntime

/// One action of a client, waiting in a proxy, and everybody who waits for it.
struct PendingAppend: Sendable {
    struct Waiter: Sendable {
        let token: DiaryAppender.Token
        let deadline: Instant
    }

    let action: ActionID
    let incarnation: Incarnation
    let firstRevision: Revision
    let bytes: Bytes
    let fingerprint: UInt64
    var waiters: [Waiter]
    /// Every entry in (``firstRevision``, this] was read and does not hold the action.
    var scannedThrough: Revision
    /// The revision that an attempt of unknown outcome aimed at.
    private var doubt: Revision?

    init(_ request: AppendRequest, fingerprint: UInt64, waiter: Waiter) {
        action = request.action
        incarnation = request.incarnation
        firstRevision = request.firstRevision
        bytes = request.bytes
        self.fingerprint = fingerprint
        waiters = [waiter]
        scannedThrough = request.firstRevision
    }

    /// Whether an earlier attempt may have landed: so until the log at its target has been read.
    var isInDoubt: Bool {
        guard let doubt else { return false }
        return scannedThrough < doubt
    }

    mutating func doubt(_ target: Revision) { doubt = target }

    /// Answers everybody with `error`, as unknown when the action is in doubt.
    func fail(_ error: DatabaseError, _ effects: inout AppenderEffects) {
        let told = isInDoubt ? error.asUnknown : error
        for waiter in waiters { effects.respond(waiter.token, .failed(told)) }
    }

    /// Answers and forgets the waiters whose time is up; wakes for the next of the others.
    mutating func expire(
        at now: Instant, _ trouble: DatabaseError, isUncertain: Bool,
        _ effects: inout AppenderEffects
    ) {
        let told = isUncertain ? trouble.asUnknown : trouble
        for waiter in waiters where waiter.deadline <= now {
            effects.respond(waiter.token, .failed(told))
        }
        waiters.removeAll { $0.deadline <= now }
        if let next = waiters.map(\.deadline).min() { effects.wake(at: next) }
    }
}
