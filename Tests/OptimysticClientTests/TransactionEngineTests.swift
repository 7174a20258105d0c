import BlockModel
import BlockRuntime
import Optimystic
import Testing

/// Moves money between accounts, by statements such as `ada bob 30`, and notes it with an id that
/// it makes and the time of the transaction.
private struct BankEngine: TransactionEngine {
    let name: String
    let accounts: Tree<String, Int>
    let notes: Tree<String, String>
    var schema = Bytes("accounts, notes".utf8)
    /// What a later version of the engine may do otherwise, under the same name.
    var fee = 0

    func execute(_ statement: Bytes, in transaction: Transaction) async throws {
        let words = String(decoding: statement, as: UTF8.self).split(separator: " ")
        guard words.count == 3, let amount = Int(words[2]) else {
            throw DatabaseError(.invalidArgument, "\"payer payee amount\" is asked for")
        }
        let (payer, payee) = (String(words[0]), String(words[1]))
        let funds = try await transaction.require(accounts, payer)
        let other = try await transaction.value(accounts, payee) ?? 0
        try transaction.set(accounts, payer, to: funds - amount - fee)
        try transaction.set(accounts, payee, to: other + amount)
        let id = transaction.makeID()
        try transaction.set(notes, "\(id)", to: "\(transaction.wallMilliseconds): \(words[2])")
    }
}

/// Gives an account what a rate says that it only reads, and notes it.
private struct RateEngine: TransactionEngine {
    struct Broken: Error {}

    let name = "rates@1"
    let rates: Tree<String, Int>
    let bank: BankEngine
    var isBroken = false

    init(_ database: Database, _ bank: BankEngine) async throws {
        rates = try await database.tree("rates", key: String.self, value: Int.self)
        self.bank = bank
    }

    func execute(_ statement: Bytes, in transaction: Transaction) async throws {
        if isBroken { throw Broken() }
        let key = String(decoding: statement, as: UTF8.self)
        try transaction.set(bank.accounts, key, to: try await transaction.require(rates, key))
        try transaction.set(bank.notes, key, to: "rated")
    }
}

/// Transactions that are made of statements, by an engine of the application.
@Suite("Engines", .serialized) struct TransactionEngineTests {
    private func bank(
        _ database: Database, name: String = "bank@1"
    ) async throws -> BankEngine {
        let accounts = try await database.tree("accounts", key: String.self, value: Int.self)
        try await accounts.set("ada", to: 100)
        return BankEngine(
            name: name, accounts: accounts,
            notes: try await database.tree("notes", key: String.self, value: String.self))
    }

    private func statements(_ texts: String...) -> [Bytes] { texts.map { Bytes($0.utf8) } }

    /// What is wrong; replicas that lag a moment behind are not.
    private func problems(_ report: VerificationReport) -> [VerificationReport.Finding] {
        report.collections.flatMap(\.findings).filter { $0.kind != .underReplicated }
    }

