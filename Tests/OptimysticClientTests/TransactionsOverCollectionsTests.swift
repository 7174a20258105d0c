import BlockModel
import BlockRuntime
import Optimystic
import OptimysticClient
import Testing

/// Transactions over several collections, against the real services in this process.
@Suite("Transactions over collections", .serialized) struct TransactionsOverCollectionsTests {
    @Test(
        "Money moves between two trees, with a note in a diary and a job in a queue, or not",
        arguments: DatabaseHome.allCases)
    func transfer(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let checking = try await database.tree("checking", key: String.self, value: Int.self)
            let savings = try await database.tree("savings", key: String.self, value: Int.self)
            let notes = try await database.diary("notes", of: String.self)
            let jobs = try await database.queue("jobs", of: String.self)
            try await checking.set("ada", to: 100)
            try await savings.set("ada", to: 0)
            try await database.withTransaction { transaction in
                let balance = try await transaction.require(checking, "ada")
                let saved = try await transaction.require(savings, "ada")
                try transaction.set(checking, "ada", to: balance - 30)
                try transaction.set(savings, "ada", to: saved + 30)
                try transaction.append(notes, "ada saved 30")
                try transaction.append(notes, "ada has \(saved + 30)")
                try transaction.enqueue(jobs, "tell ada")
            }
            #expect(try await checking.value(for: "ada") == 70)
            #expect(try await savings.value(for: "ada") == 30)
            var lines: [String] = []
            for try await item in notes.entries() { lines.append(item.value) }
            #expect(lines == ["ada saved 30", "ada has 30"])
            #expect(try await jobs.peek(2) == ["tell ada"])
            // A body that throws leaves nothing anywhere.
            await #expect(throws: CancellationError.self) {
                try await database.withTransaction { transaction in
                    try transaction.set(checking, "ada", to: 0)
                    try transaction.append(notes, "gone")
                    throw CancellationError()
                }
            }
            #expect(try await checking.value(for: "ada") == 70)
            #expect(
                try await notes.entries(direction: .backward).first { _ in true }?.value
                    == "ada has 30")
        }
    }

    // protocol: vector-is-proven
    @Test(
        "The sum over three trees is the same at every look, whoever moves money at the same time",
        arguments: DatabaseHome.allCases)
    func bank(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            var trees: [Tree<Int, Int>] = []
            for name in ["north", "south", "west"] {
                let tree = try await database.tree(name, key: Int.self, value: Int.self)
                try await tree.replace((0..<4).map { .set($0, 100) })
                trees.append(tree)
            }
            let branches = trees
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        var generator = SeededGenerator(seed: UInt64(worker))
                        for _ in 0..<10 {
                            let from = branches[generator.below(3)]
                            let to = branches[generator.below(3)]
                            let (payer, payee) = (generator.below(4), generator.below(4))
                            try await database.withTransaction(timeout: TestTime.long) { move in
                                let balance = try await move.require(from, payer)
                                try move.set(from, payer, to: balance - 1)
                                let other = try await move.require(to, payee)
                                try move.set(to, payee, to: other + 1)
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<10 {
                        let total = try await database.withTransaction(timeout: TestTime.long) {
                            var total = 0
                            for tree in branches {
                                total += try await $0.entries(tree, in: 0...).reduce(0) {
                                    $0 + $1.value
                                }
                            }
                            return total
                        }
                        #expect(total == 1200)
                    }
                }
                try await group.waitForAll()
            }
            var total = 0
            for tree in branches {
                for try await (_, balance) in tree.entries() { total += balance }
            }
            #expect(total == 1200)
        }
    }

    @Test(
        "What was read of one collection holds while another one is written: no write skew",
        arguments: DatabaseHome.allCases)
    func writeSkew(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            // Each doctor may leave only while the other one is on call.
            let day = try await database.tree("day", key: String.self, value: Bool.self)
            let night = try await database.tree("night", key: String.self, value: Bool.self)
            for round in 0..<8 {
                try await day.set("on call", to: true)
                try await night.set("on call", to: true)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (mine, other) in [(day, night), (night, day)] {
                        group.addTask {
                            try await database.withTransaction(timeout: TestTime.long) { leave in
                                guard try await leave.require(other, "on call") else { return }
                                try leave.set(mine, "on call", to: false)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let left = [
                    try await day.value(for: "on call"), try await night.value(for: "on call"),
                ]
                #expect(left.filter { $0 == true }.count == 1, "round \(round)")
            }
        }
    }

    @Test(
        "A job is taken and its result written together, each job once",
        arguments: DatabaseHome.allCases)
    func jobs(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let jobs = try await database.queue("work", of: Int.self)
            let results = try await database.tree("results", key: Int.self, value: String.self)
            try await jobs.enqueue(contentsOf: Array(0..<12))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<3 {
                    group.addTask {
                        while true {
                            let isDone = try await database.withTransaction(
                                timeout: TestTime.long
                            ) { transaction in
                                guard let job = try await transaction.dequeue(jobs).first else {
                                    return true
                                }
                                #expect(try await transaction.value(results, job) == nil)
                                try transaction.set(results, job, to: "worker \(worker)")
                                return false
                            }
                            if isDone { return }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await results.count() == 12)
            #expect(try await jobs.count() == 0)
            // What a transaction adds itself, it can take.
            let taken = try await database.withTransaction { transaction in
                try transaction.enqueue(jobs, 7)
                try transaction.enqueue(jobs, 8)
                return try await transaction.dequeue(jobs)
            }
            #expect(taken == [7])
            #expect(try await jobs.peek(3) == [8])
        }
    }

    @Test(
        "The end of a diary that was looked at is still its end when the transaction lands",
        arguments: DatabaseHome.allCases)
    func diaryEnd(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let numbers = try await database.diary("numbers", of: Int.self)
            let largest = try await database.tree("largest", key: String.self, value: Int.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<5 {
                            try await database.withTransaction(timeout: TestTime.long) { next in
                                let last = try await next.last(numbers).first?.value ?? 0
                                try next.append(numbers, last + 1)
                                try next.set(largest, "number", to: last + 1)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            var found: [Int] = []
            for try await item in numbers.entries() { found.append(item.value) }
            #expect(found == Array(1...20))
            #expect(try await largest.value(for: "number") == 20)
        }
    }

    @Test(
        "A collection that was dropped, and too many of them, are refused for certain",
        arguments: DatabaseHome.allCases)
    func refusals(home: DatabaseHome) async throws {
        try await home.run { connect in
            let database = try await connect()
            defer { database.close() }
            let one = try await database.tree("one", key: Int.self, value: Int.self)
            let two = try await database.tree("two", key: Int.self, value: Int.self)
            try await database.drop("two")
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withTransaction { transaction in
                    try transaction.set(one, 1, to: 1)
                    try transaction.set(two, 1, to: 1)
                }
            }
            #expect(error?.code == .collectionNotFound && error?.outcome == .notApplied)
            #expect(try await one.count() == 0)
            let many = await #expect(throws: DatabaseError.self) {
                try await database.withTransaction { transaction in
                    for number in 0...Limits.participantCountMax {
                        let diary = try await database.diary("many \(number)", of: Int.self)
                        try transaction.append(diary, number)
                    }
                }
            }
            #expect(many?.code == .invalidArgument)
        }
    }
}
