import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// A client at transactor level that says it did what it did not.
enum LyingClient {
    /// Lands an entry on a tree: an action that puts a value, and the blocks of one that does
    /// nothing.
    static func put(_ key: Bytes, in info: CollectionInfo, over database: Database) async throws {
        let log = LogReadRequest(
            collection: info.collection, incarnation: info.incarnation, after: .zero)
        guard
            case .logPage(let page) = try await database.connection.request(
                .readLog(log), timeout: TestTime.generous)
        else { throw CancellationError() }
        let action = Action(
            id: database.makeActionID(),
            bytes: TreeAction(operations: [.put(key: key, value: [1])]).canonicalBytes,
            outcome: TreeOutcome.applied(existed: [false]).canonicalBytes)
        let attempt = CommitAttempt(
            participant: Participant(
                collection: info.collection, incarnation: info.incarnation,
                target: page.revision.next),
            payload: PayloadID(action: database.makeActionID(), execution: 0),
            body: EntryBody(actions: [action]).canonicalBytes, wallMilliseconds: 0)
        let reply = try await database.connection.request(
            .commit(attempt), timeout: TestTime.generous)
        guard case .committed = reply else { throw CancellationError() }
    }
}

/// Histories that are executed again, against the real services in this process.
@Suite("Execution of a history", .serialized) struct ReexecutionTests {
    /// What is wrong; replicas that lag a moment behind are not.
    private func problems(_ parts: [VerificationReport.Part]) -> [VerificationReport.Finding] {
        parts.flatMap(\.findings).filter { $0.kind != .underReplicated }
    }

    // protocol: execution-is-deterministic
    @Test(
        "What many clients did to collections of every kind comes out again as the log says",
        arguments: DatabaseHome.allCases)
    func everyKind(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("tree", key: Int.self, value: String.self)
            let queue = try await database.queue("queue", of: Int.self)
            let diary = try await database.diary("diary", of: Int.self)
            let empty = try await database.tree("empty", key: Int.self, value: Int.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<25 {
                            let key = (number * 37 + worker * 101) % 500
                            try await tree.set(key, to: String(repeating: "x", count: 300))
                            if number % 3 == 0 { try await tree.remove(key) }
                            try await queue.enqueue(number)
                            if number % 2 == 0 { _ = try await queue.dequeue() }
                            try await diary.append(number)
                        }
                        try await database.withTransaction(timeout: TestTime.long) { move in
                            let seen = try await move.value(tree, worker)
                            try move.set(tree, worker, to: "\(seen?.count ?? 0)")
                            try move.append(diary, worker)
                            try move.append(diary, worker)
                            try move.enqueue(queue, worker)
                        }
                    }
                }
                try await group.waitForAll()
            }
            for key in 0..<400 where key % 2 == 0 { try await tree.remove(key) }
            _ = empty
            let report = try await database.verify(reexecutes: true)
            #expect(problems(report.collections) == [])
            #expect(report.collections.map(\.name) == ["diary", "empty", "queue", "tree"])
            for part in report.collections {
                guard case .done(let blockCount) = part.reexecution else {
                    Issue.record("\(part.name): \(String(describing: part.reexecution))")
                    continue
                }
                #expect(part.executedEntryCount == Int(part.revision.rawValue))
                #expect((blockCount > 0) == (part.name == "tree" || part.name == "queue"))
            }
            // Nobody asks for it, nothing is said of it.
            let plain = try await database.verify(["tree"])
            #expect(plain.collections[0].reexecution == nil)
        }
    }

    @Test(
        "A client that says it did what it did not is found, and where",
        arguments: DatabaseHome.allCases)
    func lie(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("tree", key: String.self, value: String.self)
            for number in 0..<40 { try await tree.set("\(number)", to: "x") }
            try await LyingClient.put(Bytes("y".utf8), in: tree.info, over: database)
            let last = tree.revision.next
            try await tree.set("later", to: "x")
            // The chain of hashes says nothing of what an action does.
            #expect(try await problems(database.verify().collections) == [])
            let part = try await database.verify(["tree"], reexecutes: true).collections[0]
            #expect(part.reexecution == .ended(at: last) && !part.isSound)
            let found = problems([part])
            #expect(found.allSatisfy { $0.kind == .differentExecution })
            #expect(found.contains { $0.object.hasSuffix("at \(last)") }, "\(found)")
        }
    }

    @Test(
        "A history that does not begin with its first entry is not executed, and not sound",
        arguments: DatabaseHome.allCases)
    func truncated(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let tree = try await database.tree("tree", key: Int.self, value: Int.self)
            let diary = try await database.diary("diary", of: Int.self)
            for number in 0..<80 { try await tree.set(number, to: number) }
            try await diary.append(1)
            for _ in 0..<300 {
                let state = try await database.truncate("tree", through: Revision(50))
                if state.truncatedThrough >= Revision(50) { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            let report = try await database.verify(reexecutes: true)
            #expect(problems(report.collections) == [])
            let obstacle = VerificationReport.Reexecution.Obstacle.historyTruncated(
                before: Revision(51))
            #expect(
                report.collections.map(\.reexecution) == [
                    .done(blockCount: 0), .notExecuted(obstacle),
                ])
            #expect("\(obstacle)" == "history before revision 51 is gone")
            #expect(!report.isSound && !report.collections[1].isSound)
        }
    }

    @Test(
        "A custom collection is executed by its own handlers, and by nobody else",
        arguments: DatabaseHome.allCases)
    func custom(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let counter = try await database.createOrOpen("clicks", Counter.behavior)
            for number in 0..<40 {
                try await counter.act(Counter.Increment(amount: number))
                _ = try await counter.read { try Counter.value(in: $0) }
                if number % 3 == 0 { try await counter.sync() }
            }
            try await counter.sync()
            let unknown = try await database.verify(["clicks"], reexecutes: true)
            #expect(problems(unknown.collections) == [] && !unknown.isSound)
            #expect(unknown.collections[0].reexecution == .notExecuted(.handlersUnknown))

            let part = try await database.verify("clicks", executing: Counter.behavior)
            #expect(problems([part]) == [])
            guard case .done(let blockCount) = part.reexecution else {
                Issue.record("\(String(describing: part.reexecution))")
                return
            }
            #expect(blockCount > 0)
            // Another program, which counts otherwise.
            let other = CollectionBehavior<Counter.Increment>(apply: { increment, scope in
                try scope.set(Bytes("count".utf8), Bytes("\(increment.amount)".utf8))
            })
            let different = try await database.verify("clicks", executing: other)
            #expect(problems([different]).contains { $0.kind == .differentExecution })
            _ = try await database.tree("tree", key: Int.self, value: Int.self)
            await #expect {
                _ = try await database.verify("tree", executing: Counter.behavior)
            } throws: { ($0 as? DatabaseError)?.code == .collectionKindMismatch }
        }
    }
}
