import BlockRuntime
import Glibc
import Synchronization

/// The event loop of a relay: sockets in, sockets out. Lives on one thread.
final class RelayLoop {
    /// Longest wait of `poll`: how late a condition that has changed may take effect.
    private static let waitMax = Duration.milliseconds(5)
    private static let readBytesMax = 64 * 1024

    private let listeners: [(route: Relay.Route, socket: RelaySocket)]
    private let relay: Relay
    private let environment: Environment
    private var generator: SeededGenerator
    private var connections: [RelayConnection] = []
    private var conditions: [Link: LinkCondition] = [:]
    private var counts = Relay.Counts()
    private var buffer = Bytes(repeating: 0, count: readBytesMax)

    init(
        _ listeners: [(Relay.Route, RelaySocket)], relay: Relay, environment: Environment,
        generator: SeededGenerator
    ) {
        self.listeners = listeners
        self.relay = relay
        self.environment = environment
        self.generator = generator
    }

    func run() {
        while takeOrders() {
            wait()
            for (route, listener) in listeners {
                while let source = listener.accepted() { welcome(source, route) }
            }
            let now = environment.now()
            for connection in connections { carry(connection, now) }
            connections.removeAll(where: \.isOver)
        }
        for connection in connections { connection.abort() }
        for (_, listener) in listeners { listener.close() }
        relay.state.withLock { $0.isClosed = true }
    }

    private func condition(of link: Link) -> LinkCondition { conditions[link] ?? .healthy }

    /// - Returns: Whether to go on.
    private func takeOrders() -> Bool {
        counts.droppedMessages += connections.reduce(0) { $0 + $1.takeDroppedCount() }
        let (resets, goesOn) = relay.state.withLock { state in
            conditions = state.conditions
            state.counts = counts
            defer { state.resets = [] }
            return (state.resets, !state.isClosing)
        }
        for connection in connections {
            let condition = condition(of: connection.link)
            if resets.contains(connection.link) {
                connection.abort()
                counts.resetConnections += 1
            } else if condition.isHalfOpen, !connection.isHalfOpen {
                connection.loseTarget()
                counts.halfOpenConnections += 1
            } else if !condition.isHalfOpen, connection.isHalfOpen {
                connection.abort()
            }
        }
        connections.removeAll(where: \.isOver)
        return goesOn
    }

    private func wait() {
        var polled = listeners.map {
            pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0)
        }
        let now = environment.now()
        var timeout = RelayLoop.waitMax
        for connection in connections {
            polled += connection.polled(at: now, condition(of: connection.link))
            if let next = connection.nextRelease, next > now {
                timeout = min(timeout, next.since(now))
            }
        }
        // Rounded up: a wait of no milliseconds would be no wait.
        poll(&polled, nfds_t(polled.count), Int32(clamping: timeout.milliseconds + 1))
    }

    private func welcome(_ source: RelaySocket, _ route: Relay.Route) {
        counts.connections += 1
        if condition(of: route.link).isHalfOpen {
            // Taken, and never answered.
            counts.halfOpenConnections += 1
            connections.append(RelayConnection(link: route.link, source: source, target: nil))
        } else if let target = try? RelaySocket.connecting(to: route.targetPort) {
            connections.append(RelayConnection(link: route.link, source: source, target: target))
        } else {
            source.abort()
        }
    }

    private func carry(_ connection: RelayConnection, _ now: Instant) {
        counts.relayedBytes += connection.carry(
            at: now, condition(of: connection.link), using: &generator, buffer: &buffer)
    }
}

/// One connection that is relayed.
final class RelayConnection {
    let link: Link
    private let source: RelaySocket
    private var target: RelaySocket?
    private var isConnecting: Bool
    private(set) var isHalfOpen = false
    private(set) var isOver = false
    private var requests = RelayPipe()
    private var replies = RelayPipe()
    private var countedDrops = 0

    /// - Parameter target: nil: no target answers the source.
    init(link: Link, source: RelaySocket, target: RelaySocket?) {
        self.link = link
        self.source = source
        self.target = target
        isHalfOpen = target == nil
        isConnecting = target != nil
    }

