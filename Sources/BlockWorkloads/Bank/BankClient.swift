import BlockModel
import BlockRuntime

/// One client of a bank: reads accounts of several branches, one after another, and moves money
/// between two of them, with a line in the ledger, in one transaction that lands only if what was
/// read is still so.
package struct BankClient: WorkloadClient {
    private enum State {
        /// The collection with this place, the ledger last.
        case opening(Int)
        case idle
        /// The accounts that are still to be read, the first under way.
        case reading([BankPlan.Account])
        case transacting(Int, TransactionRequest, triesLeft: Int)
        case asking(Int, ActionStatusRequest, triesLeft: Int)
        /// Everything as of one moment: the ledger, page by page, and the branches.
        case auditing(Audit)
    }

    private struct Audit {
        let invoked: Instant
        /// Where each collection was at that moment, by its place; nil before it is known.
        var cut: [Revision]?
        var lines: [BankHistory.Line] = []
        var after: LogPosition?
        var isRead = false
        var balances: [BankPlan.Account: Int] = [:]
        var branch = 0
        var triesLeft: Int
    }

    private let number: Int
    private let plan: BankPlan
    private var generator: SeededGenerator
    private var operationsLeft: Int
    private var state = State.opening(0)
    private var infos: [CollectionInfo] = []
    private var opening = CollectionOpening()
    private var seen: [CollectionID: Revision] = [:]
    private var balances: [BankPlan.Account: Int] = [:]
    private var chosen: [BankPlan.Account] = []
    private var sequence = 0
    private var isWaiting = false
    private var isDoubtful = false
    private var readsLast = false

    package var collection: String { plan.ledgerName }

    package init(number: Int, plan: BankPlan, generator: SeededGenerator) {
        self.number = number
        self.plan = plan
        self.generator = generator
        operationsLeft = plan.operationCount
    }

    package mutating func beginFinalReads() {
        operationsLeft = 0
        readsLast = true
    }

    // MARK: Asking

    package mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep {
        let timeout = Duration.milliseconds(500 + generator.below(4000))
        switch state {
        case .opening(let place):
            let isLedger = place == plan.branchNames.count
            let name = isLedger ? plan.ledgerName : plan.branchNames[place]
            return .request(
                isLedger
                    ? opening.request(name, .diary)
                    : opening.request(name, .tree, capacity: plan.capacity), timeout: timeout)
        case .reading(let accounts):
            return .request(.readTree(read(accounts[0])), timeout: timeout)
        case .transacting(_, let request, _):
            return .request(.transact(request), timeout: timeout)
        case .asking(_, let question, _):
            return .request(.actionStatus(question), timeout: timeout)
        case .auditing(let audit): return .request(request(of: audit), timeout: .seconds(5))
        case .idle:
            if readsLast {
                readsLast = false
                state = .auditing(Audit(invoked: now, triesLeft: 20))
                return next(&history, at: now)
            }
            guard operationsLeft > 0 else { return .finished }
            isWaiting.toggle()
            if isWaiting { return .pause(.milliseconds(generator.below(60))) }
            operationsLeft -= 1
            if generator.chance(1, in: 8) {
                state = .auditing(Audit(invoked: now, triesLeft: 1))
            } else {
                begin()
            }
            return next(&history, at: now)
        }
    }

    private mutating func begin() {
        func draw() -> BankPlan.Account {
            BankPlan.Account(
                branch: generator.below(plan.branchNames.count),
                number: generator.below(plan.accountCount))
        }
        let payer = draw()
        var payee = draw()
        while payee == payer { payee = draw() }
        chosen = [payer, payee]
        let witness = draw()
        if generator.chance(1, in: 2), !chosen.contains(witness) { chosen.append(witness) }
        balances = [:]
        isDoubtful = false
        state = .reading(chosen)
    }

    private func read(_ account: BankPlan.Account) -> TreeReadRequest {
        TreeReadRequest(
            collection: infos[account.branch].collection,
            incarnation: infos[account.branch].incarnation, asOf: nil,
            query: .values([account.key]))
    }

    /// What was read, and what is to be written, collection by collection.
    private mutating func transact(_ history: inout History, _ now: Instant) {
        sequence += 1
        let (payer, payee) = (chosen[0], chosen[1])
        let witness = chosen.count > 2 ? chosen[2] : nil
        let amount = 1 + generator.below(20)
        func had(_ account: BankPlan.Account) -> Int {
            balances[account] ?? BankPlan.initialBalance
        }
        let line = BankHistory.Line(
            name: "\(number):\(sequence)", payer: payer, payerBalance: had(payer), payee: payee,
            payeeBalance: had(payee), witness: witness,
            witnessBalance: witness.map(had) ?? 0, amount: amount)
        var parts: [TransactionPart] = []
        for branch in plan.branchNames.indices {
            let checks = chosen.filter { $0.branch == branch }.map { account in
                TreeCheck.value(
                    key: account.key, raw[account].flatMap { $0 }.map { TreeValueHash($0) })
            }
            guard !checks.isEmpty else { continue }
            var operations: [TreeOperation] = []
            for (account, change) in [(payer, -amount), (payee, amount)]
            where account.branch == branch {
                operations.append(
                    .put(key: account.key, value: BankPlan.bytes(of: had(account) + change)))
            }
            parts.append(
                part(
                    infos[branch],
                    [.tree(TreeAction(checks: checks, operations: operations))]))
        }
        let ledger = infos[plan.branchNames.count]
        parts.append(part(ledger, [.append(line.bytes)]))
        let written = parts.filter(\.writes).map(\.collection)
        let request = TransactionRequest(
            action: ActionID(rawValue: generator.identifier()),
            home: written.max() ?? ledger.collection, parts: parts,
            source: TransactionSource(stamp: stamp(at: now)))
        let id = history.bank.invoke(line, of: plan.ledgerName, at: now)
        state = .transacting(id, request, triesLeft: generator.below(3))
    }

    /// In some of the worlds it may come too late.
    private mutating func stamp(at now: Instant) -> TransactionStamp {
        var expiry = UInt64.max
        if let begin = plan.wallBegin, generator.chance(1, in: 6) {
            expiry = begin + UInt64(now.nanoseconds / 1_000_000) + UInt64(generator.below(400))
        }
        return TransactionStamp(
            client: Identifier128(UInt128(number)), milliseconds: 0, expiry: expiry)
    }

    private func part(_ info: CollectionInfo, _ actions: [ActionContent]) -> TransactionPart {
        TransactionPart(
            collection: info.collection, incarnation: info.incarnation,
            firstRevision: seen[info.collection] ?? info.revision, actions: actions)
    }

    /// The values as they were read.
    private var raw: [BankPlan.Account: Bytes?] = [:]

    // MARK: Being told

    package mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant) {
        switch (state, reply) {
        case (.opening(let place), _):
            guard let info = opening.receive(reply, using: &generator) else { break }
            infos.append(info)
            saw(info.collection, info.revision)
            state = place == plan.branchNames.count ? .idle : .opening(place + 1)
        case (.reading(let accounts), .treeValues(let values)):
            let account = accounts[0]
            saw(infos[account.branch].collection, values.asOf)
            raw[account] = .some(values.values[0])
            balances[account] = BankPlan.balance(of: values.values[0])
            state = .reading(Array(accounts.dropFirst()))
            if accounts.count == 1 { transact(&history, now) }
        case (.reading, .failed): state = .idle
        case (.transacting(let id, _, _), .transacted(let parts)):
            for part in parts { saw(part.collection, part.revision) }
            end(id, .committed, &history, now)
        case (.transacting(let id, let request, let triesLeft), .failed(let error)):
            failed(error, id, request, triesLeft, &history, now)
        case (.asking(let id, _, _), .actionStatus(_?, _)):
            end(id, .committed, &history, now)
        case (.asking(let id, let question, let triesLeft), _):
            guard triesLeft > 0 else { return end(id, .unknown, &history, now) }
            state = .asking(id, question, triesLeft: triesLeft - 1)
        case (.auditing(let audit), _): heard(reply, audit, &history, now)
        default: invariant(false, "\(reply) does not answer what was asked")
        }
    }

    private mutating func failed(
        _ error: DatabaseError, _ id: Int, _ request: TransactionRequest, _ triesLeft: Int,
        _ history: inout History, _ now: Instant
    ) {
        if error.outcome == .unknown { isDoubtful = true }
        if !isDoubtful { return end(id, .aborted, &history, now) }
        if triesLeft > 0 {
            // The application tries again under the same id: it must not land twice.
            state = .transacting(id, request, triesLeft: triesLeft - 1)
            return
        }
        guard let home = request.parts.first(where: { $0.collection == request.home }) else {
            return end(id, .unknown, &history, now)
        }
        let question = ActionStatusRequest(
            collection: home.collection, incarnation: home.incarnation, action: request.action,
            firstRevision: home.firstRevision)
        state = .asking(id, question, triesLeft: 2)
    }

    private mutating func end(
        _ id: Int, _ outcome: BankHistory.Outcome, _ history: inout History, _ now: Instant
    ) {
        history.bank.complete(id, outcome, at: now)
        state = .idle
    }

    private mutating func saw(_ collection: CollectionID, _ revision: Revision) {
        seen[collection] = max(seen[collection] ?? .zero, revision)
    }

    package mutating func crashed(_ history: inout History, at now: Instant) {
        opening.forget()
        switch state {
        case .transacting(let id, _, _), .asking(let id, _, _):
            history.bank.complete(id, .unknown, at: now)
        case .opening, .idle, .reading, .auditing: break
        }
        infos = []
        seen = [:]
        state = .opening(0)
    }

    // MARK: Audits

    private func request(of audit: Audit) -> ClientRequest {
        let ledger = infos[plan.branchNames.count]
        guard let cut = audit.cut else { return .snapshot(lives.sorted()) }
        if !audit.isRead {
            return .readDiary(
                DiaryReadRequest(
                    collection: ledger.collection, incarnation: ledger.incarnation,
                    after: audit.after, asOf: cut[plan.branchNames.count]))
        }
        let branch = infos[audit.branch]
        let keys = (0..<plan.accountCount).map {
            BankPlan.Account(branch: audit.branch, number: $0).key
        }
        return .readTree(
            TreeReadRequest(
                collection: branch.collection, incarnation: branch.incarnation,
                asOf: cut[audit.branch], query: .values(keys)))
    }

    private var lives: [CollectionLife] {
        infos.map { CollectionLife(collection: $0.collection, incarnation: $0.incarnation) }
    }

    private mutating func heard(
        _ reply: ClientReply, _ audit: Audit, _ history: inout History, _ now: Instant
    ) {
        var audit = audit
        switch reply {
        case .snapshot(let revisions):
            let places = lives.enumerated().sorted { $0.element < $1.element }.map(\.offset)
            var cut = Array(repeating: Revision.zero, count: places.count)
            for (place, revision) in zip(places, revisions) { cut[place] = revision }
            audit.cut = cut
        case .diaryPage(let page):
            audit.lines += page.entries.map { BankHistory.Line(entry: $0.bytes) }
            audit.after = page.entries.last?.position ?? audit.after
            audit.isRead = page.isLast || page.entries.isEmpty
        case .treeValues(let values):
            for (number, value) in values.values.enumerated() {
                let account = BankPlan.Account(branch: audit.branch, number: number)
                audit.balances[account] = BankPlan.balance(of: value)
            }
            audit.branch += 1
        default:
            guard audit.triesLeft > 0 else { return state = .idle }
            audit = Audit(invoked: now, triesLeft: audit.triesLeft - 1)
        }
        guard audit.branch < plan.branchNames.count else {
            history.bank.statements.append(
                BankHistory.Statement(
                    of: plan.ledgerName, lines: audit.lines, balances: audit.balances,
                    invoked: audit.invoked,
                    completed: now))
            return state = .idle
        }
        state = .auditing(audit)
    }
}
