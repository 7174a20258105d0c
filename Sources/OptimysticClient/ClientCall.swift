import BlockModel
import BlockRuntime

/// One request of the application and its tries.
///
/// Every try carries the same action id and first revision, so however many land, one counts.
struct ClientCall: Sendable {
    enum Phase: Hashable, Sendable {
        /// Between two tries.
        case pausing
        /// For this proxy to answer its greeting; nothing of the request was sent.
        case greeting(proxy: Int)
        case sent(id: UInt64, proxy: Int)
    }

    let request: ClientRequest
    let deadline: Instant
    /// What proxies are judged about by its outcome: a proxy may be cut off from what one
    /// collection needs, and from nothing else.
    let subject: ServiceRanking.Subject
    /// When what is out was sent, and the time it was given.
    var sentAt: (instant: Instant, time: Duration)?
    var phase = Phase.pausing
    private(set) var tryCount = 0
    private(set) var triesByProxy: [Int: Int] = [:]
    /// The ids of everything sent for it, to be forgotten with it.
    private(set) var sentIDs: [UInt64] = []
    /// Of a request that changes something: whether some try may have, or may yet.
    private(set) var doubt = AttemptDoubt()
    /// The deepest failure that a proxy told, of those the newest.
    private(set) var answer: DatabaseError?
    /// The last trouble with each proxy.
    private(set) var troubles: [Int: DatabaseError] = [:]
    private var backoff = Backoff(.services)

    init(_ request: ClientRequest, deadline: Instant) {
        self.request = request
        subject = request.affinity.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        self.deadline = deadline
    }

    mutating func beginTry(at proxy: Int) {
        tryCount += 1
        triesByProxy[proxy, default: 0] += 1
    }

    /// How long the next try may take: the last one must end, with its answer, before the deadline.
    func tryTime(at now: Instant) -> Duration {
        let left = deadline.since(now)
        let patience = Limits.proxyTryTime + request.waitingTime
        return min(patience, .nanoseconds(left.nanoseconds / 5 * 4))
    }

    /// When a try that has `time` from `now` is given up: past the proxy's own deadline, because it
    /// answers by then what it knows.
    func patienceEnd(of time: Duration, from now: Instant) -> Instant {
        let patience = Duration.nanoseconds(time.nanoseconds / 8 * 9)
        return min(now.advanced(by: patience), deadline)
    }

    /// An earlier call for the same change ended in doubt.
    mutating func isRepetition() { doubt.raise() }

    /// The request itself is on its way to a proxy.
    mutating func sent(as id: UInt64, to proxy: Int) {
        sentIDs.append(id)
        phase = .sent(id: id, proxy: proxy)
        if request.changesState { doubt.handedOver() }
    }

    /// A try ended with what a proxy answered.
    mutating func answered(_ error: DatabaseError, by proxy: Int) {
        learned(error)
        failed(error, at: proxy)
    }

    /// A proxy told why an earlier try failed that is not waited for any more.
    mutating func learned(_ error: DatabaseError) { answer = error.orDeeper(answer) }

    /// A try ended with no answer, or without being sent.
    mutating func failed(_ error: DatabaseError, at proxy: Int) {
        troubles[proxy] = error
        phase = .pausing
        guard request.changesState else { return }
        doubt.tryEnded(error)
        if planted(.doubtDroppedBySession), error.outcome == .notApplied { doubt.decided() }
    }

    /// The pause before the next try: none to speak of while there are proxies not tried yet.
    mutating func pause(proxyCount: Int, using generator: inout SeededGenerator) -> Duration {
        if tryCount < proxyCount { return RetryTiming.nextService }
        let retryAfter = troubles.values.compactMap(\.retryAfter).min() ?? .zero
        return max(backoff.next(using: &generator), retryAfter)
    }

    /// What the application has to be told when a proxy, at the end of the last try, answers this.
    func told(_ reply: ClientReply) -> ClientReply {
        guard request.changesState else { return reply }
        var doubt = doubt
        if case .failed(let error) = reply { doubt.tryEnded(error) } else { doubt.tryEnded() }
        return doubt.told(reply)
    }

    /// What is known when there is no further try.
    ///
    /// - Parameter addresses: Of all proxies; each is named when none of them answered.
    func finalError(addresses: [String]) -> DatabaseError {
        let troubled = Set(troubles.values.map(\.code))
        // What one of several proxies is not says nothing of the others.
        if let answer, !answer.isOfOneProxy || addresses.count == 1 || troubled.count == 1 {
            return doubt.told(answer)
        }
        let details = addresses.indices.map { proxy in
            "\(addresses[proxy]): \(troubles[proxy]?.message ?? "not asked in the time given")"
        }
        // A proxy that was connected and asked may be busy: nothing says that it is not there.
        let isSlow = troubles.values.contains { $0.code == .deadlineExceeded }
        return doubt.told(
            DatabaseError(
                isSlow ? .deadlineExceeded : .endpointUnreachable,
                "no proxy answered (\(details.joined(separator: "; ")))"))
    }
}
