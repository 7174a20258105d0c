import BlockRuntime

/// Whether the transfers of a bank are strictly serializable: the ledger, which every transfer
/// writes a line of in its own transaction, is their order.
///
/// Each line says what its transfer had read of the accounts. Played from the start, all of that
/// must have been so, and in the end every account must have what the ledger makes of it. A
/// transfer that was acknowledged is there, one that certainly failed is not, and one that ended
/// before another began comes before it.
package enum BankChecker {
    package static func check(_ history: BankHistory) -> CheckResult {
        var result = CheckResult()
        for bank in Set(history.statements.map(\.bank)).sorted() {
            let transfers = Dictionary(
                history.transfers.filter { $0.bank == bank }.map { ($0.line.name, $0) },
                uniquingKeysWith: { first, _ in first })
            let statements = history.statements.filter { $0.bank == bank }
                .sorted { $0.completed < $1.completed }
            for statement in statements { check(statement, transfers, &result) }
            for (earlier, later) in zip(statements, statements.dropFirst())
            where earlier.completed < later.invoked && !later.lines.starts(with: earlier.lines) {
                result.violation("the ledger of \(later.invoked) lacks what it had before")
            }
        }
        return result
    }

    private static func check(
        _ statement: BankHistory.Statement, _ transfers: [String: BankHistory.Transfer],
        _ result: inout CheckResult
    ) {
        var balances: [BankPlan.Account: Int] = [:]
        func balance(_ account: BankPlan.Account) -> Int {
            balances[account] ?? BankPlan.initialBalance
        }
        var there: Set<String> = []
        var latestBegin: (name: String, invoked: Instant)?
        for line in statement.lines {
            result.checkedCount += 1
            guard let transfer = transfers[line.name], transfer.line == line else {
                result.violation("the ledger has a line that nobody wrote: \(line)")
                continue
            }
            if !there.insert(line.name).inserted {
                result.violation("transfer \(line.name) is in the ledger twice")
            }
            if transfer.outcome == .aborted {
                result.violation("transfer \(line.name) certainly failed, and is in the ledger")
            }
            let reads = [
                (line.payer, line.payerBalance), (line.payee, line.payeeBalance),
                (
                    line.witness ?? line.payer,
                    line.witness == nil ? line.payerBalance : line.witnessBalance
                ),
            ]
            for (account, read) in reads where balance(account) != read {
                result.violation(
                    "transfer \(line.name) read \(read) of \(account), which then had "
                        + "\(balance(account))")
            }
            balances[line.payer] = balance(line.payer) - line.amount
            balances[line.payee] = balance(line.payee) + line.amount
            // One of unknown outcome may have landed long after its client was told so.
            if transfer.outcome == .committed, let completed = transfer.completed,
                let latestBegin, completed < latestBegin.invoked
            {
                result.violation(
                    "transfer \(line.name) had ended before \(latestBegin.name) began, and comes "
                        + "after it")
            }
            if latestBegin.map({ $0.invoked < transfer.invoked }) ?? true {
                latestBegin = (line.name, transfer.invoked)
            }
        }
        for (account, found) in statement.balances where found != balance(account) {
            result.violation(
                "\(account) has \(found), where the ledger makes it \(balance(account))")
        }
        for transfer in transfers.values.sorted(by: { $0.line.name < $1.line.name })
        where transfer.outcome == .committed && !there.contains(transfer.line.name) {
            guard let completed = transfer.completed, completed < statement.invoked else {
                continue
            }
            result.violation("transfer \(transfer.line.name) was acknowledged, and is not there")
        }
        for line in statement.lines {
            guard let transfer = transfers[line.name], transfer.invoked > statement.completed else {
                continue
            }
            result.violation("transfer \(line.name) was there before it was asked for")
        }
    }
}