    /// Messages left out since it was asked last.
    func takeDroppedCount() -> Int {
        let count = requests.droppedMessageCount + replies.droppedMessageCount
        defer { countedDrops = count }
        return count - countedDrops
    }

    func abort() {
        source.abort()
        target?.abort()
        isOver = true
    }

    /// Both sides are told that the other has ended; what was written still arrives.
    private func end() {
        source.close()
        target?.close()
        isOver = true
    }

    /// The target's end breaks and the source is not told.
    func loseTarget() {
        target?.abort()
        target = nil
        isHalfOpen = true
    }

    var nextRelease: Instant? {
        [requests.nextRelease, replies.nextRelease].compactMap { $0 }.min()
    }

    func polled(at now: Instant, _ condition: LinkCondition) -> [pollfd] {
        func entry(_ socket: RelaySocket, reads: Bool, writes: Bool) -> pollfd? {
            // Without a wish it is not polled at all: an error would end every wait at once.
            guard reads || writes else { return nil }
            let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
            return pollfd(fd: socket.descriptor, events: Int16(events), revents: 0)
        }
        guard let target else {
            return [entry(source, reads: true, writes: false)].compactMap { $0 }
        }
        if isConnecting {
            return [entry(target, reads: false, writes: true)].compactMap { $0 }
        }
        let asks = !condition.holdsRequests
        let answers = !condition.holdsReplies
        return [
            entry(
                source, reads: asks && requests.room > 0,
                writes: answers && replies.due(at: now) != nil),
            entry(
                target, reads: answers && replies.room > 0,
                writes: asks && requests.due(at: now) != nil),
        ].compactMap { $0 }
    }

    /// Moves what can be moved.
    /// - Returns: Bytes written.
    func carry(
        at now: Instant, _ condition: LinkCondition, using generator: inout SeededGenerator,
        buffer: inout Bytes
    ) -> Int {
        guard !isOver else { return 0 }
        guard let target else {
            discard(&buffer)
            return 0
        }
        if isConnecting, !finishConnecting(target) { return 0 }
        var count = 0
        if !condition.holdsRequests {
            count += RelayConnection.move(
                from: source, through: &requests, to: target, at: now, condition, &generator,
                &buffer, &isOver)
        }
        if !isOver, !condition.holdsReplies {
            count += RelayConnection.move(
                from: target, through: &replies, to: source, at: now, condition, &generator,
                &buffer, &isOver)
        }
        if isOver { end() }
        return count
    }

    private func finishConnecting(_ target: RelaySocket) -> Bool {
        var entry = pollfd(fd: target.descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 0) == 1 else { return false }
        isConnecting = false
        guard target.connectError == 0 else {
            // No process listens: the source is told as if it had asked the target itself.
            abort()
            return false
        }
        return true
    }

    /// Takes what the source sends, and forgets it.
    private func discard(_ buffer: inout Bytes) {
        while true {
            switch source.read(into: &buffer, countMax: buffer.count) {
            case .bytes: continue
            case .nothing: return
            case .ended: return abort()
            }
        }
    }

    private static func move(
        from source: RelaySocket, through pipe: inout RelayPipe, to target: RelaySocket,
        at now: Instant, _ condition: LinkCondition, _ generator: inout SeededGenerator,
        _ buffer: inout Bytes, _ isOver: inout Bool
    ) -> Int {
        var hasEnded = false
        reading: while pipe.room > 0 {
            switch source.read(into: &buffer, countMax: pipe.room) {
            case .bytes(let count):
                pipe.take(Bytes(buffer.prefix(count)), at: now, condition, using: &generator)
            case .nothing: break reading
            case .ended:
                hasEnded = true
                break reading
            }
        }
        var written = 0
        writing: while let due = pipe.due(at: now) {
            switch target.write(due) {
            case .bytes(let count):
                pipe.wrote(count)
                written += count
            case .nothing: break writing
            case .ended:
                hasEnded = true
                break writing
            }
        }
        // What was read before the end and is not due, or finds no room, is lost with it.
        if hasEnded { isOver = true }
        return written
    }
}
