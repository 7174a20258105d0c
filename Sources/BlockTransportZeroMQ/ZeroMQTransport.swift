import BlockRuntime
import BlockTransport
import CLinux
import CZeroMQ
import Glibc

/// The ``Transport`` over libzmq: a ROUTER where others connect, a DEALER for each outgoing link.
///
/// Addresses are libzmq's: `tcp://host:port`, `ipc://path`. When listening, the host may be `*` for
/// every interface and the port `*` for a free one.
package final class ZeroMQTransport: Transport {
    package let boundAddress: String?
    package let waker: Waker
    package private(set) var statistics = TransportStatistics()

    private let context: ZeroMQContext
    private let wakeSignal: WakeSignal
    private let notices: ZeroMQNotices
    private let router: ZeroMQSocket?
    private var links: [Int: ZeroMQSocket] = [:]
    /// One for each link, and the number of the link that each item after the sockets is about.
    private var monitors: [Int: ZeroMQMonitor] = [:]
    private var monitored: [Int] = []
    private var linkNumbers: [String: Int] = [:]
    /// How often each link failed to connect since it last did, and the links looked at now.
    private var failureCounts: [Int: Int] = [:]
    private var inspected: Set<Int> = []
    /// Links whose owner asked who is there.
    private var isAsked: Set<Int> = []
    /// Of the router.
    private let listenerMonitor: ZeroMQMonitor?
    /// Whether connections are taken: not while there is no descriptor for them.
    private var isListening: Bool
    private var nextLink = 0
    /// What is waited for: the wake signal, then the sockets in the order of ``sockets``.
    private var pollItems: [zmq_pollitem_t] = []
    private var sockets: [ZeroMQSocket] = []
    /// Which socket comes first in the next call of ``receive(timeout:)``.
    private var firstTurn = 0
    /// Every frame is received into this one: a zmq_msg_t must not move, so it lives on the heap.
    private let frame: UnsafeMutablePointer<zmq_msg_t>
    private var isClosed = false
    /// What all sockets have not sent yet.
    private let allSent: SendMeter
    private let clock = Environment.live()

    /// - Parameters:
    ///   - context: Shared with other transports of the process, or nil for an own one.
    ///   - address: Where to listen; nil to connect only.
    /// - Throws: `.addressInUse` and `.configurationInvalid` naming the address; `.ioFailed` when
    ///   the system has no descriptors left.
    package init(
        context: ZeroMQContext? = nil, address: String? = nil
    ) throws(DatabaseError) {
        let context = if let context { context } else { try ZeroMQContext() }
        let wakeSignal = try WakeSignal()
        let allSent = SendMeter()
        var router: ZeroMQSocket?
        var listenerMonitor: ZeroMQMonitor?
        var boundAddress: String?
        if let address {
            let socket = try ZeroMQSocket(context: context, link: nil, allSent: allSent)
            do throws(DatabaseError) {
                listenerMonitor = try ZeroMQMonitor(of: socket, as: .listener, context: context)
                boundAddress = try socket.bind(to: address)
            } catch {
                listenerMonitor?.close()
                socket.close()
                throw error
            }
            router = socket
        }
        self.context = context
        self.allSent = allSent
        self.wakeSignal = wakeSignal
        notices = ZeroMQNotices(wakeSignal: wakeSignal)
        self.router = router
        self.listenerMonitor = listenerMonitor
        isListening = router != nil
        self.boundAddress = boundAddress
        waker = Waker { wakeSignal.raise() }
        frame = .allocate(capacity: 1)
        zmq_msg_init(frame)
        rebuildPollItems()
    }

    deinit {
        close()
        zmq_msg_close(frame)
        frame.deallocate()
    }

    package func receive(timeout: Duration?) throws(DatabaseError) -> [Inbound] {
        try checkOpen()
        let end = timeout.map { clock.now().advanced(by: $0) }
        var left = timeout
        while true {
            guard try wait(timeout: left) > 0 else { return [] }
            let isWoken = pollItems[0].revents != 0
            if isWoken { wakeSignal.clear() }
            let isRead = sockets.indices.contains { pollItems[$0 + 1].revents != 0 }
            // Looked at first and told last: what arrived before a break is read before it is told.
            let told = takeChanges() + takeNotices()
            let arrivals = takeArrivals() + told
            if isWoken || isRead || !arrivals.isEmpty { return arrivals }
            // A connection was made, or failed again: the caller need not know.
            left = end.map { $0.since(clock.now()) }
        }
    }

    package func send(_ envelope: Envelope, to endpoint: Endpoint) -> SendResult {
        let result = attemptSend(envelope, to: endpoint)
        if result == .queued {
            statistics.messagesOut += 1
            statistics.bytesOut += UInt64(envelope.byteCount)
        } else {
            statistics.dropped += 1
        }
        return result
    }

    private func attemptSend(_ envelope: Envelope, to endpoint: Endpoint) -> SendResult {
        guard envelope.isWithinLimits else { return .oversized }
        guard !isClosed else { return .unroutable }
        switch endpoint {
        case .route(let route): return router?.send(envelope, to: route) ?? .unroutable
        case .link(let number): return links[number]?.send(envelope, to: nil) ?? .unroutable
        }
    }

    package func backlogBytes(to endpoint: Endpoint) -> Int {
        guard !isClosed else { return 0 }
        return switch endpoint {
        case .route(let route): router?.backlogBytes(to: route) ?? 0
        case .link(let number): links[number]?.backlogBytes(to: nil) ?? 0
        }
    }

    package func connect(to address: String) throws(DatabaseError) -> Endpoint {
        try checkOpen()
        if let number = linkNumbers[address] { return .link(number) }
        guard links.count < Limits.linkCountMax else { throw LinkLimit.error(address: address) }
        let number = nextLink
        let socket = try ZeroMQSocket(
            context: context, link: .link(number), allSent: allSent)
        do throws(DatabaseError) {
            monitors[number] = try ZeroMQMonitor(of: socket, as: .link, context: context)
            try socket.connect(to: address)
        } catch {
            monitors.removeValue(forKey: number)?.close()
            socket.close()
            throw error
        }
        nextLink += 1
        links[number] = socket
        linkNumbers[address] = number
        rebuildPollItems()
        return .link(number)
    }

    package func disconnect(_ endpoint: Endpoint) {
        guard !isClosed, case .link(let number) = endpoint,
            let socket = links.removeValue(forKey: number)
        else { return }
        linkNumbers = linkNumbers.filter { $0.value != number }
        failureCounts[number] = nil
        monitors.removeValue(forKey: number)?.close()
        socket.abandon()
        rebuildPollItems()
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        for monitor in monitors.values { monitor.close() }
        listenerMonitor?.close()
        for socket in sockets { socket.close() }
        sockets = []
        monitors = [:]
        links = [:]
        pollItems = []
    }

    private func checkOpen() throws(DatabaseError) {
        guard isClosed else { return }
        throw DatabaseError(.shuttingDown, "this transport is closed")
    }
}

