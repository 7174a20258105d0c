import BlockModel
import BlockRuntime
import BlockStructures
import Optimystic

// The samples of `OptimysticCore.docc/Tour.md`, as they stand there.

extension String {
    var bytes: Bytes { Bytes(utf8) }
}

func blocks(_ tracker: Tracker, _ collection: CollectionID) throws -> Block? {
    let items = BlockAttribute(1)
    let id = tracker.makeID()
    var block = Block(header: Block.Header(id: id, type: BlockType("TL"), collection: collection))
    block.assign(items, .list(["first".bytes]))
    try tracker.insert(block)
    // In place of nothing behind the first item.
    try tracker.update(id, .splice(items, index: 1, deleteCount: 0, inserted: ["second".bytes]))
    return try tracker.block(id)
}

func chain(_ tracker: Tracker, _ collection: CollectionID) throws -> [[Bytes]] {
    let chain = Chain(tracker: tracker, collection: collection)
    try chain.push(["first".bytes, "second".bytes, "third".bytes])
    // As a stack, and as a queue.
    return [try chain.pop(1, from: .back), try chain.pop(1, from: .front)]
}

func involved(in entry: LogEntry) -> [CollectionID: Revision] {
    let participants = entry.attempt?.participants ?? []
    return Dictionary(uniqueKeysWithValues: participants.map { ($0.collection, $0.target) })
}

func connect(_ url: String) async throws -> Database {
    try await Database.connect(url)
}

func diary(_ database: Database) async throws -> [String] {
    let log = try await database.diary("logins", of: String.self)
    try await log.append("alice in")
    try await log.append("alice out")
    var seen: [String] = []
    for try await entry in log.entries() { seen.append(entry.value) }
    return seen
}

func tree(_ database: Database) async throws -> [String] {
    let users = try await database.tree("users", key: String.self, value: String.self)
    try await users.replace([.set("user1", "Alice"), .set("user2", "Bob"), .set("x", "Xi")])
    var names: [String] = []
    for try await (_, name) in users.entries(in: "user1"..."user9") { names.append(name) }
    return names
}

enum Counting {
    struct Increment: Codable, Sendable { var amount: Int }

    private static let key = Bytes("count".utf8)

    static let behavior = CollectionBehavior<Increment>(
        apply: { increment, scope in
            let count = try value(in: scope) + increment.amount
            try scope.set(key, Bytes("\(count)".utf8))
        },
        // Increments commute: one that was overtaken is done on top of the others.
        resolve: { _, _ in .keep })

    static func value(in scope: ActionScope) throws -> Int {
        try scope.value(for: key).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }
}

func counter(_ database: Database) async throws -> Int {
    let counter = try await database.createOrOpen("visits", Counting.behavior)
    try await counter.act(Counting.Increment(amount: 1))
    try await counter.act(Counting.Increment(amount: 2))
    // What others did meanwhile is taken over first.
    _ = try await counter.sync()
    return try await counter.read { try Counting.value(in: $0) }
}

func transaction(_ database: Database) async throws -> TransactionStatus? {
    let stock = try await database.tree("stock", key: String.self, value: Int.self)
    let orders = try await database.diary("orders", of: String.self)
    let transaction = try await database.beginTransaction()
    let left = try await transaction.value(stock, "pen") ?? 10
    try transaction.set(stock, "pen", to: left - 1)
    try transaction.append(orders, "a pen")
    let commit = try await transaction.commit()
    guard let id = commit.id else { return nil }
    return try await database.status(of: id)
}
