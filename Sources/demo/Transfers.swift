import BlockRuntime
import Optimystic
import Synchronization

/// Clients that move money between accounts in three trees, each time with a line in a ledger, in
/// one transaction: whatever dies between the first thing that it prepares and its end.
struct Transfers: Sendable {
    static let count = 240
    private static let clientCount = 4
    private static let accountCount = 5
    private static let initialBalance = 1000
    private static let branchNames = ["accounts-north", "accounts-south", "accounts-west"]
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(50)

    private let database: Database
    private let branches: [Tree<Int, Int>]
    private let ledger: Diary<String>
    private let environment: Environment

    /// What the clients were told of their transfers, by name.
    struct Told: Sendable {
        var done: Set<String> = []
        /// Of which the database could not say whether they were done.
        var doubtful: Set<String> = []
    }

    /// What all clients add to.
    private final class Tally: Sendable {
        let told = Mutex(Told())
    }

    /// Opens the accounts and fills them.
    init(_ database: Database, _ environment: Environment) async throws {
        self.database = database
        self.environment = environment
        var branches: [Tree<Int, Int>] = []
        for name in Transfers.branchNames {
            let branch = try await database.tree(name, key: Int.self, value: Int.self)
            try await branch.replace(
                (0..<Transfers.accountCount).map { .set($0, Transfers.initialBalance) })
            branches.append(branch)
        }
        self.branches = branches
        ledger = try await database.diary("ledger", of: String.self)
    }

    func run() async throws -> Told {
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<Transfers.clientCount {
                group.addTask {
                    var generator = SeededGenerator(seed: environment.entropy())
                    for number in 0..<Transfers.count / Transfers.clientCount {
                        let name = "\(client).\(number)"
                        let isDone = try await surely(name, &generator)
                        tally.told.withLock {
                            _ = isDone ? $0.done.insert(name) : $0.doubtful.insert(name)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return tally.told.withLock { $0 }
    }

    /// Moves money; what certainly failed is tried again.
    /// - Returns: Whether it was done; false when the database cannot say.
    private func surely(_ name: String, _ generator: inout SeededGenerator) async throws -> Bool {
        let end = environment.now().advanced(by: Transfers.patience)
        let from = branches[generator.below(branches.count)]
        let to = branches[generator.below(branches.count)]
        let payer = generator.below(Transfers.accountCount)
        let payee = generator.below(Transfers.accountCount)
        while true {
            do {
                try await database.withTransaction { transaction in
                    let had = try await transaction.require(from, payer)
                    try transaction.set(from, payer, to: had - 1)
                    let other = try await transaction.require(to, payee)
                    try transaction.set(to, payee, to: other + 1)
                    try transaction.append(ledger, name)
                }
                return true
            } catch let error as DatabaseError {
                guard error.outcome == .notApplied else { return false }
                guard environment.now() < end else { throw error }
                try await Task.sleep(for: Transfers.pause)
            }
        }
    }

    /// What is wrong, read as of one moment; nil when nothing is.
    func problem(with told: Told) async throws -> String? {
        let moment = try await database.snapshot(of: branches + [ledger])
        var sum = 0
        for branch in branches {
            for try await (_, balance) in try branch.asOf(moment).entries() { sum += balance }
        }
        let expected =
            Transfers.branchNames.count * Transfers.accountCount * Transfers.initialBalance
        guard sum == expected else { return "all accounts have \(sum), not \(expected)" }
        var noted: [String: Int] = [:]
        for try await line in ledger.entries(asOf: try moment.revision(of: ledger)) {
            noted[line.value, default: 0] += 1
        }
        let doubled = noted.values.count { $0 > 1 }
        let missing = told.done.count { noted[$0] == nil }
        let invented = noted.keys.count { !told.done.contains($0) && !told.doubtful.contains($0) }
        return doubled + missing + invented == 0
            ? nil
            : "\(missing) transfers are missing, \(doubled) were done twice, \(invented) were "
                + "refused and done"
    }
}
