import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// What the checker of transfers finds, and what it lets pass.
@Suite struct BankCheckerTests {
    private static func account(_ branch: Int) -> BankPlan.Account {
        BankPlan.Account(branch: branch, number: 0)
    }

    private static func line(
        _ name: String, _ payerBalance: Int, _ payeeBalance: Int, witness: Int? = nil
    ) -> BankHistory.Line {
        BankHistory.Line(
            name: name, payer: account(0), payerBalance: payerBalance, payee: account(1),
            payeeBalance: payeeBalance, witness: witness.map { _ in account(2) },
            witnessBalance: witness ?? 0, amount: 10)
    }

    private static func instant(_ seconds: Int) -> Instant {
        Instant.origin.advanced(by: .seconds(seconds))
    }

    /// Two transfers, one after the other, and the ledger and balances that they make.
    private static func history(
        _ lines: [BankHistory.Line], outcomes: [BankHistory.Outcome] = [.committed, .committed],
        ledger: [BankHistory.Line]? = nil, balances: [Int] = [80, 120, 100],
        isReversed: Bool = false
    ) -> BankHistory {
        var history = BankHistory()
        for (number, line) in lines.enumerated() {
            let time = isReversed ? lines.count - number : number
            let id = history.invoke(line, at: instant(2 * time))
            history.complete(id, outcomes[number], at: instant(2 * time + 1))
        }
        history.statements = [
            BankHistory.Statement(
                lines: ledger ?? lines,
                balances: Dictionary(
                    uniqueKeysWithValues: balances.enumerated().map { (account($0), $1) }),
                invoked: instant(20), completed: instant(21))
        ]
        return history
    }

    private static let good = [line("a", 100, 100), line("b", 90, 110, witness: 100)]

    @Test("A ledger that explains everything is good, also with what is unknown in it or not")
    func good() {
        #expect(BankChecker.check(Self.history(Self.good)).violations == [])
        let unknown = Self.history(Self.good, outcomes: [.committed, .unknown])
        #expect(BankChecker.check(unknown).violations == [])
        let absent = Self.history(
            Self.good, outcomes: [.committed, .unknown], ledger: [Self.good[0]],
            balances: [90, 110, 100])
        #expect(BankChecker.check(absent).violations == [])
        let aborted = Self.history(
            Self.good, outcomes: [.committed, .aborted], ledger: [Self.good[0]],
            balances: [90, 110, 100])
        #expect(BankChecker.check(aborted).violations == [])
        // One of unknown outcome lands after one that began when its client had given up.
        let late = Self.history(
            [Self.line("b", 90, 110, witness: 100), Self.line("a", 100, 100)],
            outcomes: [.unknown, .committed],
            ledger: [Self.line("a", 100, 100), Self.line("b", 90, 110, witness: 100)])
        #expect(BankChecker.check(late).violations == [])
        #expect(BankChecker.check(BankHistory()).checkedCount == 0)
    }

    @Test("A look in between shows what was there then: nothing less, and nothing of later")
    func between() {
        func statement(
            _ lines: [BankHistory.Line], _ balances: [Int], at second: Int
        ) -> BankHistory.Statement {
            BankHistory.Statement(
                lines: lines,
                balances: Dictionary(
                    uniqueKeysWithValues: balances.enumerated().map { (Self.account($0), $1) }),
                invoked: Self.instant(second), completed: Self.instant(second))
        }
        func problems(_ statement: BankHistory.Statement) -> Int {
            var history = Self.history(Self.good)
            history.statements.insert(statement, at: 0)
            return BankChecker.check(history).violations.count
        }
        // The first transfer ends at 1, the second runs from 2 to 3.
        let half = statement([Self.good[0]], [90, 110, 100], at: 2)
        #expect(problems(half) == 0)
        #expect(problems(statement(Self.good, [80, 120, 100], at: 3)) == 0)
        #expect(problems(statement([], [100, 100, 100], at: 0)) == 0)
        // Half of a transfer; one that was acknowledged is missing; one not begun is there.
        #expect(problems(statement([Self.good[0]], [90, 100, 100], at: 2)) == 1)
        #expect(problems(statement([], [100, 100, 100], at: 2)) == 1)
        #expect(problems(statement(Self.good, [80, 120, 100], at: 1)) == 1)
        // What was there is gone at a later look.
        var history = Self.history(
            Self.good, outcomes: [.unknown, .unknown], ledger: [], balances: [100, 100, 100])
        history.statements.insert(half, at: 0)
        #expect(BankChecker.check(history).violations.count == 1)
    }

    @Test("A balance or a line that is none is not taken for one")
    func damaged() {
        #expect(BankPlan.balance(of: nil) == BankPlan.initialBalance)
        for bytes in [[], [0xFF], [0x31, 0xFF], Array("x".utf8)] as [Bytes] {
            #expect(BankPlan.balance(of: bytes) == BankPlan.damagedBalance)
            #expect(BankHistory.Line(bytes: bytes) == nil)
            #expect(BankHistory.Line(entry: bytes).name == "damaged")
        }
        let history = Self.history(
            Self.good, ledger: Self.good + [BankHistory.Line(entry: [0xFF])])
        #expect(BankChecker.check(history).violations.count == 1)
    }

    @Test("What is lost, doubled, invented, stale, torn or out of order is found")
    func bad() {
        let bad = [
            // Acknowledged, and not there.
            Self.history(Self.good, ledger: [Self.good[0]], balances: [90, 110, 100]),
            // Refused for certain, and there.
            Self.history(Self.good, outcomes: [.committed, .aborted]),
            // Twice.
            Self.history(Self.good, ledger: Self.good + [Self.good[1]]),
            // Written by nobody.
            Self.history(Self.good, ledger: Self.good + [Self.line("c", 80, 120)]),
            // Read what was not so any more.
            Self.history([Self.line("a", 100, 100), Self.line("b", 100, 110)]),
            // A witness that had something else.
            Self.history([Self.line("a", 100, 100), Self.line("b", 90, 110, witness: 99)]),
            // Half of a transfer.
            Self.history(Self.good, balances: [80, 110, 100]),
            // Ended before the other began, and comes after it.
            Self.history(Self.good, isReversed: true),
        ]
        for (number, history) in bad.enumerated() {
            #expect(!BankChecker.check(history).violations.isEmpty, "history \(number)")
        }
    }

    @Test("A line of the ledger is read as it was written")
    func lines() {
        for line in Self.good { #expect(BankHistory.Line(bytes: line.bytes) == line) }
        #expect(BankHistory.Line(bytes: Array("a 1 2".utf8)) == nil)
        #expect(BankHistory.Line(bytes: Array("a 1 2 3 4 5 6 x".utf8)) == nil)
    }
}
