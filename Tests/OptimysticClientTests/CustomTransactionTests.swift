import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Custom collections in transactions, against the real services in this process.
@Suite("Custom collections in transactions", .serialized) struct CustomTransactionTests {
    @Test(
        "A counter, a tree and a diary change together, by the handlers of the counter",
        arguments: DatabaseHome.allCases)
    func together(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let clicks = try await database.createOrOpen("clicks", Counter.behavior)
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            let notes = try await database.diary("notes", of: String.self)
            // What is pending at the handle is no part of the transaction.
            try await clicks.act(Counter.Increment(amount: 100))
            let (seen, commit) = try await database.transact { transaction in
                try await transaction.act(clicks, Counter.Increment(amount: 2))
                try await transaction.act(clicks, Counter.Increment(amount: 3))
                let count = try await transaction.read(clicks) { try Counter.value(in: $0) }
                try transaction.set(pages, "home", to: count)
                try transaction.append(notes, "\(count) clicks")
                return count
            }
            #expect(seen == 5)
            #expect(try await pages.value(for: "home") == 5)
            #expect(Set(commit.revisions.elements.map(\.name)) == ["clicks", "pages", "notes"])
            let id = try #require(commit.id)
            #expect(try await database.status(of: id) == .committed(commit))
            // The handle sees it when it is updated, with its own action on top.
            try await clicks.sync()
            #expect(try await clicks.read { try Counter.value(in: $0) } == 105)
            var logged: [(amount: Int, transaction: TransactionID?)] = []
            for try await item in clicks.log() {
                logged.append((item.action.amount, item.transaction))
            }
            #expect(logged.map(\.amount) == [2, 3, 100])
            #expect(logged.map(\.transaction) == [id, id, nil])
            #expect(try await database.verify(["clicks"]).isSound)
        }
    }

    @Test("A body that throws leaves nothing in a custom collection, and one that reads no entry")
    func nothing() async throws {
        try await DatabaseHome.cluster.run { connect in
            let database = try await connect()
            defer { database.close() }
            let clicks = try await database.createOrOpen("clicks", Counter.behavior)
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            let before = await clicks.revision
            await #expect(throws: CancellationError.self) {
                try await database.withTransaction { transaction in
                    try await transaction.act(clicks, Counter.Increment(amount: 2))
                    throw CancellationError()
                }
            }
            let count = try await database.withTransaction { transaction in
                _ = try await transaction.value(pages, "home")
                return try await transaction.read(clicks) { try Counter.value(in: $0) }
            }
            #expect(count == 0)
            try await clicks.update()
            #expect(await clicks.revision == before)
        }
    }

    @Test("Ten writers of a counter and a tree all get through, and the two always agree")
    func contention() async throws {
        try await DatabaseHome.cluster.run { connect in
            let database = try await connect()
            defer { database.close() }
            _ = try await database.createOrOpen("clicks", Counter.behavior)
            let pages = try await database.tree("pages", key: String.self, value: Int.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        let clicks = try await database.open("clicks", Counter.behavior)
                        for _ in 0..<5 {
                            try await database.withTransaction(timeout: TestTime.long) {
                                let total = try await $0.read(clicks) { try Counter.value(in: $0) }
                                let known = try await $0.value(pages, "total") ?? 0
                                guard total == known else { throw Disagreement() }
                                try await $0.act(clicks, Counter.Increment(amount: worker))
                                try $0.set(pages, "total", to: total + worker)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let clicks = try await database.open("clicks", Counter.behavior)
            #expect(try await clicks.read { try Counter.value(in: $0) } == 75)
            #expect(try await pages.value(for: "total") == 75)
        }
    }

    private struct Disagreement: Error {}

    @Test("What landed meanwhile in a custom collection is a conflict of a session")
    func conflict() async throws {
        try await DatabaseHome.cluster.run { connect in
            let database = try await connect()
            defer { database.close() }
            let clicks = try await database.createOrOpen("clicks", Counter.behavior)
            let session = try await database.beginTransaction()
            try await session.act(clicks, Counter.Increment(amount: 1))
            try await clicks.act(Counter.Increment(amount: 10))
            try await clicks.sync()
            let error = await #expect(throws: DatabaseError.self) { try await session.commit() }
            #expect(error?.code == .conflict)
            #expect(session.phase == .rolledBack)
            try await clicks.update()
            #expect(try await clicks.read { try Counter.value(in: $0) } == 10)
        }
    }

    @Test("One collection with two kinds of actions in a transaction is refused")
    func twoKinds() async throws {
        try await DatabaseHome.cluster.run { connect in
            let database = try await connect()
            defer { database.close() }
            let clicks = try await database.createOrOpen("clicks", Counter.behavior)
            let other = try await database.open(
                "clicks", CollectionBehavior<Int>(apply: { _, _ in }))
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withTransaction { transaction in
                    try await transaction.act(clicks, Counter.Increment(amount: 1))
                    try await transaction.act(other, 7)
                }
            }
            #expect(error?.code == .invalidArgument)
        }
    }
}
