import BlockModel
import BlockRuntime
import OptimysticClient
import Testing

/// A session with its host's side kept as lists, and a clock that stands still until it is moved.
struct SessionHarness {
    struct Sent {
        let proxy: Int
        let id: UInt64
        let request: ClientRequest
        let deadline: Instant
    }

    var session: ClientSession
    var now = Instant(nanoseconds: 1_000_000_000)
    /// Everything sent and not taken yet.
    var sent: [Sent] = []
    var learned: [String] = []
    var resolved: [UInt64: ClientReply] = [:]
    private var lastToken: UInt64 = 0

    static let cluster = ClusterID(rawValue: Identifier128(7))
    static let diary = CollectionID(name: "events")
    static let life = Incarnation(generation: 1, nonce: Identifier128(1))

    init(addresses: [String] = ["tcp://a:1", "tcp://b:1"], seed: UInt64 = 1) {
        session = ClientSession(
            addresses: addresses, clusterName: "demo", generator: SeededGenerator(seed: seed))
    }

    mutating func feed(_ event: ClientSession.Event) {
        for directive in session.receive(event, now: now) {
            switch directive {
            case .connect(_, let address): learned.append(address)
            case .send(let proxy, let id, let request, let deadline):
                sent.append(Sent(proxy: proxy, id: id, request: request, deadline: deadline))
            case .resolve(let token, let reply):
                #expect(resolved[token] == nil, "token \(token) is resolved twice")
                resolved[token] = reply
            }
        }
    }

    mutating func start(_ request: ClientRequest, timeout: Duration = .seconds(5)) -> UInt64 {
        lastToken += 1
        feed(.request(lastToken, request, deadline: now.advanced(by: timeout)))
        return lastToken
    }

    /// Takes the oldest thing sent.
    mutating func take() throws -> Sent {
        try #require(!sent.isEmpty, "nothing was sent")
        return sent.removeFirst()
    }

    /// Takes the greeting that was sent and answers it.
    @discardableResult
    mutating func welcome(proxies: [String] = [], name: String = "demo") throws -> Int {
        let hello = try take()
        #expect(hello.request == .hello(clusterName: "demo"))
        feed(.reply(id: hello.id, .welcome(SessionHarness.welcome(proxies: proxies, name: name))))
        return hello.proxy
    }

    static func welcome(proxies: [String] = [], name: String = "demo") -> Welcome {
        Welcome(cluster: cluster, clusterName: name, proxies: proxies, version: "1")
    }

    mutating func advance(_ duration: Duration) {
        now = now.advanced(by: duration)
        feed(.tick)
    }

    /// Ticks at every wake until nothing waits or something was sent.
    mutating func advanceUntilSent() {
        while sent.isEmpty, let wake = session.nextWake {
            now = max(now, wake)
            feed(.tick)
        }
    }

    static func append(_ number: UInt64, bytes: Bytes = [1]) -> ClientRequest {
        .act(
            ActionRequest(
                collection: diary, incarnation: life,
                action: ActionID(rawValue: Identifier128(UInt128(number))),
                firstRevision: Revision(3), content: .append(bytes)))
    }

    static let drop = ClientRequest.dropCollection(
        DropCollection(
            collection: CollectionID(name: "events"),
            incarnation: Incarnation(generation: 1, nonce: Identifier128(1)),
            action: ActionID(rawValue: Identifier128(5))))
    static let read = ClientRequest.readDiary(
        DiaryReadRequest(collection: diary, incarnation: life))

    static let position = LogPosition(revision: Revision(9), index: 0)

    static let landing = ActionLanding(position: position, outcome: .appended)

    func error(of token: UInt64) throws -> DatabaseError {
        let reply = try #require(resolved[token], "token \(token) is not resolved")
        guard case .failed(let error) = reply else {
            throw DatabaseError(.internalError, "token \(token) did not fail: \(reply)")
        }
        return error
    }
}
