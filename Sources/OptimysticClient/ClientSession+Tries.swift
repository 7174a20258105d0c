import BlockModel
import BlockRuntime
import BlockWire

/// Tries: the choice of the proxy, the greeting before the first request, the answers.
extension ClientSession {
    mutating func beginTry(_ token: Token) {
        guard let call = calls[token] else { return }
        guard call.tryTime(at: now) >= Limits.requestTimeMin else { return giveUp(token) }
        let proxy = choose(for: call)
        calls[token]?.beginTry(at: proxy)
        if proxies[proxy].greeting == .done { return send(token, to: proxy) }
        greet(proxy)
        proxies[proxy].waiting.append(token)
        calls[token]?.phase = .greeting(proxy: proxy)
        wake(.call(token), at: call.patienceEnd(of: call.tryTime(at: now), from: now))
    }

    /// Of the proxies that serve well, and of those the ones that this call has tried least, the
    /// best by rank. No request waits for a greeting while a proxy that has answered one is at
    /// hand; the better one is greeted meanwhile.
    private mutating func choose(for call: ClientCall) -> Int {
        let candidates = ranking.choice(
            for: call.request.affinity, about: call.subject, tries: call.triesByProxy, at: now)
        let best = candidates[0]
        guard proxies[best].greeting != .done,
            let known = candidates.first(where: {
                proxies[$0].greeting == .done && !ranking.isSuspect($0, at: now)
            })
        else { return best }
        greet(best)
        return known
    }

    private mutating func send(_ token: Token, to proxy: Int) {
        guard let call = calls[token] else { return }
        let time = call.tryTime(at: now)
        guard time >= Limits.requestTimeMin else { return giveUp(token) }
        let id = makeID()
        sent[id] = (token, proxy)
        calls[token]?.sent(as: id, to: proxy)
        calls[token]?.sentAt = (now, time)
        directives.append(
            .send(
                proxy: proxy, id: id, call.request.fitting(time),
                deadline: now.advanced(by: time)))
        let isImpatient = buggify("buggify.session.impatient")
        wake(
            .call(token),
            at: isImpatient
                ? now.advanced(by: RetryTiming.impatient) : call.patienceEnd(of: time, from: now))
    }

    // MARK: Answers

    mutating func replied(_ id: UInt64, _ reply: ClientReply) {
        if let proxy = greetings.removeValue(forKey: id) { return wasGreeted(proxy, reply) }
        guard let (token, proxy) = sent[id], let call = calls[token] else { return }
        ranking.clear(proxy)
        proxies[proxy].trouble = nil
        if case .failed(let error) = reply {
            // A late failure of an earlier try says nothing of the later ones, but it may say why.
            guard call.phase == .sent(id: id, proxy: proxy) else {
                calls[token]?.learned(error)
                return
            }
            sent[id] = nil
            return answered(token, proxy, error)
        }
        guard call.request.isAnswered(by: reply) else {
            let message = "\(addresses[proxy]) answered something else than was asked"
            let error = DatabaseError(.malformedMessage, message, outcome: .unknown)
            return answered(token, proxy, error)
        }
        ranking.succeeded(proxy, about: call.subject)
        if case .welcome(let welcome) = reply { learn(welcome) }
        // A late success of an earlier try is a true statement.
        if call.phase != .sent(id: id, proxy: proxy) { mark("session.lateAnswer") }
        end(token, call.told(reply))
    }

    private mutating func answered(_ token: Token, _ proxy: Int, _ error: DatabaseError) {
        if let call = calls[token] { judge(proxy, call, told: error) }
        calls[token]?.answered(error, by: proxy)
        switch error.code {
        case .shuttingDown:
            ranking.suspect(proxy, at: now)
            proxies[proxy].greeting = .none
        case .wrongCluster: proxies[proxy].greeting = .none
        default: break
        }
        afterFailure(token, error)
    }

