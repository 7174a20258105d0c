import BlockRuntime
import BlockWorkloads
import Optimystic
import Synchronization

/// The accounts of a load test, in three trees, and the ledger that every transfer is noted in.
struct LoadBank: Sendable {
    private static let branchCount = 3

    let database: Database
    let branches: [Tree<Bytes, Bytes>]
    let ledger: Diary<Bytes>

    /// Of its collections, the ledger last.
    static func names(_ name: String) -> [String] {
        (1...branchCount).map { "\(name)-\($0)" } + ["\(name)-ledger"]
    }

    /// Opens the bank, and founds it when there is none.
    static func open(_ name: String, in database: Database) async throws -> LoadBank {
        var branches: [Tree<Bytes, Bytes>] = []
        for name in names(name).dropLast() {
            branches.append(
                try await database.tree(name, key: Bytes.self, coding: .bytes, timeout: nil))
        }
        let ledger = try await database.diary(named: "\(name)-ledger")
        return LoadBank(database: database, branches: branches, ledger: ledger)
    }

    /// Moves a unit between two accounts, in one transaction with its line in the ledger.
    /// - Parameter name: Unique in the run.
    func transfer(
        from payer: Int, to payee: Int, named name: String, _ history: borrowing Mutex<BankHistory>,
        _ environment: Environment
    ) async throws {
        let invoked = environment.now()
        var line: BankHistory.Line?
        func keep(_ outcome: BankHistory.Outcome) {
            guard let line else { return }
            let completed = environment.now()
            history.withLock {
                $0.add(line, invoked: invoked, completed: completed, outcome)
            }
        }
        do {
            try await database.withTransaction { transaction in
                line = try await move(
                    LoadBank.account(payer), LoadBank.account(payee), name, transaction)
            }
            keep(.committed)
        } catch {
            keep((error as? DatabaseError)?.outcome == .notApplied ? .aborted : .unknown)
            throw error
        }
    }

    private func move(
        _ payer: BankPlan.Account, _ payee: BankPlan.Account, _ name: String,
        _ transaction: Transaction
    ) async throws -> BankHistory.Line {
        let had = try await balance(of: payer, transaction)
        let other = try await balance(of: payee, transaction)
        let line = BankHistory.Line(
            name: name, payer: payer, payerBalance: had, payee: payee, payeeBalance: other,
            witness: nil, witnessBalance: 0, amount: 1)
        try transaction.set(
            branches[payer.branch], payer.key, to: BankPlan.bytes(of: had - line.amount))
        try transaction.set(
            branches[payee.branch], payee.key, to: BankPlan.bytes(of: other + line.amount))
        try transaction.append(ledger, line.bytes)
        return line
    }

    private func balance(
        of account: BankPlan.Account, _ transaction: Transaction
    ) async throws -> Int {
        BankPlan.balance(of: try await transaction.value(branches[account.branch], account.key))
    }

    private static func account(_ number: Int) -> BankPlan.Account {
        BankPlan.Account(branch: number % branchCount, number: number / branchCount)
    }

    /// Everything as it is at one moment.
    func statement(_ environment: Environment) async throws -> BankHistory.Statement {
        let invoked = environment.now()
        let moment = try await database.snapshot(of: branches + [ledger])
        let completed = environment.now()
        var lines: [BankHistory.Line] = []
        for try await item in ledger.entries(asOf: try moment.revision(of: ledger)) {
            lines.append(BankHistory.Line(entry: item.value))
        }
        var balances: [BankPlan.Account: Int] = [:]
        for (branch, tree) in branches.enumerated() {
            for try await (key, value) in try tree.asOf(moment).entries() {
                guard let account = BankPlan.Account(branch: branch, key: key) else {
                    throw DatabaseError(.corrupted, "a branch has a key that is no account")
                }
                balances[account] = BankPlan.balance(of: value)
            }
        }
        return BankHistory.Statement(
            lines: lines, balances: balances, invoked: invoked, completed: completed)
    }
}
