import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Transactions that their caller ends, what they are known by afterwards, and moments.
@Suite("Transaction sessions", .serialized) struct TransactionSessionTests {
    private struct Shop {
        let database: Database
        let stock: Tree<String, Int>
        let orders: Diary<String>
        let jobs: Queue<String>

        init(_ database: Database) async throws {
            self.database = database
            stock = try await database.tree("stock", key: String.self, value: Int.self)
            orders = try await database.diary("orders", of: String.self)
            jobs = try await database.queue("shop jobs", of: String.self)
        }

        func order(_ name: String, in transaction: Transaction) async throws {
            let left = try await transaction.require(stock, name)
            try transaction.set(stock, name, to: left - 1)
            try transaction.append(orders, name)
            try transaction.enqueue(jobs, "pack \(name)")
        }
    }

    @Test(
        "A session commits or rolls back, and says what became of it, also to another connection",
        arguments: DatabaseHome.allCases)
    func session(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            try await shop.stock.set("pen", to: 3)

            let first = try await database.beginTransaction()
            try await shop.order("pen", in: first)
            #expect(first.phase == .open && first.id == nil)
            #expect(try await shop.stock.value(for: "pen") == 3)
            let commit = try await first.commit()
            #expect(first.phase == .committed(commit) && first.id == commit.id)
            let id = try #require(commit.id)
            #expect(try await shop.stock.value(for: "pen") == 2)
            #expect(commit.revisions.elements.count == 3)
            #expect(try commit.revisions.revision(of: shop.stock) == shop.stock.revision)

            // Its fate, from its text, over another connection.
            let other = try await connect()
            defer { other.close() }
            let told = try #require(TransactionID(text: id.description))
            #expect(try await other.status(of: told) == .committed(commit))

            // What it left says whose it is.
            var found: [TransactionID?] = []
            for try await item in shop.orders.entries() { found.append(item.transaction) }
            for try await change in shop.stock.changes() {
                found.append(change.transactions.first)
                if change.revision == shop.stock.revision { break }
            }
            #expect(found == [id, nil, id])

            let second = try await database.beginTransaction()
            try await shop.order("pen", in: second)
            try second.rollback()
            #expect(second.phase == .rolledBack)
            #expect(throws: DatabaseError.self) { try second.set(shop.stock, "pen", to: 9) }
            await #expect(throws: DatabaseError.self) { try await second.commit() }
            try second.rollback()
            #expect(try await shop.stock.value(for: "pen") == 2)
            let third = try await database.beginTransaction()
            let read = try await third.commit()
            #expect(read.id == nil && read.revisions.elements.isEmpty)
            #expect(throws: DatabaseError.self) { try third.rollback() }
        }
    }

    @Test(
        "After an error a session is open, rolled back, or unknown with an id",
        arguments: DatabaseHome.allCases)
    func phases(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            try await shop.stock.set("pen", to: 3)

            // An error of a verb leaves it open.
            let open = try await database.beginTransaction()
            await #expect(throws: DatabaseError.self) {
                try await open.require(shop.stock, "ink")
            }
            #expect(open.phase == .open)
            #expect(try await open.insert(shop.stock, "ink", 5))
            #expect(try await open.insert(shop.stock, "pen", 5) == false)
            #expect(try await open.exchange(shop.stock, "pen", 3, with: 4))
            #expect(try await open.values(shop.stock, ["pen", "cap", "ink"]) == [4, nil, 5])
            #expect(try await open.count(shop.stock, in: "a"...) == 2)
            try await open.commit()

            // What it read has changed: at the commit.
            let late = try await database.beginTransaction()
            try await shop.order("pen", in: late)
            try await shop.stock.set("pen", to: 1)
            let conflict = await #expect(throws: DatabaseError.self) { try await late.commit() }
            #expect(conflict?.code == .conflict && conflict?.outcome == .notApplied)
            #expect(late.phase == .rolledBack)

            // And while it reads on.
            let torn = try await database.beginTransaction()
            #expect(try await torn.require(shop.stock, "pen") == 1)
            try await shop.stock.set("pen", to: 2)
            let moved = await #expect(throws: DatabaseError.self) {
                try await torn.last(shop.orders)
            }
            #expect(moved?.code == .conflict)
            #expect(torn.phase == .rolledBack)
            #expect(try await shop.orders.entries().first { _ in true } == nil)
        }
    }

    @Test("What nobody answers is unknown, with an id that tells what became of it")
    func unknown() async throws {
        try await LoopbackCluster.run { cluster in
            let script = FaultyLink.Script()
            let mine = try await cluster.connect(through: script)
            let other = try await cluster.connect()
            defer {
                mine.close()
                other.close()
            }
            let shop = try await Shop(mine)
            try await shop.stock.set("pen", to: 3)
            let lost = ClientReply.failed(
                DatabaseError(.commitResultUnknown, "no answer", outcome: .unknown))
            let silent = ClientReply.failed(DatabaseError(.invalidArgument, "no log can say"))
            for isLanded in [true, false] {
                script.set {
                    switch $0 {
                    case .transact: isLanded ? .passButAnswer(lost) : .answer(lost)
                    case .actionStatus: .answer(silent)
                    default: .pass
                    }
                }
                let session = try await mine.beginTransaction()
                try await shop.order("pen", in: session)
                let error = await #expect(throws: DatabaseError.self) {
                    try await session.commit(timeout: TestTime.untilSent)
                }
                guard case .unknown(let id) = session.phase else {
                    Issue.record("\(session.phase) after \(String(describing: error))")
                    continue
                }
                #expect(error?.outcome == .unknown && error?.message.contains("\(id)") == true)
                #expect(throws: DatabaseError.self) { try session.rollback() }
                switch try await other.status(of: id) {
                case .committed(let commit): #expect(isLanded && commit.id == id)
                case .notCommitted: #expect(!isLanded)
                }
            }
            script.set { _ in .pass }
            #expect(try await shop.stock.value(for: "pen") == 2)
        }
    }

    @Test(
        "A commit that is cancelled may have landed: it is never called rolled back",
        arguments: DatabaseHome.allCases)
    func cancelled(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            try await shop.stock.set("pen", to: 100)
            for round in 0..<8 {
                let session = try await database.beginTransaction()
                try await shop.order("pen", in: session)
                let task = Task { try await session.commit() }
                if round % 2 == 1 { try await Task.sleep(for: .microseconds(300 * round)) }
                task.cancel()
                switch (await task.result, session.phase) {
                case (.failure(let error), .unknown(let id)):
                    #expect(error is CancellationError)
                    _ = try await database.status(of: id)
                case (.success(let commit), .committed(let told)): #expect(commit == told)
                // One that was cancelled before has landed meanwhile.
                case (.failure(let error as DatabaseError), .rolledBack):
                    #expect(error.code == .conflict)
                case (let result, let phase): Issue.record("\(phase) after \(result)")
                }
            }
        }
    }

    @Test(
        "What became of it is told when a participant was dropped since, and without that one",
        arguments: DatabaseHome.allCases)
    func droppedSince(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            try await shop.stock.set("pen", to: 3)
            let commit = try await database.transact { try await shop.order("pen", in: $0) }.commit
            let id = try #require(commit.id)
            let names = ["stock", "orders", "shop jobs"]
            let home = names.max { CollectionID(name: $0) < CollectionID(name: $1) }
            for (count, name) in names.filter({ $0 != home }).enumerated() {
                try await database.drop(name)
                guard case .committed(let told) = try await database.status(of: id) else {
                    Issue.record("not committed any more")
                    continue
                }
                #expect(told.revisions.elements.count == 2 - count)
            }
        }
    }

    @Test(
        "A transaction in the body of another one is refused, and what to do is said",
        arguments: DatabaseHome.allCases)
    func nesting(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withTransaction { outer in
                    try outer.set(shop.stock, "pen", to: 1)
                    try await database.withTransaction { try $0.set(shop.stock, "pen", to: 2) }
                }
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("Give the transaction that is open") == true)
            let ending = await #expect(throws: DatabaseError.self) {
                try await database.withTransaction { try await $0.commit() }
            }
            #expect(ending?.code == .invalidArgument)
            #expect(try await shop.stock.value(for: "pen") == nil)
            // What a body has begun and left running may go its own way when the body has ended.
            let late = try await database.withTransaction { _ in
                Task {
                    try await Task.sleep(for: .milliseconds(50))
                    try await database.withTransaction { try $0.append(shop.orders, "late") }
                }
            }
            try await late.value
            // Nor can the transaction be used then.
            let kept = try await database.withTransaction { $0 }
            #expect(throws: DatabaseError.self) { try kept.append(shop.orders, "never") }
            // A session, or one after the other, is fine.
            let (result, commit) = try await database.transact { outer in
                try outer.set(shop.stock, "pen", to: 1)
                let session = try await database.beginTransaction()
                try session.append(shop.orders, "apart")
                return try await session.commit()
            }
            #expect(result.id != commit.id && result.id != nil && commit.id != nil)
            let id = try #require(commit.id)
            #expect(try await database.status(of: id) == .committed(commit))
        }
    }

    @Test(
        "A moment is read as of later, whatever happened since, from its text",
        arguments: DatabaseHome.allCases)
    func moments(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let shop = try await Shop(database)
            try await shop.stock.set("pen", to: 3)
            for number in 0..<4 {
                let kept = try await database.snapshot(of: [shop.stock, shop.orders, shop.jobs])
                try await database.withTransaction { try await shop.order("pen", in: $0) }
                let moment = try #require(RevisionVector(text: kept.description))
                #expect(moment == kept)
                #expect(try await shop.stock.asOf(moment).value(for: "pen") == 3 - number)
                var lines = 0
                let orders = shop.orders.entries(asOf: try moment.revision(of: shop.orders))
                for try await _ in orders { lines += 1 }
                #expect(lines == number)
                let waiting = try await shop.jobs.count(asOf: moment.revision(of: shop.jobs))
                #expect(waiting == number)
            }
            let kept = try await database.snapshot(of: [shop.stock])
            #expect(throws: DatabaseError.self) { try kept.revision(of: shop.orders) }
            await #expect(throws: DatabaseError.self) {
                try await database.snapshot(of: [shop.stock, shop.stock])
            }
            try await database.drop("orders")
            let gone = await #expect(throws: DatabaseError.self) {
                try await database.snapshot(of: [shop.stock, shop.orders])
            }
            #expect(gone?.code == .collectionNotFound)
        }
    }

    // protocol: group-shares-one-home
    @Test("What shared a decision is told of each by itself, also when other history is gone")
    func sharedDecision() async throws {
        try await DatabaseHome.cluster.run { connect in
            let database = try await connect()
            defer { database.close() }
            let names = ["one", "two"].sorted { CollectionID(name: $0) < CollectionID(name: $1) }
            // The greater one decides; half of the transactions have nothing to do with the other.
            let other = try await database.diary(names[0], of: Int.self)
            let home = try await database.diary(names[1], of: Int.self)
            let commits = try await withThrowingTaskGroup(
                of: (Int, TransactionCommit).self
            ) { group in
                for number in 0..<24 {
                    group.addTask {
                        let transaction = try await database.beginTransaction()
                        try transaction.append(home, number)
                        if number % 2 == 0 { try transaction.append(other, number) }
                        return (number, try await transaction.commit())
                    }
                }
                var commits: [Int: TransactionCommit] = [:]
                for try await (number, commit) in group { commits[number] = commit }
                return commits
            }
            // Several share an entry.
            var revisions: [Revision] = []
            for try await item in other.entries() { revisions.append(item.position.revision) }
            #expect(revisions.count == 12 && Set(revisions).count < 12)
            for commit in commits.values {
                let id = try #require(commit.id)
                #expect(try await database.status(of: id) == .committed(commit))
            }
            try await database.truncate(names[0], through: other.revision)
            for (number, commit) in commits where number % 2 == 0 {
                let id = try #require(commit.id)
                #expect(try await database.status(of: id) == .committed(commit))
            }
        }
    }
}
