import BlockModel
import BlockRuntime
import BlockTransactions

/// Accounts in trees, and what a transfer between two of them reads and writes.
struct TransferBank {
    struct Account: Hashable {
        let tree: Int
        let number: Int

        var key: Bytes { Bytes("account-\(number)".utf8) }
    }

    struct Transfer: Hashable {
        let payer: Account
        let payee: Account
    }

    static let initialBalance = 1000
    static let stamp = TransactionStamp(client: .zero, milliseconds: 0, expiry: .max)

    /// The trees, as they were opened.
    let trees: [CollectionInfo]

    static func bytes(of balance: Int) -> Bytes { Bytes("\(balance)".utf8) }

    static func balance(of value: Bytes?) -> Int {
        value.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? initialBalance
    }

    func life(of tree: Int) -> CollectionLife {
        CollectionLife(
            collection: trees[tree].collection, incarnation: trees[tree].incarnation)
    }

    func read(_ tree: Int, _ keys: [Bytes], asOf: Revision?) -> ClientRequest {
        .readTree(
            TreeReadRequest(
                collection: trees[tree].collection, incarnation: trees[tree].incarnation,
                asOf: asOf, query: .values(keys)))
    }
}

/// One client that makes transfers, each as the SDK's `withTransaction` would: reads both balances
/// at one moment, writes both, lands them only if they are still so, and runs anew after a
/// conflict until its time has run out.
struct TransferClient {
    enum Step {
        case ask(ClientRequest)
        case rest(Duration)
        case committed
        case failed(DatabaseError)
    }

    private enum State {
        case idle
        case readingPayer
        case readingPayee
        case proving
        /// The trees that had moved, the first under way, and where they are now.
        case comparing([(tree: Int, revision: Revision)])
        case landing(TransactionLanding)
        case resting
    }

    private let bank: TransferBank
    private var generator: SeededGenerator
    private var state = State.idle
    /// What is read and written by the run of the body that is under way.
    private var draft = TransactionState()
    /// The greatest revision that an answer has shown of each tree.
    private var seen: [Revision]
    private var retry = TransactionRetry(until: .origin)
    private(set) var transfer: TransferBank.Transfer?
    private(set) var deadline = Instant.origin
    /// The id of the first run of its body.
    private var first: ActionID?
    /// Runs of the body of the transfer under way.
    private(set) var runCount = 0

    init(_ bank: TransferBank, _ generator: SeededGenerator) {
        self.bank = bank
        self.generator = generator
        seen = bank.trees.map(\.revision)
    }

    /// Begins a transfer.
    mutating func begin(
        _ transfer: TransferBank.Transfer, at now: Instant, timeout: Duration
    ) -> Step {
        self.transfer = transfer
        deadline = now.advanced(by: timeout)
        retry = TransactionRetry(until: deadline)
        runCount = 0
        first = nil
        return run()
    }

    /// Runs the body, for the first time or after a rest.
    mutating func run() -> Step {
        guard let transfer else { return .failed(Self.unexpected("nothing")) }
        runCount += 1
        draft = TransactionState()
        state = .readingPayer
        return .ask(bank.read(transfer.payer.tree, [transfer.payer.key], asOf: nil))
    }

    mutating func receive(_ reply: ClientReply, at now: Instant) -> Step {
        do {
            return try proceed(reply)
        } catch {
            do {
                let pause = try retry.pause(after: error, at: now, using: &generator)
                state = .resting
                return .rest(pause)
            } catch {
                state = .idle
                return .failed(error)
            }
        }
    }

    private mutating func proceed(_ reply: ClientReply) throws(DatabaseError) -> Step {
        guard let transfer else { throw Self.unexpected("\(reply)") }
        if case .landing(var landing) = state {
            try landing.receive(reply)
            return land(landing)
        }
        if case .failed(let error) = reply { throw error }
        switch (state, reply) {
        case (.readingPayer, .treeValues(let values)):
            try took(transfer.payer, values)
            state = .readingPayee
            let (tree, key) = (transfer.payee.tree, transfer.payee.key)
            let snapshot = draft.draft(of: bank.trees[tree].collection)?.snapshot
            return .ask(bank.read(tree, [key], asOf: snapshot))
        case (.readingPayee, .treeValues(let values)):
            try took(transfer.payee, values)
            guard draft.looked.count > 1 else { return try write(transfer) }
            state = .proving
            return .ask(.snapshot(places.map { bank.life(of: $0) }))
        case (.proving, .snapshot(let revisions)):
            let moved = zip(places, revisions).filter { tree, revision in
                draft.draft(of: bank.trees[tree].collection)?.snapshot != revision
            }
            return try compare(moved.map { (tree: $0, revision: $1) })
        case (.comparing(let moved), .treeValues(let values)):
            let (tree, revision) = moved[0]
            let read = draft.draft(of: bank.trees[tree].collection)?.reads ?? [:]
            guard Array(read.values) == values.values else {
                throw DatabaseError(.conflict, "what was read has changed since")
            }
            try draft.update(bank.trees[tree], seen: revision) { $0.snapshot = revision }
            return try compare(Array(moved.dropFirst()))
        default: throw Self.unexpected("\(reply)")
        }
    }

    /// The trees of the transfer, ascending by what they are ordered by.
    private var places: [Int] {
        guard let transfer else { return [] }
        return Set([transfer.payer.tree, transfer.payee.tree])
            .sorted { bank.trees[$0].collection < bank.trees[$1].collection }
    }

    private mutating func took(
        _ account: TransferBank.Account, _ values: TreeValues
    ) throws(DatabaseError) {
        let tree = account.tree
        try draft.update(bank.trees[tree], seen: seen[tree]) {
            $0.snapshot = values.asOf
            $0.read(account.key, values.values[0])
        }
        seen[tree] = max(seen[tree], values.asOf)
    }

    /// Looks whether what was read of trees that have moved is still so.
    private mutating func compare(
        _ moved: [(tree: Int, revision: Revision)]
    ) throws(DatabaseError) -> Step {
        guard let (tree, revision) = moved.first else {
            guard let transfer else { throw Self.unexpected("nothing") }
            return try write(transfer)
        }
        state = .comparing(moved)
        let read = draft.draft(of: bank.trees[tree].collection)?.reads ?? [:]
        return .ask(bank.read(tree, Array(read.keys), asOf: revision))
    }

    private mutating func write(
        _ transfer: TransferBank.Transfer
    ) throws(DatabaseError) -> Step {
        for (account, change) in [(transfer.payer, -1), (transfer.payee, 1)] {
            try draft.update(bank.trees[account.tree], seen: seen[account.tree]) {
                let balance = TransferBank.balance(of: $0.reads[account.key] ?? nil)
                $0.write(account.key, TransferBank.bytes(of: balance + change))
            }
        }
        let id = ActionID(rawValue: generator.identifier())
        guard
            let landing = try TransactionLanding(
                draft, id: id, first: first, stamp: TransferBank.stamp)
        else {
            throw Self.unexpected("nothing is written")
        }
        first = first ?? id
        return land(landing)
    }

    private mutating func land(_ landing: TransactionLanding) -> Step {
        switch landing.next {
        case .ask(let request):
            state = .landing(landing)
            return .ask(request)
        case .landed(let revisions):
            for tree in bank.trees.indices {
                let landed = revisions[bank.trees[tree].collection] ?? .zero
                seen[tree] = max(seen[tree], landed)
            }
            state = .idle
            return .committed
        }
    }

    private static func unexpected(_ what: String) -> DatabaseError {
        DatabaseError(.internalError, "\(what) does not answer what was asked")
    }
}