// MARK: Waiting and taking

extension ZeroMQTransport {
    private func rebuildPollItems() {
        sockets = (router.map { [$0] } ?? [])
        sockets += links.sorted { $0.key < $1.key }.map(\.value)
        let readable = Int16(ZMQ_POLLIN)
        pollItems = [
            zmq_pollitem_t(socket: nil, fd: wakeSignal.descriptor, events: readable, revents: 0)
        ]
        // Only readability is waited for: a socket under back-pressure would otherwise be
        // reported, or spun on, for as long as its receiver is slow.
        pollItems += sockets.map {
            zmq_pollitem_t(socket: $0.handle, fd: 0, events: readable, revents: 0)
        }
        monitored = links.keys.sorted()
        pollItems += monitored.compactMap { monitors[$0] }.map {
            zmq_pollitem_t(socket: nil, fd: $0.descriptor, events: readable, revents: 0)
        }
        if let listenerMonitor {
            pollItems.append(
                zmq_pollitem_t(
                    socket: nil, fd: listenerMonitor.descriptor, events: readable, revents: 0))
        }
    }

    /// The links whose connections broke since the last call. Begins to look at those that fail.
    private func takeChanges() -> [Inbound] {
        if let listenerMonitor, pollItems[pollItems.count - 1].revents != 0 {
            if listenerMonitor.takeChanges(frame).lacksDescriptors { pauseListening() }
        }
        return monitored.indices.compactMap { index in
            let link = monitored[index]
            guard pollItems[1 + sockets.count + index].revents != 0,
                let changes = monitors[link]?.takeChanges(frame)
            else { return nil }
            if changes.hasConnected { failureCounts[link] = nil }
            if changes.hasFailed { noteFailure(of: link) }
            return changes.hasEnded ? .broken(.link(link)) : nil
        }
    }

    /// Looks at the first, second, fourth … failure: a link tries again about once a second.
    private func noteFailure(of link: Int) {
        let count = failureCounts[link, default: 0] + 1
        failureCounts[link] = count
        if count & (count - 1) == 0 { look(at: link) }
    }

    package func inspect(_ endpoint: Endpoint) {
        guard case .link(let link) = endpoint else { return }
        isAsked.insert(link)
        look(at: link)
    }

    private func look(at link: Int) {
        guard !isClosed, !inspected.contains(link),
            let address = linkNumbers.first(where: { $0.value == link })?.key
        else { return }
        if notices.inspect(address, link: link) { inspected.insert(link) }
    }

