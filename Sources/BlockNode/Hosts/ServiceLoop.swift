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

    /// Requests whose answer somebody waits for.
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
    /// - Parameter isStopRequested: Asked after every wait; whoever makes it true also wakes the
    ///   transport.
    /// - Throws: What a turn threw, or the transport: the process must end, and answers nobody.
    package func run(isStopRequested: () -> Bool) throws {
        let port = service.port
        var drainEnd: Instant?
        var listenPauses: UInt64 = 0
        while true {
            let before = environment.now()
            if isStopRequested(), drainEnd == nil {
                port.logger.notice(
                    "stopping", metadata: ["unanswered": "\(service.unansweredCount)"])
                drainEnd = before.advanced(by: Limits.drainTimeMax)
                service.beginDrain(now: before)
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
        }
        service.endDrain()
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

    var count: Int { entries.count }

    /// - Parameter byteCount: Of the request, as it came.
    /// - Returns: The token of a new request.
    /// - Throws: `.overloaded`, `.shuttingDown`.
    mutating func add(
        _ caller: Caller, byteCount: Int, changesState: Bool, isPatient: Bool = false
    ) throws(DatabaseError) -> UInt64 {
        guard !isDraining else {
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
        entries[lastToken] = Entry(
            caller: caller, changesState: changesState, isPatient: isPatient, bytes: bytes)
        return lastToken
    }

    /// The caller to answer; nil when it was answered already.
    mutating func take(_ token: UInt64) -> Entry? {
        guard let entry = entries.removeValue(forKey: token) else { return nil }
        budget.remove(entry.bytes, for: entry.caller.endpoint)
        return entry
    }

    /// Lets nobody in any more. - Returns: The patient callers, in the order they came.
    mutating func beginDrain() -> [(Caller, DatabaseError)] {
        isDraining = true
        return takeAll { $0.isPatient }
    }

    /// Everybody who is left.
    mutating func endDrain() -> [(Caller, DatabaseError)] { takeAll { _ in true } }

    private mutating func takeAll(where isTaken: (Entry) -> Bool) -> [(Caller, DatabaseError)] {
        let taken = entries.filter { isTaken($0.value) }.sorted { $0.key < $1.key }
        for (token, _) in taken { _ = take(token) }
        return taken.map { _, entry in
            let error = DatabaseError(.shuttingDown, "this service stopped before it could answer")
            return (entry.caller, entry.changesState ? error.asUnknown : error)
        }
    }
}
