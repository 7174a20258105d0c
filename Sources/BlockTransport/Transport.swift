import BlockRuntime

/// Carries envelopes between processes, for one event-loop thread.
///
/// A transport belongs to the thread that made it; only its ``waker`` may be used elsewhere.
/// Delivery is at most once. Between two live processes it keeps the order of each link; when a
/// connection breaks, messages may be lost, and nothing says which. Loss is a normal event: who
/// needs an answer sets a deadline and asks again.
package protocol Transport: AnyObject {
    /// Where others reach this transport, with the port that was really taken; nil when it only
    /// connects.
    var boundAddress: String? { get }

    /// Ends a wait in ``receive(timeout:)`` from any thread.
    var waker: Waker { get }

    var statistics: TransportStatistics { get }

    /// Waits for traffic, a wake-up, a signal or the timeout, then takes what is there.
    ///
    /// One call returns at most `Limits.receiveMessageCountMax` messages and stops after
    /// `Limits.receiveBytesMax` bytes; sockets take turns, so that none of them starves. Malformed
    /// messages are returned as such, at their place in the order.
    /// - Parameter timeout: nil waits without end; zero does not wait. Rounded up to milliseconds.
    /// - Returns: What arrived, oldest first for each endpoint. Empty after a timeout or a wake-up.
    /// - Throws: `.shuttingDown` after ``close()``; `.ioFailed` when the operating system refuses.
    func receive(timeout: Duration?) throws(DatabaseError) -> [Inbound]

    /// Hands an envelope over for sending. Never waits.
    ///
    /// - Complexity: O(bytes of the payload).
    func send(_ envelope: Envelope, to endpoint: Endpoint) -> SendResult

    /// Bytes given to ``send(_:to:)`` for the endpoint that have not left this process yet, but for
    /// small messages, of which the number alone is bounded. Above ``Limits/sendQueueBytesMax`` a
    /// send answers `backlogged`.
    func backlogBytes(to endpoint: Endpoint) -> Int

    /// Makes an outgoing link, or returns the one there is to the same address.
    ///
    /// Succeeds whether or not a service listens: the link connects when one does, and again
    /// after each break.
    /// - Throws: `.configurationInvalid` for an address that can never work, `.overloaded` above
    ///   `Limits.linkCountMax` links, `.shuttingDown` after ``close()``.
    func connect(to address: String) throws(DatabaseError) -> Endpoint

    /// Asks why an outgoing link does not connect. The answer, if there is one, arrives as
    /// ``Inbound/unreachable(_:_:)`` a moment later; what is found after a failed try arrives
    /// without being asked for.
    func inspect(_ endpoint: Endpoint)

    /// Ends an outgoing link and drops what it still holds. Does nothing for any other endpoint.
    func disconnect(_ endpoint: Endpoint)

    /// Ends everything; what was not sent yet is dropped. Calling it again does nothing.
    func close()
}

extension Transport {
    /// For a transport whose links always connect.
    package func inspect(_ endpoint: Endpoint) {}
}

/// One arrival.
package enum Inbound: Hashable, Sendable {
    case message(from: Endpoint, Envelope)
    /// Something that is not a message of this protocol. The error may be sent to the endpoint.
    case malformed(from: Endpoint, DatabaseError)
    /// The connection of an outgoing link broke: its process ended, or the network did. What was
    /// sent and is not answered may be lost; the link connects again by itself. Comes after all
    /// that arrived before the break, and only mostly: a host that vanishes says nothing.
    case broken(Endpoint)
    /// An outgoing link does not connect, and why: `.endpointUnreachable` with words for people. It
    /// goes on trying; told again, ever more rarely, while it fails.
    case unreachable(Endpoint, DatabaseError)
    /// The process at the address of an outgoing link speaks the language of this transport, and
    /// that is all that is known of it. Told to the caller of ``Transport/inspect(_:)``.
    case silent(Endpoint)

    package var endpoint: Endpoint {
        switch self {
        case .message(let endpoint, _), .malformed(let endpoint, _), .broken(let endpoint),
            .unreachable(let endpoint, _), .silent(let endpoint):
            endpoint
        }
    }
}

/// What became of an envelope given to ``Transport/send(_:to:)``.
package enum SendResult: Hashable, Sendable {
    /// Taken for sending. It may still be lost.
    case queued
    /// The client is gone, or the link was ended. No client will ever get it.
    case unroutable
    /// The endpoint's queue is full. Dropped: do not try again at once, the receiver is slow.
    case backlogged
    /// The payload is longer than `Limits.frameBytesMax`. Dropped: no receiver would take it.
    case oversized
}

/// Totals since the transport was made.
package struct TransportStatistics: Hashable, Sendable {
    package var messagesIn: UInt64 = 0
    package var messagesOut: UInt64 = 0
    /// Bytes of headers and payloads; routing frames and framing do not count.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Arrivals that were not messages of this protocol.
    package var malformed: UInt64 = 0
    /// Envelopes that ``Transport/send(_:to:)`` did not take.
    package var dropped: UInt64 = 0
    /// How often it stopped listening for a while, because no descriptor was left for another
    /// connection.
    package var listenPauses: UInt64 = 0

    package init() {}
}

/// Ends the wait of one event loop, from any thread, also after the loop is gone.
package struct Waker: Sendable {
    private let action: @Sendable () -> Void

    package init(_ action: @escaping @Sendable () -> Void) { self.action = action }

    /// Makes the current or else the next ``Transport/receive(timeout:)`` return without waiting.
    /// Several calls before that count as one.
    package func wake() { action() }
}