    private func takeNotices() -> [Inbound] {
        var inbound: [Inbound] = []
        for notice in notices.take() {
            switch notice {
            case .listen: resumeListening()
            case .inspected(let link, let finding):
                inspected.remove(link)
                let isAsked = isAsked.remove(link) != nil
                guard links[link] != nil else { continue }
                switch finding {
                case .nothing: break
                case .peer: if isAsked { inbound.append(.silent(.link(link))) }
                case .problem(let words):
                    let error = DatabaseError(.endpointUnreachable, words)
                    inbound.append(.unreachable(.link(link), error))
                }
            }
        }
        return inbound
    }

    /// A listener that cannot take the connection that waits would try it again without end.
    private func pauseListening() {
        guard isListening, let router, let boundAddress else { return }
        isListening = false
        statistics.listenPauses += 1
        router.unbind(from: boundAddress)
        notices.listenLater()
    }

    private func resumeListening() {
        guard !isClosed, !isListening, let router, let boundAddress else { return }
        isListening = (try? router.bind(to: boundAddress)) != nil
        // Its own descriptor may be missing, or the old one not yet given back.
        if !isListening { notices.listenLater() }
    }

    /// - Returns: How many poll items are ready; zero after a timeout or a signal.
    private func wait(timeout: Duration?) throws(DatabaseError) -> Int {
        // Rounded up: a loop with half a millisecond to wait must not spin through it.
        let milliseconds = timeout.map { duration in
            let nanoseconds = max(0, duration.nanoseconds)
            return Int(nanoseconds / 1_000_000) + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        }
        let count = pollItems.withUnsafeMutableBufferPointer {
            zmq_poll($0.baseAddress, Int32($0.count), milliseconds ?? -1)
        }
        guard count < 0 else { return Int(count) }
        guard zmq_errno() == EINTR else {
            throw ZeroMQFailure.current("cannot wait for messages", or: .ioFailed)
        }
        return 0
    }

    private func takeArrivals() -> [Inbound] {
        let order = sockets.indices.map { (firstTurn + $0) % sockets.count }
        var ready = order.filter { pollItems[$0 + 1].revents != 0 }
        var arrivals: [Inbound] = []
        var byteBudget = Limits.receiveBytesMax
        var dropBudget = Limits.droppedFrameCountMax
        while !ready.isEmpty {
            var unfinished: [Int] = []
            for index in ready {
                let hasMore = takeTurn(of: sockets[index], &arrivals, &byteBudget, &dropBudget)
                if hasMore { unfinished.append(index) }
                guard !Self.isFull(arrivals, byteBudget) else {
                    // Those that had no turn now have theirs first in the next call.
                    firstTurn = (index + 1) % sockets.count
                    return arrivals
                }
            }
            ready = unfinished
        }
        return arrivals
    }

    /// - Returns: Whether the socket may have more that this call could still take.
    private func takeTurn(
        of socket: ZeroMQSocket, _ arrivals: inout [Inbound], _ byteBudget: inout Int,
        _ dropBudget: inout Int
    ) -> Bool {
        for _ in 0..<Limits.receiveTurnCountMax where !Self.isFull(arrivals, byteBudget) {
            switch socket.next(frame, dropBudget: &dropBudget) {
            case .nothing, .unfinished: return false
            case .arrived(let inbound, let byteCount):
                record(inbound, byteCount: byteCount)
                byteBudget -= byteCount
                arrivals.append(inbound)
            }
        }
        return true
    }

    private static func isFull(_ arrivals: [Inbound], _ byteBudget: Int) -> Bool {
        arrivals.count >= Limits.receiveMessageCountMax || byteBudget <= 0
    }

    private func record(_ inbound: Inbound, byteCount: Int) {
        statistics.bytesIn += UInt64(byteCount)
        switch inbound {
        case .message: statistics.messagesIn += 1
        case .malformed: statistics.malformed += 1
        case .broken, .unreachable, .silent: invariant(false, "a socket reads messages only")
        }
    }
}

/// A descriptor that ends the wait of a poll, from any thread.
final class WakeSignal: Sendable {
    let descriptor: Int32

    init() throws(DatabaseError) {
        descriptor = linux_eventfd()
        guard descriptor >= 0 else {
            throw DatabaseError(
                .ioFailed,
                "cannot make an eventfd (\(errno)); raise the limit of open files (ulimit -n)")
        }
    }

    // The waker keeps this object: the number cannot become another file's while a thread may still
    // write to it.
    deinit { Glibc.close(descriptor) }

    func raise() {
        let status = linux_eventfd_signal(descriptor)
        invariant(status == 0, "cannot write to an eventfd: \(errno)")
    }

    func clear() {
        let status = linux_eventfd_clear(descriptor)
        invariant(status >= 0, "cannot read an eventfd: \(errno)")
    }
}
