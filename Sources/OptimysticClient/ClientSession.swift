import BlockModel
import BlockRuntime

/// The client's side of the conversation with the proxies: which proxy to ask, when to ask another,
/// and what may be told of an outcome.
///
/// A pure machine. Each request is resolved exactly once, by its deadline, if the host performs the
/// directives in order and ticks no later than ``nextWake``.
package struct ClientSession {
    /// The host's handle of one request; never used twice.
    package typealias Token = UInt64

    package enum Event {
        case request(Token, ClientRequest, deadline: Instant)
        /// A proxy's answer to what was sent as `id`.
        case reply(id: UInt64, ClientReply)
        /// What was to be sent as `id` could not be handed to the network: no proxy will get it.
        case notSent(id: UInt64)
        /// The connection to a proxy broke: what it has not answered it may never answer.
        case broken(proxy: Int)
        /// A proxy cannot be connected to, and why. It may be there later.
        case unreachable(proxy: Int, DatabaseError)
        /// A process is connected at the address of a proxy, and nothing was heard of it yet.
        case silent(proxy: Int)
        /// The caller does not want the answer any more. What was sent may still be carried out.
        case cancel(Token)
        /// The last event but ticks: everything under way is resolved, with the reason where one
        /// is given.
        case close(DatabaseError?)
        case tick
    }

    package enum Directive {
        /// A proxy that was learned. The first proxies are the addresses the session was made with,
        /// numbered from 0, and the host connects to them by itself.
        case connect(proxy: Int, address: String)
        case send(proxy: Int, id: UInt64, ClientRequest, deadline: Instant)
        case resolve(Token, ClientReply)
    }

    /// How far the introduction to one proxy has got.
    enum Greeting: Hashable, Sendable {
        case none
        case underWay(ends: Instant)
        case done
    }

    struct Proxy: Sendable {
        var greeting = Greeting.none
        /// Of the last greeting; its answer is welcome also when it is late.
        var greetingID: UInt64?
        /// Calls that wait for the greeting. Some may have turned elsewhere since.
        var waiting: [Token] = []
        /// Why it could not be used at the last look; nil once it was, or when it is not known.
        var trouble: DatabaseError?
        /// Whether a connection stands, to whomever, although no greeting was answered.
        var isConnected = false

        /// Why a greeting came to nothing.
        func silence(after time: String) -> DatabaseError {
            trouble
                ?? DatabaseError(
                    .endpointUnreachable,
                    isConnected
                        ? "speaks ZeroMQ, but did not answer the greeting of a client \(time): it "
                            + "is no client proxy, or is stopped or overloaded"
                        : "no answer to the greeting \(time)")
        }
    }

    enum Timer: Hashable, Sendable {
        case call(Token)
        case greeting(proxy: Int)
    }

    let clusterName: String
    /// The cluster that the first proxy introduced itself as a part of; all others must agree.
    package internal(set) var cluster: ClusterID?
    var generator: SeededGenerator
    var ranking: ServiceRanking
    var proxies: [Proxy]
    var calls: [Token: ClientCall] = [:]
    /// The call that each sent request belongs to, and the proxy it was sent to.
    var sent: [UInt64: (token: Token, proxy: Int)] = [:]
    var greetings: [UInt64: Int] = [:]
    /// The changes whose last call ended in doubt, so that the next call for one knows.
    private var doubts = TwoGenerationCache<Identifier128, Void>(weightMax: Limits.doubtCountMax)
    var now = Instant.origin
    var directives: [Directive] = []
    private var alarms = AlarmClock<Timer>()
    private var lastID: UInt64
    private var isClosed = false

    /// - Parameters:
    ///   - addresses: Of proxies, at least one; at most ``Limits/urlAddressCountMax``.
    ///   - clusterName: What every proxy must say its cluster is called.
    ///   - generator: Also draws the first id, so that a reply meant for another session, or for
    ///     an earlier life of this process, matches nothing.
    package init(addresses: [String], clusterName: String, generator: SeededGenerator) {
        invariant(!addresses.isEmpty, "a session needs a proxy")
        self.clusterName = clusterName
        self.generator = generator
        ranking = ServiceRanking(addresses: addresses)
        proxies = addresses.map { _ in Proxy() }
        lastID = self.generator.next() >> 1
    }

    /// Requests under way; at most ``Limits/connectionRequestCountMax``.
    package var requestCount: Int { calls.count }

    /// The addresses of all proxies, by number.
    package var addresses: [String] { ranking.addresses }

    /// When ``Event/tick`` is wanted at the latest; nil when nothing waits.
    package var nextWake: Instant? { calls.isEmpty ? nil : alarms.next }

    /// Handles one event. - Returns: What to do, in order.
    package mutating func receive(_ event: Event, now: Instant) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .request(let token, let request, let deadline):
            // A greeting that ran out while no request waited is not this request's trouble.
            wakeDue()
            start(token, request, deadline: deadline)
        case .reply(let id, let reply): replied(id, reply)
        case .notSent(let id): wasNotSent(id)
        case .broken(let proxy): connectionBroke(proxy)
        case .unreachable(let proxy, let error): cannotConnect(proxy, error)
        case .silent(let proxy): proxies[proxy].isConnected = true
        case .cancel(let token):
            if let call = calls[token], call.doubt.mayHaveCommitted { keepDoubt(of: call) }
            forget(token)
        case .close(let cause): close(because: cause)
        case .tick: break
        }
        wakeDue()
        defer { directives = [] }
        return directives
    }

    // MARK: Requests

    private mutating func start(
        _ token: Token, _ request: ClientRequest, deadline: Instant
    ) {
        invariant(calls[token] == nil, "token \(token) is used twice")
        var call = ClientCall(
            request, deadline: min(deadline, now.advanced(by: Limits.requestTimeMax)))
        if let id = request.attemptID, doubts.value(id) != nil { call.isRepetition() }
        if let refusal = refusal(of: call) {
            return directives.append(.resolve(token, .failed(call.doubt.told(refusal))))
        }
        calls[token] = call
        // It would have to end even if nothing else happened.
        alarms.set(.call(token), at: call.deadline)
        beginTry(token)
    }

    private func refusal(of call: ClientCall) -> DatabaseError? {
        if isClosed { return DatabaseError(.shuttingDown, "the connection is closed") }
        if calls.count >= Limits.connectionRequestCountMax {
            return DatabaseError(
                .overloaded,
                "\(calls.count) requests are under way on this connection,"
                    + " connectionRequestCountMax = \(Limits.connectionRequestCountMax)",
                retryAfter: RetryTiming.afterFullConnection)
        }
        if let name = call.request.collectionName, let problem = CollectionName.problem(name) {
            return problem
        }
        if call.tryTime(at: now) < Limits.requestTimeMin {
            return DatabaseError(
                .deadlineExceeded,
                "the time given ran out before the request could be sent; nothing was sent")
        }
        return nil
    }

    mutating func end(_ token: Token, _ reply: ClientReply) {
        guard let call = calls[token] else { return }
        switch reply {
        case .failed(let error): if error.outcome == .unknown { keepDoubt(of: call) }
        case .refused(.moved(.notLookedFor, _)): keepDoubt(of: call)
        case .refused(.gone), .refused(.blocked), .refused(.pending): break
        default: if let id = call.request.attemptID { doubts.remove(id) }
        }
        forget(token)
        directives.append(.resolve(token, reply))
    }

    private mutating func keepDoubt(of call: ClientCall) {
        guard let id = call.request.attemptID else { return }
        doubts.put((), for: id, weight: 1)
    }

    private mutating func forget(_ token: Token) {
        guard let call = calls.removeValue(forKey: token) else { return }
        alarms.cancel(.call(token))
        for id in call.sentIDs { sent[id] = nil }
    }

    private mutating func close(because cause: DatabaseError?) {
        isClosed = true
        for token in calls.keys.sorted() {
            guard var call = calls[token] else { continue }
            if case .sent(_, let proxy) = call.phase {
                // Whether it was carried out is not known.
                let doubt = DatabaseError(
                    .endpointUnreachable, "the connection was closed", outcome: .unknown)
                call.failed(doubt, at: proxy)
            }
            let error = cause ?? DatabaseError(.shuttingDown, "the connection was closed")
            end(token, .failed(call.doubt.told(error)))
        }
    }

    mutating func makeID() -> UInt64 {
        lastID += 1
        return lastID
    }

    // MARK: Time

    mutating func wake(_ timer: Timer, at instant: Instant) {
        var instant = instant
        if case .call(let token) = timer, let call = calls[token] {
            instant = min(instant, call.deadline)
        }
        alarms.set(timer, at: instant)
    }

    private mutating func wakeDue() {
        while let (timer, instant) = alarms.popDue(at: now) {
            switch timer {
            case .call(let token):
                guard let call = calls[token] else { continue }
                if now >= call.deadline { ranOut(token) } else { wasWoken(token) }
            case .greeting(let proxy):
                guard proxies[proxy].greeting == .underWay(ends: instant) else { continue }
                let time = Limits.greetingTime.milliseconds
                greetingFailed(proxy, proxies[proxy].silence(after: "in \(time) ms"))
            }
        }
    }
}