    // protocol: execution-is-deterministic
    @Test(
        "Whoever has the engine executes its transactions again, and compares",
        arguments: DatabaseHome.allCases)
    func again(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let bank = try await bank(database)
            for round in 1...3 {
                try await database.execute(
                    statements("ada bob \(round)", "bob cyd 1"), by: bank,
                    timeout: TestTime.long)
            }
            #expect(try await bank.accounts.value(for: "ada") == 94)
            #expect(try await bank.accounts.value(for: "cyd") == 3)
            // What was read then has changed since; and nobody else has the engine.
            let known = try await database.verify(reexecutes: true, engines: [bank])
            #expect(problems(known) == [])
            #expect(known.collections.map(\.executedTransactionCount).reduce(0, +) == 3)
            #expect(known.collections.allSatisfy { $0.unexecutedTransactionCount == 0 })
            let unknown = try await database.verify(reexecutes: true)
            #expect(unknown.collections.map(\.unexecutedTransactionCount).reduce(0, +) == 3)
            #expect(problems(unknown) == [] && !unknown.isSound)
            var other = bank
            other.schema = []
            let foreign = try await database.verify(reexecutes: true, engines: [other])
            #expect(foreign.collections.map(\.unexecutedTransactionCount).reduce(0, +) == 3)
            // Another engine under the same name is found.
            other = bank
            other.fee = 1
            let changed = try await database.verify(reexecutes: true, engines: [other])
            let findings = problems(changed)
            #expect(findings.count == 3)
            #expect(findings.allSatisfy { $0.kind == .differentExecution }, "\(findings)")
        }
    }

    @Test(
        "A statement that cannot be executed rolls all of them back, and a verb beside them is none"
    )
    func refused() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let bank = try await bank(database)
            await #expect(throws: DatabaseError.self) {
                try await database.execute(statements("ada bob 5", "dan bob 5"), by: bank)
            }
            #expect(try await bank.accounts.value(for: "ada") == 100)
            let session = try await database.beginTransaction(by: bank)
            try await session.execute(Bytes("ada bob 5".utf8))
            let verb = #expect(throws: DatabaseError.self) {
                try session.set(bank.accounts, "ada", to: 1_000_000)
            }
            #expect(verb?.code == .invalidArgument && session.phase == .open)
            let commit = try await session.commit()
            #expect(try await bank.accounts.value(for: "ada") == 95)
            let id = try #require(commit.id)
            #expect(try await database.status(of: id) == .committed(commit))
            let plain = try await database.beginTransaction()
            let statement = await #expect(throws: DatabaseError.self) {
                try await plain.execute([1])
            }
            #expect(statement?.code == .invalidArgument)
            for name in ["actions@1", "bank", "@1", "Bank@1", String(repeating: "b", count: 70)] {
                let error = await #expect(throws: DatabaseError.self) {
                    try await database.execute([[1]], by: self.bank(database, name: name))
                }
                #expect(error?.code == .invalidArgument, "\(name)")
            }
            let large = Bytes(repeating: 1, count: Limits.statementBytesMax + 1)
            let error = await #expect(throws: DatabaseError.self) {
                try await database.execute([large], by: bank)
            }
            #expect(error?.code == .valueTooLarge)
        }
    }

    @Test(
        "Of what it has only read, and which is gone, nothing can be said, nor is it hidden",
        arguments: [false, true])
    func dropped(isMadeAnew: Bool) async throws {
        try await DatabaseHome.cluster.run { connect in
            let writer = try await connect()
            defer { writer.close() }
            let rates = try await writer.tree("rates", key: String.self, value: Int.self)
            try await rates.set("ada", to: 7)
            let first = try await RateEngine(writer, bank(writer))
            try await writer.execute(statements("ada"), by: first)
            let database = try await connect()
            defer { database.close() }
            let bank = try await bank(database)
            var engine = try await RateEngine(database, bank)
            try await database.drop("rates")
            if isMadeAnew {
                engine = try await RateEngine(database, bank)
                try await engine.rates.set("ada", to: 8)
            }
            let report = try await database.verify(reexecutes: true, engines: [engine])
            let names = Set(report.collections.map(\.name))
            #expect(names.isSuperset(of: ["accounts", "notes"]), "\(names)")
            #expect(problems(report) == [])
            // A proxy may know what was read still.
            let knownCount = report.collections.map(\.executedTransactionCount).reduce(0, +)
            let unknownCount = report.collections.map(\.unexecutedTransactionCount).reduce(0, +)
            #expect(knownCount + unknownCount == 1 && (unknownCount == 1 || !isMadeAnew))
            #expect(unknownCount == 0 || !report.isSound)
        }
    }

    // protocol: execution-is-deterministic
    @Test("An engine that throws what is its own, where it did not, executes something else")
    func throwing() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            var engine = try await RateEngine(database, bank(database))
            try await engine.rates.set("ada", to: 7)
            try await database.execute(statements("ada"), by: engine)
            #expect(
                try await problems(database.verify(reexecutes: true, engines: [engine])) == [])
            engine.isBroken = true
            let report = try await database.verify(reexecutes: true, engines: [engine])
            #expect(problems(report).map(\.kind) == [.differentExecution])
        }
    }

    @Test("What it does to a custom collection nobody can execute again, and it is not wrong")
    func custom() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let clicks = try await database.createOrOpen("clicks", Counter.behavior)
            // The greatest id that is written decides.
            let name = (1...).lazy.map { "pages-\($0)" }.first {
                CollectionID(name: $0) > CollectionID(name: "clicks")
            }
            let pages = try await database.tree(
                try #require(name), key: String.self, value: Int.self)
            let engine = ClickEngine(clicks: clicks, pages: pages)
            try await database.execute(statements("start"), by: engine)
            let report = try await database.verify(
                [pages.name], reexecutes: true, engines: [engine])
            #expect(problems(report) == [])
            #expect(report.collections.map(\.unexecutedTransactionCount) == [1])
        }
    }

    private struct ClickEngine: TransactionEngine {
        let name = "clicks@1"
        let clicks: CustomCollection<Counter.Increment>
        let pages: Tree<String, Int>

        func execute(_ statement: Bytes, in transaction: Transaction) async throws {
            try await transaction.act(clicks, Counter.Increment(amount: 1))
            try transaction.set(pages, String(decoding: statement, as: UTF8.self), to: 1)
        }
    }

    // protocol: execution-is-deterministic
    @Test("What is made or refused beside the statements is not in their execution")
    func beside() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let bank = try await bank(database)
            let session = try await database.beginTransaction(by: bank)
            #expect(session.makeID() != session.makeID())
            try await session.execute(Bytes("ada bob 5".utf8))
            let large = Bytes(repeating: 1, count: Limits.statementBytesMax)
            let error = await #expect(throws: DatabaseError.self) {
                try await session.execute(large)
            }
            #expect(error?.code == .valueTooLarge && session.phase == .open)
            _ = session.makeID()
            try await session.execute(Bytes("bob ada 1".utf8))
            try await session.commit()
            let report = try await database.verify(reexecutes: true, engines: [bank])
            #expect(problems(report) == [])
            #expect(report.collections.map(\.executedTransactionCount).reduce(0, +) == 1)
        }
    }

    @Test("Half of a statement never lands, and what is over takes none")
    func halfExecuted() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            let (begun, begins) = AsyncStream.makeStream(of: Void.self)
            let (gate, opens) = AsyncStream.makeStream(of: Void.self)
            let engine = SlowEngine(pages: pages, begins: begins, gate: gate)
            let session = try await database.beginTransaction(by: engine)
            async let statement: Void = session.execute([1])
            for await _ in begun { break }
            let early = await #expect(throws: DatabaseError.self) { try await session.commit() }
            #expect(early?.code == .invalidArgument && session.phase == .open)
            opens.finish()
            try await statement
            try await session.commit()
            #expect(try await pages.count() == 2)
            let late = await #expect(throws: DatabaseError.self) { try await session.execute([2]) }
            #expect(late?.code == .invalidArgument)
            let report = try await database.verify(reexecutes: true, engines: [engine])
            #expect(problems(report) == [])
        }
    }

    private struct SlowEngine: TransactionEngine {
        let name = "slow@1"
        let pages: Tree<String, Int>
        let begins: AsyncStream<Void>.Continuation
        let gate: AsyncStream<Void>

        func execute(_ statement: Bytes, in transaction: Transaction) async throws {
            try transaction.set(pages, "first", to: 1)
            begins.yield()
            for await _ in gate {}
            try transaction.set(pages, "second", to: 2)
        }
    }

    // protocol: execution-is-deterministic
    @Test("In which order the answers to reads come makes no difference")
    func anyOrder() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            try await pages.replace([.set("a", 1), .set("c", 2)])
            var engine = RangeEngine(pages: pages)
            try await database.execute([[1]], by: engine)
            engine.isTurned = true
            let report = try await database.verify(reexecutes: true, engines: [engine])
            #expect(problems(report) == [])
            #expect(report.collections.map(\.executedTransactionCount) == [1])
        }
    }

    private struct RangeEngine: TransactionEngine {
        let name = "ranges@1"
        let pages: Tree<String, Int>
        var isTurned = false

        func execute(_ statement: Bytes, in transaction: Transaction) async throws {
            for first in isTurned ? ["c", "a"] : ["a", "c"] {
                _ = try await transaction.entries(pages, in: first...(first + "z"))
            }
            try transaction.set(pages, "e", to: 3)
        }
    }

    // protocol: group-shares-one-home
    @Test("What was only read is not a part of what is compared, whoever has written there")
    func readers() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            // The diary decides, whether the tree is written or not.
            let name = (1...).lazy.map { "log-\($0)" }.first {
                CollectionID(name: $0) > CollectionID(name: "pages")
            }
            let log = try await database.diary(try #require(name), of: String.self)
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        for round in 0..<4 {
                            try await database.withTransaction(timeout: TestTime.long) {
                                if worker % 2 == 0 {
                                    try $0.set(pages, "\(worker)", to: round)
                                } else {
                                    _ = try await $0.value(pages, "none")
                                }
                                try $0.append(log, "\(worker)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let report = try await database.verify(
                [log.name, pages.name], reexecutes: true, timeout: TestTime.long)
            #expect(problems(report) == [])
            #expect(report.collections.map(\.executedTransactionCount) == [64, 0])
        }
    }

    @Test("One tree, or statements that read alone, are kept as well, or leave nothing")
    func small() async throws {
        try await DatabaseHome.embedded.run { connect in
            let database = try await connect()
            defer { database.close() }
            let bank = try await bank(database)
            let reader = Reader(accounts: bank.accounts)
            let nothing = try await database.execute(statements("ada"), by: reader)
            #expect(nothing.id == nil)
            let writer = Reader(accounts: bank.accounts, writes: true)
            let commit = try await database.execute(statements("ada"), by: writer)
            #expect(commit.id != nil)
            let report = try await database.verify(reexecutes: true, engines: [writer])
            #expect(report.collections.map(\.executedTransactionCount).reduce(0, +) == 1)
            #expect(problems(report) == [], "\(report)")
        }
    }

    private struct Reader: TransactionEngine {
        let name = "reader@2.1"
        let accounts: Tree<String, Int>
        var writes = false

        func execute(_ statement: Bytes, in transaction: Transaction) async throws {
            let key = String(decoding: statement, as: UTF8.self)
            let value = try await transaction.value(accounts, key)
            if writes { try transaction.set(accounts, key, to: (value ?? 0) + 1) }
        }
    }
}
