import BlockModel
import BlockRuntime
import Optimystic

/// Work that commits, done by a number of clients at once through all services. Another kind of
/// work is another value in ``all``.
struct CommitLoad: Sendable {
    /// Does one piece of work and waits until it is durable.
    /// - Returns: The revision of the log's entry that holds it.
    typealias Operation = @Sendable (_ client: Int, _ number: Int) async throws -> Revision

    /// Part of the names of its figures.
    let name: String
    let title: String
    /// Opens a collection of this name for one run.
    let begin: @Sendable (Database, _ collection: String) async throws -> Operation

    static let all = [diaryAppend, treeUpdate]

    static let diaryAppend = CommitLoad(
        name: "diary", title: "diary append of 256 bytes"
    ) { database, collection in
        let diary = try await database.diary(named: collection)
        let value = Bytes(repeating: 7, count: 256)
        return { _, _ in try await diary.append(value).revision }
    }

    private static let treeEntryCount = 10_000

    static let treeUpdate = CommitLoad(
        name: "tree", title: "update of 256 bytes in a tree of 10,000 entries"
    ) { database, collection in
        let tree = try await database.tree(collection, key: Int.self, coding: .bytes)
        let value = Bytes(repeating: 7, count: 256)
        for start in stride(from: 0, to: treeEntryCount, by: 1000) {
            try await tree.replace((start..<start + 1000).map { .set($0, value) })
        }
        return { client, number in
            // Spread over the tree, the same in every run; another value each time, because the
            // same one would change no block.
            let place = (client &* 7919 &+ number &* 104_729) % treeEntryCount
            var changed = value
            changed[client % value.count] = UInt8(truncatingIfNeeded: number &+ 8)
            return try await tree.replace([.set(place, changed)]).revision
        }
    }
}

/// What clients got done in some time.
struct LoadResult: Sendable {
    /// Microseconds of each operation, in no order.
    var latencies: [Double] = []
    /// The revisions in which operations landed: several may share one.
    var revisions: Set<Revision> = []
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
                        result.revisions.insert(try await operation(client, number))
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
            }
            total.seconds = environment.now().since(start).seconds
            return total
        }
    }
}
