import BlockModel
import BlockRuntime
import Optimystic

/// Work that commits, done by a number of clients at once through all services. Another kind of
/// work is another value in ``all``.
struct CommitLoad: Sendable {
    /// Does one piece of work and waits until it is durable.
    typealias Operation = @Sendable (_ client: Int, _ number: Int) async throws -> Completion

    /// How a piece of work ended.
    struct Completion: Sendable {
        /// Of the log's entry that holds it.
        let revision: Revision
        /// How often it was done anew because another client was first.
        var conflictCount = 0
    }

    /// Part of the names of its figures.
    let name: String
    let title: String
    /// How many clients do it at once, one number after the other.
    var clientCounts = [1, 16, 64, 256, 1024]
    /// Whether clients can be in each other's way.
    var meetsConflicts = false
    /// Opens what is worked on, by names that begin with this one, for one run.
    let begin: @Sendable (Database, _ collection: String) async throws -> Operation

    /// What is done to one collection.
    static let ofOneCollection = [diaryAppend, treeUpdate]

    static let diaryAppend = CommitLoad(
        name: "diary", title: "diary append of 256 bytes"
    ) { database, collection in
        let diary = try await database.diary(named: collection)
        let value = Bytes(repeating: 7, count: 256)
        return { _, _ in Completion(revision: try await diary.append(value).revision) }
    }

    static let treeEntryCount = 10_000
    private static let value = Bytes(repeating: 7, count: 256)

    /// A tree of this many values of 256 bytes.
    static func makeTree(
        _ name: String, entryCount: Int = treeEntryCount, in database: Database
    ) async throws -> Tree<Int, Bytes> {
        let tree = try await database.tree(name, key: Int.self, coding: .bytes)
        for start in stride(from: 0, to: entryCount, by: 1000) {
            let end = min(entryCount, start + 1000)
            try await tree.replace((start..<end).map { .set($0, value) })
        }
        return tree
    }

    /// Where a client does its next piece of work: spread over a tree, the same in every run.
    static func place(_ client: Int, _ number: Int) -> Int {
        (client &* 7919 &+ number &* 104_729) % treeEntryCount
    }

    static let treeUpdate = CommitLoad(
        name: "tree", title: "update of 256 bytes in a tree of 10,000 entries"
    ) { database, collection in
        let tree = try await makeTree(collection, in: database)
        return { client, number in
            // Another value each time, because the same one would change no block.
            var changed = value
            changed[client % value.count] = UInt8(truncatingIfNeeded: number &+ 8)
            let place = place(client, number)
            return Completion(revision: try await tree.replace([.set(place, changed)]).revision)
        }
    }

    private static let transferTime = Duration.seconds(30)

    /// Compares an account of each of two trees and writes both, as `etcd_load.go` does with keys.
    static let transfer = transfers(
        "transfer", among: treeEntryCount, clientCounts: [1, 16, 64, 256])

    /// The same where clients are in each other's way.
    static let hotTransfer = transfers("transfer.hot", among: 10, clientCounts: [16, 64])

    /// - Parameter accountCount: Of both trees together.
    private static func transfers(
        _ name: String, among accountCount: Int, clientCounts: [Int]
    ) -> CommitLoad {
        let count = accountCount / 2
        return CommitLoad(
            name: name, title: "transfer between two trees of \(count) accounts",
            clientCounts: clientCounts, meetsConflicts: true
        ) { database, collection in
            let payers = try await makeTree("\(collection)-payers", entryCount: count, in: database)
            let payees = try await makeTree("\(collection)-payees", entryCount: count, in: database)
            return { client, number in
                let payer = place(client, number)
                let payee = payer * 31 + 17
                var runCount = 0
                let commit = try await database.transact(timeout: transferTime) { transaction in
                    runCount += 1
                    try await move(payers, payer % count, -1, transaction)
                    try await move(payees, payee % count, 1, transaction)
                }.commit
                return Completion(
                    revision: try commit.revisions.revision(of: payers),
                    conflictCount: runCount - 1)
            }
        }
    }

    private static func move(
        _ tree: Tree<Int, Bytes>, _ account: Int, _ change: Int, _ transaction: Transaction
    ) async throws {
        // The first byte is the balance.
        var changed = try await transaction.require(tree, account)
        changed[0] &+= UInt8(truncatingIfNeeded: change)
        try transaction.set(tree, account, to: changed)
    }
}

/// What clients got done in some time.
struct LoadResult: Sendable {
    /// Microseconds of each operation, in no order.
    var latencies: [Double] = []
    /// The revisions in which operations landed: several may share one.
    var revisions: Set<Revision> = []
    /// How often operations were done anew because others were first.
    var conflictCount = 0
    /// From the start until the last client was done.
    var seconds = 0.0
}

extension CommitLoad {
    /// Lets clients, one task each, work one operation after the other.
    /// - Parameter duration: After which no operation begins.
    static func drive(
        _ operation: @escaping Operation, clients: Int, duration: Duration,
        environment: Environment
    ) async throws -> LoadResult {
        let start = environment.now()
        let end = start.advanced(by: duration)
        return try await withThrowingTaskGroup(of: LoadResult.self) { group in
            for client in 0..<clients {
                group.addTask {
                    var result = LoadResult()
                    var before = environment.now()
                    while before < end {
                        let number = result.latencies.count
                        let completion = try await operation(client, number)
                        result.revisions.insert(completion.revision)
                        result.conflictCount += completion.conflictCount
                        let after = environment.now()
                        result.latencies.append(after.since(before).microseconds)
                        before = after
                    }
                    return result
                }
            }
            var total = LoadResult()
            for try await result in group {
                total.latencies += result.latencies
                total.revisions.formUnion(result.revisions)
                total.conflictCount += result.conflictCount
            }
            total.seconds = environment.now().since(start).seconds
            return total
        }
    }
}
