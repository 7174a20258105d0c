import BlockModel
import BlockRuntime
import OptimysticClient
import Testing

/// A session among proxies that lose, delay and repeat messages, go down and come back, and fail in
/// every way, over one shared diary that lands each action once.
private struct HostileWorld {
    enum Event {
        case arrival(proxy: Int, id: UInt64, ClientRequest)
        case reply(id: UInt64, ClientReply)
        case start(UInt64)
        case outage(proxy: Int, isDown: Bool)
        case tick
    }

    struct Operation {
        let request: ClientRequest
        let deadline: Instant
    }

    var generator: SeededGenerator
    var session: ClientSession
    var events = TimerQueue<Int>()
    var pending: [Event] = []
    var now = Instant.origin
    var isDown: [Bool]
    var log: [ActionID: LogPosition] = [:]
    var operations: [UInt64: Operation] = [:]
    var resolutions: [UInt64: ClientReply] = [:]
    /// How hostile this world is, per thousand.
    let lossRate: Int
    let failureRate: Int
    var problems: [String] = []

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        let proxyCount = 1 + generator.below(4)
        isDown = Array(repeating: false, count: proxyCount)
        lossRate = generator.below(400)
        failureRate = generator.below(600)
        session = ClientSession(
            addresses: (0..<proxyCount).map { "tcp://p\($0):1" }, clusterName: "demo",
            generator: generator.fork())
    }

    mutating func schedule(_ event: Event, after delay: Duration) {
        pending.append(event)
        events.insert(pending.count - 1, at: now.advanced(by: delay))
    }

    /// Mostly a few milliseconds, sometimes longer than any try.
    mutating func latency() -> Duration {
        .milliseconds(generator.chance(1, in: 20) ? generator.below(8000) : 1 + generator.below(30))
    }

    mutating func run() {
        for token in 1...40 as ClosedRange<UInt64> {
            schedule(.start(token), after: .milliseconds(generator.below(20_000)))
        }
        for proxy in isDown.indices {
            for _ in 0..<3 {
                let down = Duration.milliseconds(generator.below(15_000))
                schedule(.outage(proxy: proxy, isDown: true), after: down)
                let length = Duration.milliseconds(generator.below(8000))
                schedule(.outage(proxy: proxy, isDown: false), after: down + length)
            }
        }
        // The host ticks no later than the session asks; the network's events come when they come.
        while true {
            let wake = session.nextWake
            if let next = events.next, next <= wake ?? .distantFuture {
                guard let (index, instant) = events.popDue(at: next) else { return }
                now = max(now, instant)
                handle(pending[index])
            } else if let wake {
                now = max(now, wake)
                feed(.tick)
            } else {
                return
            }
        }
    }

    mutating func handle(_ event: Event) {
        switch event {
        case .start(let token): start(token)
        case .outage(let proxy, let isDown): self.isDown[proxy] = isDown
        case .reply(let id, let reply): feed(.reply(id: id, reply))
        case .tick: feed(.tick)
        case .arrival(let proxy, let id, let request):
            guard !isDown[proxy] else { return }
            let reply = answer(request)
            // Replies are lost, late, and sometimes come twice.
            for _ in 0..<(generator.chance(1, in: 10) ? 2 : 1) {
                guard !generator.chance(lossRate, in: 1000) else { continue }
                schedule(.reply(id: id, reply), after: latency())
            }
        }
    }

    mutating func start(_ token: UInt64) {
        let request: ClientRequest =
            switch generator.below(4) {
            case 0: SessionHarness.read
            case 1: SessionHarness.drop
            default: SessionHarness.append(token)
            }
        let time = Duration.milliseconds(1 + generator.below(10_000))
        operations[token] = Operation(request: request, deadline: now.advanced(by: time))
        feed(.request(token, request, deadline: now.advanced(by: time)))
    }

    mutating func answer(_ request: ClientRequest) -> ClientReply {
        if case .hello = request { return .welcome(SessionHarness.welcome()) }
        let fails = generator.chance(failureRate, in: 1000)
        let codes: [ErrorCode] = [
            .overloaded, .shuttingDown, .quorumUnavailable, .deadlineExceeded, .wrongEpoch,
            .collectionNotFound, .endpointUnreachable,
        ]
        if fails, generator.chance(2, in: 3) {
            let code = codes[generator.below(codes.count)]
            let after = code == .overloaded ? Duration.milliseconds(generator.below(3000)) : nil
            return .failed(DatabaseError(code, "injected", retryAfter: after))
        }
        guard case .act(let append) = request else {
            if case .dropCollection = request { return .dropped }
            return .diaryPage(DiaryPage(entries: [], asOf: .zero, isLast: true))
        }
        let next = LogPosition(revision: Revision(UInt64(log.count + 1)), index: 0)
        let position = log[append.action] ?? next
        log[append.action] = position
        // It landed, and the client is told that nobody knows.
        if fails {
            return .failed(DatabaseError(.commitResultUnknown, "injected", outcome: .unknown))
        }
        return .acted(ActionLanding(position: position, outcome: .appended))
    }

    mutating func feed(_ event: ClientSession.Event) {
        var todo = session.receive(event, now: now)
        while !todo.isEmpty {
            let directive = todo.removeFirst()
            switch directive {
            case .connect: problems.append("nothing was there to learn")
            case .resolve(let token, let reply): resolve(token, reply)
            case .send(let proxy, let id, let request, _):
                if generator.chance(1, in: 40) {
                    // The connection breaks, before or after this has got through.
                    if generator.chance(1, in: 2) {
                        schedule(.arrival(proxy: proxy, id: id, request), after: latency())
                    }
                    todo += session.receive(.broken(proxy: proxy), now: now)
                } else if generator.chance(1, in: 50) {
                    todo += session.receive(.notSent(id: id), now: now)
                } else if !generator.chance(lossRate, in: 1000) {
                    schedule(.arrival(proxy: proxy, id: id, request), after: latency())
                }
            }
        }
    }

    mutating func resolve(_ token: UInt64, _ reply: ClientReply) {
        if resolutions[token] != nil { problems.append("token \(token) is resolved twice") }
        resolutions[token] = reply
        if let deadline = operations[token]?.deadline, now > deadline {
            problems.append("token \(token) is resolved \(now.since(deadline)) late")
        }
    }

    /// After everything that was on its way has arrived.
    func check() -> [String] {
        var problems = problems
        for (token, operation) in operations.sorted(by: { $0.key < $1.key }) {
            guard let reply = resolutions[token] else {
                problems.append("token \(token) is never resolved")
                continue
            }
            guard case .act(let append) = operation.request else { continue }
            switch reply {
            case .acted(let landing):
                if log[append.action] != landing.position {
                    problems.append("\(token): a false success")
                }
            case .failed(let error) where error.outcome == .notApplied:
                if log[append.action] != nil {
                    problems.append("\(token): \(error) although it landed")
                }
            case .failed: break
            default: problems.append("\(token): \(reply) is no answer to an append")
            }
        }
        return problems
    }
}

@Suite("Client session among hostile proxies") struct ClientSessionPropertyTests {
    @Test("Each request is resolved once, by its deadline, and never told what is not true")
    func hostile() {
        var outcomes: [String: Int] = [:]
        for seed in 1...400 as ClosedRange<UInt64> {
            var world = HostileWorld(seed: seed)
            world.run()
            let problems = world.check()
            #expect(problems.isEmpty, "seed \(seed): \(problems)")
            for reply in world.resolutions.values {
                switch reply {
                case .failed(let error): outcomes["\(error.outcome)", default: 0] += 1
                default: outcomes["answered", default: 0] += 1
                }
            }
        }
        // The worlds are neither harmless nor hopeless.
        for outcome in ["answered", "notApplied", "unknown"] {
            #expect(outcomes[outcome, default: 0] > 500, "\(outcomes)")
        }
    }

    @Test("The same seed gives the same run")
    func replay() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var first = HostileWorld(seed: seed)
            var second = HostileWorld(seed: seed)
            first.run()
            second.run()
            #expect(first.resolutions == second.resolutions)
            #expect(first.now == second.now)
        }
    }
}
