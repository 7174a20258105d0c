import BlockModel
import BlockRuntime
import BlockTransport
import Synchronization

/// A ``ClientSession`` over a ``ProxyLink``, driven by one background thread, for any number of
/// tasks.
///
/// The thread ends when the connection is closed or let go of.
package final class Connection: Sendable {
    /// Makes the link, on the thread that it will belong to.
    package typealias LinkMaker = @Sendable () throws(DatabaseError) -> any ProxyLink

    private let mailbox: Mailbox<ConnectionLoop.Message>
    private let environment: Environment
    private let lastToken = Atomic<UInt64>(0)
    private let end: EndOfLoop

    private init(
        mailbox: Mailbox<ConnectionLoop.Message>, end: EndOfLoop, environment: Environment
    ) {
        self.mailbox = mailbox
        self.end = end
        self.environment = environment
    }

    deinit { close() }

    /// Starts the thread. Talks to no proxy yet.
    ///
    /// - Parameters:
    ///   - addresses: Of proxies, in the link's own form, e.g. `tcp://127.0.0.1:7730`.
    ///   - clusterName: What the cluster must be called.
    /// - Throws: `.ioFailed` when the system refuses a thread or a descriptor,
    ///   `.configurationInvalid` for an address that can never work; what `makeLink` throws.
    package static func open(
        addresses: [String], clusterName: String, environment: Environment = .live(),
        makeLink: @escaping LinkMaker
    ) async throws -> Connection {
        let session = ClientSession(
            addresses: addresses, clusterName: clusterName, generator: environment.generator())
        let end = EndOfLoop()
        let mailbox = try await withCheckedThrowingContinuation { started in
            let body: @Sendable () -> Void = {
                do throws(DatabaseError) {
                    let loop = try ConnectionLoop(
                        session: session, link: makeLink(), environment: environment)
                    started.resume(returning: loop.mailbox)
                    loop.run()
                    end.reached()
                } catch {
                    started.resume(throwing: error)
                }
            }
            if let problem = BackgroundThread.start(body) { started.resume(throwing: problem) }
        }
        return Connection(mailbox: mailbox, end: end, environment: environment)
    }

    /// Sends a request, without waiting for the answer.
    ///
    /// - Parameter timeout: When the answer is due, ``Limits/requestTimeMax`` at most.
    package func start(_ request: ClientRequest, timeout: Duration) -> PendingReply {
        let token = lastToken.add(1, ordering: .relaxed).newValue
        let slot = ReplySlot()
        let deadline = environment.now().advanced(by: timeout)
        do throws(DatabaseError) {
            try mailbox.post(.request(token, request, deadline: deadline, slot))
        } catch {
            slot.fill(.failed(error))
        }
        return PendingReply(slot: slot) { [mailbox] in
            // A loop that has ended has nothing to cancel.
            try? mailbox.post(.cancel(token))
        }
    }

    /// Sends a request and waits for the answer.
    ///
    /// Cancelling the task drops this request only. What was sent may still be carried out: an
    /// append may still land.
    package func request(_ request: ClientRequest, timeout: Duration) async throws -> ClientReply {
        try await start(request, timeout: timeout).value()
    }

    /// - Throws: `.shuttingDown` when it was closed; what ended it otherwise.
    package func checkOpen() throws(DatabaseError) { try mailbox.checkOpen() }

    /// Waits for a while, at most until the connection is closed.
    package func pause(_ duration: Duration) async {
        let instant = environment.now().advanced(by: duration)
        await withCheckedContinuation { continuation in
            do throws(DatabaseError) {
                try mailbox.post(.pause(until: instant, continuation))
            } catch {
                continuation.resume()
            }
        }
    }

    /// The monotonic clock that deadlines are measured by.
    package var now: Instant { environment.now() }

    /// Ends the connection: whatever is under way fails with `.shuttingDown`, or with an unknown
    /// outcome where that is the truth. Calling it again does nothing.
    package func close() {
        try? mailbox.post(.close)
        mailbox.close(because: DatabaseError(.shuttingDown, "the database was closed"))
    }

    /// As ``close()``; returns when the thread has given everything back, whichever caller closed
    /// it.
    package func closeAndWait() async {
        close()
        await withCheckedContinuation { end.wait($0) }
    }
}

/// The end of an event loop, for those who wait for it.
private final class EndOfLoop: Sendable {
    private struct State {
        var isReached = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func reached() {
        let waiters = state.withLock { state in
            state.isReached = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait(_ waiter: CheckedContinuation<Void, Never>) {
        let isReached = state.withLock { state in
            if !state.isReached { state.waiters.append(waiter) }
            return state.isReached
        }
        if isReached { waiter.resume() }
    }
}
