import BlockModel
import BlockRuntime
import BlockTransport
import Logging

/// One of the three services, as its loop sees it. For one thread.
package protocol Service: AnyObject {
    var port: ServicePort { get }

    /// Serves what arrived and whatever is due at `now`, and sends what follows from it.
    /// - Throws: What ends the process.
    func turn(_ arrivals: [Inbound], now: Instant) throws

    /// What is left to do once all that a turn sent has left; called after every turn.
    /// - Throws: As ``turn(_:now:)``.
    func afterTurn(now: Instant) throws

    /// When ``turn(_:now:)`` has something to do although nothing arrives; nil: never.
    var nextWake: Instant? { get }

    /// Requests whose answer a caller waits for.
    var unansweredCount: Int { get }

    /// From now on requests are refused with `.shuttingDown`; those under way go on.
    func beginDrain(now: Instant)

    /// Answers what is left with what is known about it.
    func endDrain()

    /// Stops the process unless the parts of this service agree with each other. Called after each
    /// turn in tests and simulations.
    func checkInvariants()
}

extension Service {
    package func afterTurn(now: Instant) throws {}
}

/// The skeleton of the three services: wait, take everything that arrived, serve it, send; and when
/// asked to stop, finish what is under way.
package struct ServiceLoop {
    private let service: any Service
    private let environment: Environment

    package init(_ service: any Service, environment: Environment) {
        self.service = service
        self.environment = environment
    }

    /// Runs until it is asked to stop and everything is answered, ``Limits/drainTimeMax`` at most.
    ///
    /// - Parameter isStopRequested: Asked after every wait; the caller that makes it true also
    ///   wakes the transport.
    /// - Throws: What a turn threw, or the transport: the process must end, and answers no request.
    package func run(isStopRequested: () -> Bool) throws {
        let port = service.port
        var drainEnd: Instant?
        var owed = 0
        var listenPauses: UInt64 = 0
        while true {
            let before = environment.now()
            if isStopRequested(), drainEnd == nil {
                port.logger.notice(
                    "stopping", metadata: ["unanswered": "\(service.unansweredCount)"])
                drainEnd = before.advanced(by: Limits.drainTimeMax)
                service.beginDrain(now: before)
                owed = service.unansweredCount
            }
            if let drainEnd, service.unansweredCount == 0 || before >= drainEnd { break }
            let wakes = [service.nextWake, drainEnd].compactMap { $0 }
            let timeout = wakes.min().map { $0.since(before) }
            let arrivals = try port.transport.receive(timeout: timeout)
            if port.transport.statistics.listenPauses != listenPauses {
                listenPauses = port.transport.statistics.listenPauses
                port.logger.error(
                    "no descriptor is left for another connection; raise the limit (ulimit -n)",
                    metadata: ["count": "\(listenPauses)"])
            }
            try service.turn(arrivals, now: environment.now())
            try service.afterTurn(now: environment.now())
            invariant(
                drainEnd == nil || service.unansweredCount <= owed,
                "a service that stops let somebody in")
        }
        service.endDrain()
        invariant(service.unansweredCount == 0, "a service that stopped owes an answer")
        port.logger.notice("drained", metadata: counters(of: port))
    }

    private func counters(of port: ServicePort) -> Logger.Metadata {
        let statistics = port.transport.statistics
        var metadata: Logger.Metadata = [
            "messages.in": "\(statistics.messagesIn)", "messages.out": "\(statistics.messagesOut)",
            "bytes.in": "\(statistics.bytesIn)", "bytes.out": "\(statistics.bytesOut)",
        ]
        for trouble in MessageTrouble.allCases {
            guard let count = port.troubles[trouble] else { continue }
            metadata["trouble.\(trouble.rawValue)"] = "\(count)"
        }
        return metadata
    }
}

/// The callers whose answers a service owes, by the token its machine knows them by.
struct CallerTable {
    struct Entry {
        let caller: Caller
        /// Whether the request may have changed something by now.
        let changesState: Bool
        /// Whether it may wait long for something to happen, and so is not worth a drain.
        let isPatient: Bool
        /// What it is counted as.
        let bytes: Int
    }

