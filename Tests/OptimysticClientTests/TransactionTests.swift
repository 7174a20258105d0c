import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Transactions over one collection, against the real services in this process.
@Suite("Transaction", .serialized) struct TransactionTests {
    @Test(
        "Transfers between accounts lose and make nothing, whoever runs at the same time",
        arguments: DatabaseHome.allCases)
    func transfers(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let accounts = try await database.tree("accounts", key: Int.self, value: Int.self)
            try await accounts.replace((0..<10).map { .set($0, 100) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var generator = SeededGenerator(seed: UInt64(worker))
                        for _ in 0..<20 {
                            let from = generator.below(10)
                            let to = (from + 1 + generator.below(9)) % 10
                            try await database.withTransaction(timeout: TestTime.long) { move in
                                let balance = try await move.require(accounts, from)
                                let other = try await move.require(accounts, to)
                                try move.set(accounts, from, to: balance - 1)
                                try move.set(accounts, to, to: other + 1)
                            }
                        }
                    }
                }
                // A reader of all accounts never sees money on its way.
                group.addTask {
                    for _ in 0..<20 {
                        let total = try await database.withTransaction(timeout: TestTime.long) {
                            try await $0.entries(accounts, in: 0...).reduce(0) { $0 + $1.value }
                        }
                        #expect(total == 1000)
                    }
                }
                try await group.waitForAll()
            }
            var total = 0
            for try await (_, balance) in accounts.entries() { total += balance }
            #expect(total == 1000)
        }
    }

    @Test(
        "What a body reads of a range is validated: no two are both the first",
        arguments: DatabaseHome.allCases)
    func phantoms(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tickets = try await database.tree("tickets", key: Int.self, value: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        for _ in 0..<10 {
                            try await database.withTransaction(timeout: TestTime.long) { draw in
                                let last = try await draw.entries(
                                    tickets, in: 0..., direction: .backward, countMax: 1
                                ).first?.key
                                try draw.set(tickets, (last ?? -1) + 1, to: "worker \(worker)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await tickets.count() == 60)
        }
    }

    @Test(
        "A transaction reads what it wrote, and nobody else does before it lands",
        arguments: DatabaseHome.allCases)
    func ownWrites(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("letters", key: String.self, value: Int.self)
            try await tree.replace([.set("a", 1), .set("c", 3)])
            try await database.withTransaction { transaction in
                try transaction.set(tree, "b", to: 2)
                try transaction.remove(tree, "c")
                #expect(try await transaction.value(tree, "b") == 2)
                #expect(try await transaction.value(tree, "c") == nil)
                let keys = try await transaction.entries(tree, in: "a"...).map(\.key)
                #expect(keys == ["a", "b"])
                let last = try await transaction.entries(
                    tree, in: "a"..., direction: .backward, countMax: 1)
                #expect(last.map(\.key) == ["b"])
                #expect(try await tree.value(for: "b") == nil)
            }
            #expect(try await tree.value(for: "b") == 2)
            #expect(try await tree.value(for: "c") == nil)
        }
    }

    @Test(
        "A body that throws writes nothing", arguments: DatabaseHome.allCases)
    func refusals(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let one = try await database.tree("one", key: Int.self, value: Int.self)
            await #expect(throws: CancellationError.self) {
                try await database.withTransaction { transaction in
                    try transaction.set(one, 1, to: 1)
                    throw CancellationError()
                }
            }
            await #expect {
                _ = try await database.withTransaction { try await $0.require(one, 7) }
            } throws: {
                ($0 as? DatabaseError)?.code == .keyNotFound
            }
            #expect(try await one.count() == 0)
        }
    }

    @Test(
        "Changes come revision by revision, none left out, and can be resumed",
        arguments: DatabaseHome.allCases)
    func changes(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("feed", key: Int.self, value: Int.self)
            var revisions: [Revision] = []
            for number in 0..<40 {
                revisions.append(
                    try await tree.replace([.set(number, number), .remove(number - 1)]).revision)
            }
            var model: [Int: Int] = [:]
            var seen = Revision.zero
            var position: CollectionPosition?
            for try await change in tree.changes() {
                #expect(change.revision == seen.next)
                seen = change.revision
                position = change.position
                for change in change.changes {
                    switch change {
                    case .set(let key, let value): model[key] = value
                    case .remove(let key): #expect(model.removeValue(forKey: key) != nil)
                    }
                }
                if seen == revisions[19] { break }
            }
            #expect(model == [19: 19])
            var count = 0
            for try await change in tree.changes(since: position) {
                count += 1
                if change.revision == revisions[39] { break }
            }
            #expect(count == 20)
        }
    }
}
