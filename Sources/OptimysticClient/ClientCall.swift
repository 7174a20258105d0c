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
    var phase = Phase.pausing
    /// When the phase ends, if nothing else ends it.
    var wakeAt: Instant
    private(set) var tryCount = 0
    private(set) var triesByProxy: [Int: Int] = [:]
    /// The ids of everything sent for it, to be forgotten with it.
    var sentIDs: [UInt64] = []
    /// Whether some try ended without a definite answer.
    private(set) var isUncertain = false
    /// The deepest failure that a proxy told, of those the newest.
    private(set) var answer: DatabaseError?
    /// The last trouble with each proxy.
    private(set) var troubles: [Int: DatabaseError] = [:]
    private var backoff = Backoff(base: .milliseconds(20), longest: .milliseconds(500))

    init(_ request: ClientRequest, deadline: Instant) {
        self.request = request
        self.deadline = deadline
        wakeAt = deadline
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

    /// A try ended with what a proxy answered.
    mutating func answered(_ error: DatabaseError, by proxy: Int) {
        learned(error)
        failed(error, at: proxy)
    }

    /// A proxy told why an earlier try failed that nobody waits for any more.
    mutating func learned(_ error: DatabaseError) { answer = error.orDeeper(answer) }

    /// A try ended with no answer, or without being sent.
    mutating func failed(_ error: DatabaseError, at proxy: Int) {
        troubles[proxy] = error
        phase = .pausing
        if error.outcome == .unknown, request.changesState { isUncertain = true }
    }

    /// The pause before the next try: none to speak of while there are proxies not tried yet.
    mutating func pause(proxyCount: Int, using generator: inout SeededGenerator) -> Duration {
        if tryCount < proxyCount { return .milliseconds(1) }
        let retryAfter = troubles.values.compactMap(\.retryAfter).min() ?? .zero
        return max(backoff.next(using: &generator), retryAfter)
    }

    /// `error` as the application has to be told it: unknown beats not applied.
    func told(_ error: DatabaseError) -> DatabaseError { isUncertain ? error.asUnknown : error }

    /// What is known when there is no further try.
    ///
    /// - Parameter addresses: Of all proxies; each is named when none of them answered.
    func finalError(addresses: [String]) -> DatabaseError {
        if let answer { return told(answer) }
        let details = addresses.indices.map { proxy in
            "\(addresses[proxy]): \(troubles[proxy]?.message ?? "not asked in the time given")"
        }
        // A proxy that was connected and asked may be busy: nothing says that it is not there.
        let isSlow = troubles.values.contains { $0.code == .deadlineExceeded }
        return told(
            DatabaseError(
                isSlow ? .deadlineExceeded : .endpointUnreachable,
                "no proxy answered (\(details.joined(separator: "; ")))"))
    }
}