    private var entries: [UInt64: Entry] = [:]
    /// What the requests under way take, by connection.
    private var budget: ByteBudget<Endpoint>
    private var lastToken: UInt64 = 0
    private(set) var isDraining = false

    /// - Parameter ofEach: What one connection may have under way.
    init(ofEach: ByteBudget<Endpoint>.Bound) {
        budget = ByteBudget(
            "requests under way", ofEach: ofEach,
            ofAll: .init("requestBytesMax", Limits.requestBytesMax))
    }

    /// Stops the process unless the bytes counted are those of the requests under way.
    /// - Complexity: O(requests under way).
    func checkInvariants() {
        budget.checkInvariants()
        let sum = entries.values.reduce(0) { $0 + $1.bytes }
        invariant(sum == budget.total, "\(sum) bytes are under way, \(budget.total) counted")
        invariant(
            entries.keys.allSatisfy { $0 <= lastToken }, "a caller has a token of the future")
    }

    var count: Int { entries.count }

    /// - Parameter byteCount: Of the request, as it came.
    /// - Returns: The token of a new request.
    /// - Throws: `.overloaded`, `.shuttingDown`.
    mutating func add(
        _ caller: Caller, byteCount: Int, changesState: Bool, isPatient: Bool = false
    ) throws(DatabaseError) -> UInt64 {
        invariant(byteCount >= 0, "a request of \(byteCount) bytes")
        guard !isDraining || planted(.drainTakesRequests) else {
            throw DatabaseError(.shuttingDown, "this service is stopping")
        }
        guard entries.count < Limits.requestCountMax else {
            throw DatabaseError(
                .overloaded,
                "\(entries.count) requests under way, requestCountMax = \(Limits.requestCountMax)",
                retryAfter: RetryTiming.afterFullTable)
        }
        let bytes = byteCount + Limits.requestOverheadBytes
        if let refusal = budget.refusal(of: bytes, for: caller.endpoint) { throw refusal }
        budget.add(bytes, for: caller.endpoint)
        lastToken += 1
        let entry = Entry(
            caller: caller, changesState: changesState, isPatient: isPatient, bytes: bytes)
        let other = entries.updateValue(entry, forKey: lastToken)
        invariant(other == nil, "two callers have token \(lastToken)")
        return lastToken
    }

    /// The caller to answer; nil when that was told that this service stops.
    mutating func take(_ token: UInt64) -> Entry? {
        invariant(token > 0 && token <= lastToken, "token \(token) was never given out")
        guard let entry = entries.removeValue(forKey: token) else {
            invariant(isDraining, "the request \(token) is answered twice")
            return nil
        }
        budget.remove(entry.bytes, for: entry.caller.endpoint)
        invariant(!entries.isEmpty || budget.total == 0, "bytes of requests that are answered")
        if planted(.callersMixedUp), let other = entries.min(by: { $0.key < $1.key }) {
            return other.value
        }
        return entry
    }

    /// Takes no caller any more. - Returns: The patient callers, in the order they came.
    mutating func beginDrain() -> [(Caller, DatabaseError)] {
        invariant(!isDraining, "a drain begins twice")
        isDraining = true
        return takeAll { $0.isPatient }
    }

    /// The callers that are left.
    mutating func endDrain() -> [(Caller, DatabaseError)] {
        invariant(isDraining, "a drain ends that was not begun")
        let left = takeAll { _ in true }
        invariant(entries.isEmpty && budget.total == 0, "a caller is left after the drain")
        return left
    }

    private mutating func takeAll(where isTaken: (Entry) -> Bool) -> [(Caller, DatabaseError)] {
        let taken = entries.filter { isTaken($0.value) }.sorted { $0.key < $1.key }
        for (token, _) in taken { _ = take(token) }
        return taken.map { _, entry in
            let error = DatabaseError(.shuttingDown, "this service stopped before it could answer")
            let isInDoubt = entry.changesState && !planted(.drainToldAsFailure)
            return (entry.caller, isInDoubt ? error.asUnknown : error)
        }
    }
}