    /// A proxy that answers and does not serve is passed over for a while, for what is like the
    /// request; unless it had too little time to say anything of it.
    private mutating func judge(_ proxy: Int, _ call: ClientCall, told error: DatabaseError) {
        guard error.isTransient, let (sentAt, time) = call.sentAt else { return }
        let isSlow = now.since(sentAt).nanoseconds >= time.nanoseconds / 4 * 3
        if time < Limits.judgedTryTime, isSlow { return }
        mark("session.badOutcome")
        let duration =
            error.code == .overloaded
            ? max(Limits.overloadSuspicionTime, error.retryAfter ?? .zero) : Limits.suspicionTime
        ranking.failed(proxy, about: call.subject, for: duration, at: now)
    }

    mutating func wasNotSent(_ id: UInt64) {
        let error = DatabaseError(.endpointUnreachable, "the connection takes no messages")
        if let proxy = greetings.removeValue(forKey: id) { return greetingFailed(proxy, error) }
        guard let (token, proxy) = sent.removeValue(forKey: id) else { return }
        ranking.suspect(proxy, at: now)
        guard calls[token]?.phase == .sent(id: id, proxy: proxy) else { return }
        calls[token]?.failed(error, at: proxy)
        afterFailure(token, error)
    }

    /// Everything that waits for an answer of this proxy turns to another one at once.
    mutating func connectionBroke(_ proxy: Int) {
        ranking.suspect(proxy, at: now)
        if proxies[proxy].greeting == .done { proxies[proxy].greeting = .none }
        proxies[proxy].isConnected = false
        let error = DatabaseError(
            .endpointUnreachable, "the connection broke before the answer", outcome: .unknown)
        for token in calls.keys.sorted() {
            guard case .sent(_, proxy) = calls[token]?.phase else { continue }
            calls[token]?.failed(error, at: proxy)
            afterFailure(token, error)
        }
        guard case .underWay = proxies[proxy].greeting else { return }
        mark("session.greetingBroke")
        greetingFailed(
            proxy, DatabaseError(.endpointUnreachable, "the connection broke at the greeting"))
    }

    /// Tries again, or ends the call when that cannot help or must not be.
    private mutating func afterFailure(_ token: Token, _ error: DatabaseError) {
        guard var call = calls[token] else { return }
        guard error.isTransient else { return end(token, .failed(call.doubt.told(error))) }
        let pause = call.pause(proxyCount: proxies.count, using: &generator)
        calls[token] = call
        let next = now.advanced(by: pause)
        // There would be no time left for another try.
        guard next < call.deadline else { return giveUp(token) }
        wake(.call(token), at: next)
    }

    private mutating func giveUp(_ token: Token) {
        mark("session.givesUp")
        guard let call = calls[token] else { return }
        end(token, .failed(call.finalError(addresses: addresses)))
    }

    // MARK: Time

    /// The phase of the call has lasted as long as it may.
    mutating func wasWoken(_ token: Token) {
        guard let call = calls[token] else { return }
        switch call.phase {
        case .pausing: beginTry(token)
        case .greeting(let proxy):
            let error = proxies[proxy].silence(after: "in time")
            calls[token]?.failed(error, at: proxy)
            afterFailure(token, error)
        case .sent(_, let proxy):
            let error = noAnswer(from: proxy)
            calls[token]?.failed(error, at: proxy)
            afterFailure(token, error)
        }
    }

    /// The deadline has come.
    mutating func ranOut(_ token: Token) {
        guard let call = calls[token] else { return }
        if case .sent(_, let proxy) = call.phase {
            let error = noAnswer(from: proxy)
            calls[token]?.failed(error, at: proxy)
        }
        giveUp(token)
    }

    /// It is greeted again before it is asked again: a greeting that stays without an answer
    /// leaves no doubt behind, a request may.
    private mutating func noAnswer(from proxy: Int) -> DatabaseError {
        ranking.suspect(proxy, at: now)
        if proxies[proxy].greeting == .done { proxies[proxy].greeting = .none }
        return DatabaseError(
            .deadlineExceeded, "no answer in the time given", outcome: .unknown)
    }

    // MARK: Greetings

    private mutating func greet(_ proxy: Int) {
        guard proxies[proxy].greeting == .none else { return }
        if let earlier = proxies[proxy].greetingID { greetings[earlier] = nil }
        let id = makeID()
        let ends = now.advanced(by: Limits.greetingTime)
        greetings[id] = proxy
        proxies[proxy].greetingID = id
        proxies[proxy].greeting = .underWay(ends: ends)
        directives.append(
            .send(proxy: proxy, id: id, .hello(clusterName: clusterName), deadline: ends))
        wake(.greeting(proxy: proxy), at: ends)
    }

