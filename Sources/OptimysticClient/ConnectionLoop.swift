import BlockModel
import BlockRuntime
import BlockTransport

/// The event loop of a connection: mailbox and proxies in, session, proxies and replies out.
/// Lives on one thread.
final class ConnectionLoop {
    enum Message: Sendable {
        case request(UInt64, ClientRequest, deadline: Instant, ReplySlot)
        case cancel(UInt64)
        case pause(until: Instant, CheckedContinuation<Void, Never>)
        case close
    }

    let mailbox: Mailbox<Message>
    private var session: ClientSession
    private let link: any ProxyLink
    private let environment: Environment
    private var slots: [UInt64: ReplySlot] = [:]
    /// Tasks that wait for a time.
    private var pauses = TimerQueue<CheckedContinuation<Void, Never>>()
    private var isClosing = false
    /// What ended the connection, when it was not its owner.
    private var failure: DatabaseError?

    /// - Throws: `.configurationInvalid` for an address that can never work.
    init(
        session: ClientSession, link: any ProxyLink, environment: Environment
    ) throws(DatabaseError) {
        self.session = session
        self.link = link
        self.environment = environment
        mailbox = Mailbox(waker: link.waker)
        for address in session.addresses { try link.connect(to: address) }
    }

    /// Runs until the connection is closed or the link fails.
    func run() {
        while !isClosing {
            let wake = [session.nextWake, pauses.next].compactMap { $0 }.min()
            let timeout = wake.map { $0.since(environment.now()) }
            do throws(DatabaseError) {
                let arrivals = try link.receive(timeout: timeout)
                for message in mailbox.drain() { take(message) }
                for arrival in arrivals {
                    switch arrival {
                    case .reply(let id, let reply): handle(.reply(id: id, reply))
                    case .broken(let proxy): handle(.broken(proxy: proxy))
                    case .unreachable(let proxy, let error):
                        handle(.unreachable(proxy: proxy, error))
                    case .silent(let proxy): handle(.silent(proxy: proxy))
                    }
                }
                handle(.tick)
                endPauses(until: environment.now())
            } catch {
                failure = error
                isClosing = true
            }
        }
        mailbox.close(because: failure)
        for message in mailbox.drain() { take(message) }
        handle(.close(failure))
        endPauses(until: .distantFuture)
        link.close()
    }

    private func endPauses(until now: Instant) {
        while let (continuation, _) = pauses.popDue(at: now) { continuation.resume() }
    }

    private func take(_ message: Message) {
        switch message {
        case .request(let token, let request, let deadline, let slot):
            slots[token] = slot
            handle(.request(token, request, deadline: deadline))
        case .cancel(let token):
            slots[token] = nil
            handle(.cancel(token))
        case .pause(let instant, let continuation): pauses.insert(continuation, at: instant)
        case .close: isClosing = true
        }
    }

    private func handle(_ event: ClientSession.Event) {
        var pending = session.receive(event, now: environment.now())
        // A directive that fails is an event with directives of its own.
        while !pending.isEmpty {
            var caused: [ClientSession.Directive] = []
            for directive in pending {
                guard let failure = perform(directive) else { continue }
                caused += session.receive(failure, now: environment.now())
            }
            pending = caused
        }
    }

    /// - Returns: What the session has to be told of it.
    private func perform(_ directive: ClientSession.Directive) -> ClientSession.Event? {
        switch directive {
        case .connect(_, let address):
            try? link.connect(to: address)
            return nil
        case .send(let proxy, let id, let request, let deadline):
            let isTaken = link.send(
                request, to: proxy, id: id, deadline: deadline, cluster: session.cluster)
            return isTaken ? nil : .notSent(id: id)
        case .resolve(let token, let reply):
            slots.removeValue(forKey: token)?.fill(reply)
            return nil
        }
    }
}
