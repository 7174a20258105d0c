import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Custom collections through the SDK, against the real services in this process.
@Suite("Custom collection", .serialized) struct CustomCollectionTests {
    @Test(
        "A counter counts what everybody added, and what is not synced is seen here only",
        arguments: DatabaseHome.allCases)
    func counter(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let mine = try await database.createOrOpen("clicks", Counter.behavior)
            let other = try await database.open("clicks", Counter.behavior)
            try await mine.act(Counter.Increment(amount: 2))
            try await other.act(Counter.Increment(amount: 5))
            #expect(try await mine.read { try Counter.value(in: $0) } == 2)
            #expect(try await other.read { try Counter.value(in: $0) } == 5)
            try await mine.sync()
            #expect(try await other.read { try Counter.value(in: $0) } == 5)
            let report = try await other.sync()
            #expect(report.isEmpty)
            #expect(await other.pending.isEmpty)
            #expect(try await other.read { try Counter.value(in: $0) } == 7)
            try await mine.update()
            #expect(try await mine.read { try Counter.value(in: $0) } == 7)
        }
    }

    @Test(
        "Ten writers of one collection all get through, and nothing is counted twice (D-63)",
        arguments: DatabaseHome.allCases)
    func contention(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            _ = try await database.createOrOpen("clicks", Counter.behavior)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        let counter = try await database.open("clicks", Counter.behavior)
                        for _ in 0..<10 {
                            try await counter.act(Counter.Increment(amount: 1))
                            try await counter.sync(timeout: TestTime.generous)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let counter = try await database.open("clicks", Counter.behavior)
            #expect(try await counter.read { try Counter.value(in: $0) } == 100)
            var total = 0
            for try await logged in counter.log() { total += logged.action.amount }
            #expect(total == 100)
        }
    }
}
