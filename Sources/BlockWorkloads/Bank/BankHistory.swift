import BlockModel
import BlockRuntime

/// Transfers between the branches of a bank, and what became of them.
package struct BankHistory: Sendable {
    /// What one transfer relied on and did, as its line in the ledger tells.
    package struct Line: Hashable, Sendable {
        /// Unique in the run.
        package let name: String
        package let payer: BankPlan.Account
        package let payerBalance: Int
        package let payee: BankPlan.Account
        package let payeeBalance: Int
        /// An account that was only looked at, and what it had.
        package let witness: BankPlan.Account?
        package let witnessBalance: Int
        package let amount: Int

        package init(
            name: String, payer: BankPlan.Account, payerBalance: Int, payee: BankPlan.Account,
            payeeBalance: Int, witness: BankPlan.Account?, witnessBalance: Int, amount: Int
        ) {
            self.name = name
            self.payer = payer
            self.payerBalance = payerBalance
            self.payee = payee
            self.payeeBalance = payeeBalance
            self.witness = witness
            self.witnessBalance = witnessBalance
            self.amount = amount
        }

        package var bytes: Bytes {
            var fields = [
                name, "\(payer.branch)", "\(payer.number)", "\(payerBalance)", "\(payee.branch)",
                "\(payee.number)", "\(payeeBalance)", "\(amount)",
            ]
            if let witness {
                fields += ["\(witness.branch)", "\(witness.number)", "\(witnessBalance)"]
            }
            return Array(fields.joined(separator: " ").utf8)
        }

        /// The line that an entry of the ledger is; one that no client wrote, when it is none.
        package init(entry bytes: Bytes) {
            let nobody = BankPlan.Account(branch: 0, number: 0)
            self =
                Line(bytes: bytes)
                ?? Line(
                    name: "damaged", payer: nobody, payerBalance: 0, payee: nobody,
                    payeeBalance: 0, witness: nil, witnessBalance: 0, amount: 0)
        }

        /// - Returns: nil when the bytes are no line of a ledger.
        package init?(bytes: Bytes) {
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            let fields = text.split(separator: " ")
            guard !fields.isEmpty else { return nil }
            let numbers = fields.dropFirst().compactMap { Int($0) }
            guard numbers.count == fields.count - 1, [7, 10].contains(numbers.count) else {
                return nil
            }
            let hasWitness = numbers.count == 10
            self.init(
                name: String(fields[0]),
                payer: BankPlan.Account(branch: numbers[0], number: numbers[1]),
                payerBalance: numbers[2],
                payee: BankPlan.Account(branch: numbers[3], number: numbers[4]),
                payeeBalance: numbers[5],
                witness: hasWitness
                    ? BankPlan.Account(branch: numbers[7], number: numbers[8]) : nil,
                witnessBalance: hasWitness ? numbers[9] : 0, amount: numbers[6])
        }
    }

    package enum Outcome: String, Hashable, Sendable {
        case committed
        /// It certainly had and will have no effect.
        case aborted
        /// It may have had its effect, or may have it later.
        case unknown
    }

    package struct Transfer: Sendable {
        /// Which of several banks it is of.
        package let bank: String
        package let line: Line
        package let invoked: Instant
        /// nil while the client was told nothing.
        package var completed: Instant?
        package var outcome = Outcome.unknown
    }

    /// What was there: all of it at one moment, between the instants.
    package struct Statement: Sendable {
        package let bank: String
        package let lines: [Line]
        package let balances: [BankPlan.Account: Int]
        package let invoked: Instant
        package let completed: Instant
        package init(
            of bank: String = "", lines: [Line], balances: [BankPlan.Account: Int],
            invoked: Instant, completed: Instant
        ) {
            self.bank = bank
            self.lines = lines
            self.balances = balances
            self.invoked = invoked
            self.completed = completed
        }
    }

    package private(set) var transfers: [Transfer] = []
    package var statements: [Statement] = []

    package init() {}

    package mutating func invoke(_ line: Line, of bank: String = "", at now: Instant) -> Int {
        transfers.append(Transfer(bank: bank, line: line, invoked: now))
        return transfers.count - 1
    }

    /// A transfer that is over, of which nothing was known before.
    package mutating func add(
        _ line: Line, invoked: Instant, completed: Instant, _ outcome: Outcome
    ) {
        transfers.append(
            Transfer(
                bank: "", line: line, invoked: invoked, completed: completed, outcome: outcome))
    }

    package mutating func complete(_ id: Int, _ outcome: Outcome, at now: Instant) {
        transfers[id].completed = now
        transfers[id].outcome = outcome
    }
}