    private mutating func wasGreeted(_ proxy: Int, _ reply: ClientReply) {
        switch reply {
        case .welcome(let welcome):
            guard ExactText(welcome.clusterName) == ExactText(clusterName),
                cluster ?? welcome.cluster == welcome.cluster
            else {
                let message =
                    "\(addresses[proxy]) belongs to cluster \"\(welcome.clusterName)\" "
                    + "(\(welcome.cluster)), not to \"\(clusterName)\" "
                    + (cluster.map { "(\($0))" } ?? "")
                return greetingFailed(proxy, DatabaseError(.wrongCluster, message))
            }
            cluster = welcome.cluster
            ranking.clear(proxy)
            proxies[proxy].trouble = nil
            proxies[proxy].greeting = .done
            learn(welcome)
            serveWaiting(of: proxy) { session, token in
                if case .hello = session.calls[token]?.request {
                    session.end(token, .welcome(welcome))
                } else {
                    session.send(token, to: proxy)
                }
            }
        case .failed(let error): greetingFailed(proxy, error, isAnswer: true)
        default:
            let message = "\(addresses[proxy]) answered a greeting with something else"
            greetingFailed(proxy, DatabaseError(.malformedMessage, message), isAnswer: true)
        }
    }

    mutating func greetingFailed(_ proxy: Int, _ error: DatabaseError, isAnswer: Bool = false) {
        proxies[proxy].greeting = .none
        ranking.suspect(proxy, at: now)
        let isAnswer = isAnswer || error.code == .wrongCluster
        if isAnswer, !error.isTransient { proxies[proxy].trouble = error }
        serveWaiting(of: proxy) { session, token in
            if isAnswer {
                session.calls[token]?.answered(error, by: proxy)
            } else {
                session.calls[token]?.failed(error, at: proxy)
            }
            session.afterFailedGreeting(token, error)
        }
    }

    /// The network says why a proxy is not reached, without being asked for it by this session.
    mutating func cannotConnect(_ proxy: Int, _ error: DatabaseError) {
        proxies[proxy].trouble = error
        if case .underWay = proxies[proxy].greeting { greetingFailed(proxy, error) }
        // Who waits between two tries need not wait for the next one.
        for token in calls.keys.sorted() { endIfHopeless(token) }
    }

    /// Another proxy may be the right one: it is asked before the caller is told.
    private mutating func afterFailedGreeting(_ token: Token, _ error: DatabaseError) {
        if endIfHopeless(token) { return }
        let isTold = !error.isTransient && proxies.allSatisfy { $0.trouble != nil }
        if isTold { return giveUp(token) }
        afterFailure(token, error.isTransient ? error : error.asUnreachable)
    }

    /// A caller that only wants to be connected is told as soon as something is known against each
    /// proxy.
    /// - Returns: Whether it was told.
    @discardableResult
    private mutating func endIfHopeless(_ token: Token) -> Bool {
        guard case .hello = calls[token]?.request, proxies.allSatisfy({ $0.trouble != nil })
        else { return false }
        for proxy in proxies.indices {
            guard let trouble = proxies[proxy].trouble else { continue }
            calls[token]?.failed(trouble, at: proxy)
        }
        giveUp(token)
        return true
    }

    private mutating func serveWaiting(
        of proxy: Int, _ serve: (inout ClientSession, Token) -> Void
    ) {
        let waiting = proxies[proxy].waiting
        proxies[proxy].waiting = []
        for token in waiting where calls[token]?.phase == .greeting(proxy: proxy) {
            serve(&self, token)
        }
    }

    private mutating func learn(_ welcome: Welcome) {
        for address in welcome.proxies where !addresses.contains(address) {
            guard proxies.count < Limits.proxyCountMax else { return }
            let proxy = ranking.add(address)
            proxies.append(Proxy())
            directives.append(.connect(proxy: proxy, address: address))
        }
    }
}
