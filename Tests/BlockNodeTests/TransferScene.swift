import BlockModel
import BlockNode
import BlockRuntime
import BlockTransactions

/// Clients that transfer money between accounts in trees, one transfer after the other, through
/// the services of a ``ServiceScene``.
struct TransferScene {
    /// One transfer, from the first run of its body to its end.
    struct Record {
        let begun: Instant
        let ended: Instant
        /// Of other clients, that were acknowledged meanwhile.
        let overtakenBy: Int
        /// Runs of the body.
        let runCount: Int
        /// nil: it was committed.
        let error: DatabaseError?
    }

    private struct Client {
        let proxy: Int
        var machine: TransferClient
        var begun = Instant.origin
        var committedBefore = 0
    }

    private static let firstToken: UInt64 = 1 << 41

    var services: ServiceScene
    let bank: TransferBank
    private let accountCount: Int
    /// The time that each transfer has.
    let timeout: Duration
    private var generator: SeededGenerator
    private var clients: [Client] = []
    private var wakes = TimerQueue<Int>()
    /// Who asked what is not answered yet.
    private var askers: [UInt64: Int] = [:]
    /// What came back to each client, and what it does then.
    private var arrived: [Int: ClientReply] = [:]
    private var lastToken = TransferScene.firstToken
    private(set) var records: [Record] = []
    private(set) var commitCount = 0

    /// - Parameters:
    ///   - accountCount: Of all trees together, in turn.
    ///   - timeout: The time that each transfer has, as the SDK gives it.
    init(
        treeCount: Int, accountCount: Int, proxyCount: Int = 1,
        timing: ServiceScene.Timing = ServiceScene.Timing(), validates: Bool = false,
        timeout: Duration = Limits.requestTimeDefault, seed: UInt64 = 1
    ) throws {
        self.timeout = timeout
        services = try ServiceScene(
            proxyCount: proxyCount, seed: seed, timing: timing, validates: validates)
        self.accountCount = accountCount
        generator = SeededGenerator(seed: seed ^ 0x7472_616E_7366_6572)
        var trees: [CollectionInfo] = []
        for number in 0..<treeCount {
            trees.append(try Self.open("bank-\(number)", &services, &generator))
        }
        bank = TransferBank(trees: trees)
        for tree in trees.indices { try fill(tree) }
    }

    // MARK: The bank

    private static func open(
        _ name: String, _ services: inout ServiceScene, _ generator: inout SeededGenerator
    ) throws -> CollectionInfo {
        let open = OpenCollection(
            name: name, kind: .tree, encoding: .bytes,
            creation: Creation(
                action: ActionID(rawValue: generator.identifier()), generation: 0))
        let reply = try answer(to: .openCollection(open), firstToken, &services)
        guard case .collection(let info)? = reply else {
            throw DatabaseError(.internalError, "not opened: \(String(describing: reply))")
        }
        return info
    }

    private static func answer(
        to request: ClientRequest, _ token: UInt64, _ services: inout ServiceScene
    ) throws -> ClientReply? {
        try services.ask(0, token, request)
        try services.run(for: .seconds(1))
        return services.takeAnswers().first { $0.token == token }?.reply
    }

    func account(_ number: Int) -> TransferBank.Account {
        TransferBank.Account(
            tree: number % bank.trees.count, number: number / bank.trees.count)
    }

    private mutating func fill(_ tree: Int) throws {
        let accounts = (0..<accountCount).map(account).filter { $0.tree == tree }
        let value = TransferBank.bytes(of: TransferBank.initialBalance)
        let request = ActionRequest(
            collection: bank.trees[tree].collection, incarnation: bank.trees[tree].incarnation,
            action: ActionID(rawValue: generator.identifier()),
            firstRevision: bank.trees[tree].revision,
            content: .tree(
                TreeAction(operations: accounts.map { .put(key: $0.key, value: value) })))
        let reply = try Self.answer(to: .act(request), Self.firstToken, &services)
        guard case .acted? = reply else {
            throw DatabaseError(.internalError, "not filled: \(String(describing: reply))")
        }
    }

    // MARK: Clients

    /// Adds clients that begin at once and never end, spread over the proxies.
    mutating func addClients(_ count: Int) {
        for _ in 0..<count {
            clients.append(
                Client(
                    proxy: clients.count % services.proxies.count,
                    machine: TransferClient(bank, generator.fork())))
            wakes.insert(clients.count - 1, at: services.now)
        }
    }

    /// Lets the clients work.
    mutating func run(for time: Duration) throws {
        let end = services.now.advanced(by: time)
        while services.now < end {
            let hasMore = try services.step(until: min(end, wakes.next ?? end))
            for (token, reply) in services.takeAnswers() {
                guard let client = askers.removeValue(forKey: token) else { continue }
                arrived[client] = reply
                // To the client, and what it asks for then to its proxy.
                let way = services.delay() + services.delay()
                wakes.insert(client, at: services.now.advanced(by: way))
            }
            guard !hasMore else { continue }
            while let (client, _) = wakes.popDue(at: services.now) { try goOn(client) }
        }
    }

    private mutating func goOn(_ index: Int) throws {
        let now = services.now
        var step: TransferClient.Step
        if let reply = arrived.removeValue(forKey: index) {
            step = clients[index].machine.receive(reply, at: now)
        } else if clients[index].machine.transfer == nil {
            step = begin(index)
        } else {
            step = clients[index].machine.run()
        }
        while true {
            switch step {
            case .ask(let request):
                lastToken += 1
                askers[lastToken] = index
                return try services.ask(
                    clients[index].proxy, lastToken, request, client: UInt64(index) + 1,
                    deadline: max(
                        clients[index].machine.deadline, now.advanced(by: Limits.requestTimeMin)))
            case .rest(let pause): return wakes.insert(index, at: now.advanced(by: pause))
            case .committed: end(index, nil)
            case .failed(let error): end(index, error)
            }
            step = begin(index)
        }
    }

    private mutating func begin(_ index: Int) -> TransferClient.Step {
        let payer = generator.below(accountCount)
        let payee = (payer + 1 + generator.below(accountCount - 1)) % accountCount
        clients[index].begun = services.now
        clients[index].committedBefore = commitCount
        return clients[index].machine.begin(
            TransferBank.Transfer(payer: account(payer), payee: account(payee)),
            at: services.now, timeout: timeout)
    }

    private mutating func end(_ index: Int, _ error: DatabaseError?) {
        records.append(
            Record(
                begun: clients[index].begun, ended: services.now,
                overtakenBy: commitCount - clients[index].committedBefore,
                runCount: clients[index].machine.runCount, error: error))
        if error == nil { commitCount += 1 }
    }
}

extension TransferScene {
    /// How long the transfers that were begun waited for others, and what became of them.
    var report: TransferReport {
        let underWay = clients.filter { $0.machine.transfer != nil }
            .map { commitCount - $0.committedBefore }
        return TransferReport(records, waitingYet: underWay, timeout: timeout)
    }
}
