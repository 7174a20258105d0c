import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// Reads and writes of any number of collections that take effect together, or not at all.
///
/// Everything is read as of one moment: a cut through all collections that were read, at which each
/// was at the revision that it is read as of. Writes are seen by later reads of the transaction,
/// and by nobody else before it lands. It lands only if everything that was read is still as it
/// was: so it is as if it had happened at one moment (strict serializability).
/// See ``Database/withTransaction(timeout:_:)``.
///
/// Of a tree, what was read is what is compared: single keys, also those without a value, and
/// ranges. Of a diary and a queue it is all of it: whoever looks at their ends relies on nothing
/// having been added or taken meanwhile. Appending and enqueuing alone rely on nothing.
public final class Transaction: Sendable {
    let database: Database
    let deadline: Instant
    let state = Mutex(TransactionState())

    init(database: Database, deadline: Instant) {
        self.database = database
        self.deadline = deadline
    }

    // MARK: Reading trees

    /// - Returns: The value of `key`, nil when it has none.
    /// - Throws: `.conflict` when what was read before has changed: let it pass.
    public func value<Key, Value>(_ tree: Tree<Key, Value>, _ key: Key) async throws -> Value? {
        let keyBytes = try key.keyBytes
        let known = try update(tree) { $0.known(keyBytes) }
        let found: Bytes?
        if let known {
            found = known
        } else {
            let values = try await view(tree).rawValues(for: [keyBytes], timeout: timeLeft)
            found = values.values[0]
            try await took(tree.info, tree.revision, at: values.asOf) {
                $0.read(keyBytes, found)
            }
        }
        return try found.map { try tree.coding.value(of: $0, key: keyBytes) }
    }

    /// - Returns: The value of `key`.
    /// - Throws: `.keyNotFound` when it has none.
    public func require<Key, Value>(_ tree: Tree<Key, Value>, _ key: Key) async throws -> Value {
        guard let value = try await value(tree, key) else {
            throw DatabaseError(
                .keyNotFound, "\"\(tree.name)\" has no value for \(KeyText.text(try key.keyBytes))")
        }
        return value
    }

    /// The entries of an interval, in order.
    ///
    /// - Parameter countMax: After so many it stops; only what it went over counts as read.
    /// - Throws: `.conflict` when what was read before has changed: let it pass.
    public func entries<Key, Value>(
        _ tree: Tree<Key, Value>, in interval: some KeyInterval<Key>,
        direction: ReadDirection = .forward, countMax: Int = .max
    ) async throws -> [(key: Key, value: Value)] {
        let whole = try interval.keyRange()
        try update(tree) { _ in }
        guard countMax > 0 else { return [] }
        var covered = whole
        var entries: [TreeEntry] = []
        var merged: [TreeEntry] = []
        repeat {
            var rest = whole
            if let last = entries.last {
                let bound = KeyBound(last.key, isInclusive: false)
                if direction == .forward { rest.lower = bound } else { rest.upper = bound }
            }
            let reply = try await view(tree).page(
                rest, direction, asOf: snapshot(of: tree.info),
                countMax: min(countMax, Limits.pageItemCountMax), timeout: timeLeft
            ).value()
            guard case .treePage(let page) = reply else { throw Database.unexpectedReply(reply) }
            try await took(tree.info, tree.revision, at: page.asOf) { _ in }
            entries += page.entries
            covered = whole
            if !page.isLast, let last = page.entries.last {
                let bound = KeyBound(last.key)
                if direction == .forward { covered.upper = bound } else { covered.lower = bound }
            }
            let ascending = direction == .forward ? entries : entries.reversed()
            merged = try update(tree) { $0.overlaid(ascending, in: covered) }
            if page.isLast { break }
        } while merged.count < countMax
        let ascending = direction == .forward ? entries : entries.reversed()
        try update(tree) { $0.read(covered, ascending) }
        let ordered = direction == .forward ? merged : merged.reversed()
        return try ordered.prefix(countMax).map { entry in
            (
                try Key(keyBytes: entry.key),
                try tree.coding.value(of: entry.value, key: entry.key)
            )
        }
    }

    // MARK: Writing trees

    /// Gives `key` a value when the transaction lands.
    ///
    /// - Throws: `.valueTooLarge`; `.invalidArgument` for too many collections.
    public func set<Key, Value>(
        _ tree: Tree<Key, Value>, _ key: Key, to value: Value
    ) throws {
        let keyBytes = try key.keyBytes
        let bytes = try tree.coding.bytes(of: value)
        try update(tree) { $0.write(keyBytes, bytes) }
    }

    /// Takes the value of `key` away when the transaction lands.
    ///
    /// - Throws: `.valueTooLarge` for the key; `.invalidArgument` for too many collections.
    public func remove<Key, Value>(_ tree: Tree<Key, Value>, _ key: Key) throws {
        let keyBytes = try key.keyBytes
        try update(tree) { $0.write(keyBytes, nil) }
    }

    // MARK: Steps

    private func update<Key, Value, Result: Sendable>(
        _ tree: Tree<Key, Value>, _ body: (inout CollectionDraft) -> Result
    ) throws(DatabaseError) -> Result {
        try update(tree.info, tree.revision, body)
    }

    func update<Result: Sendable>(
        _ info: CollectionInfo, _ seen: Revision, _ body: (inout CollectionDraft) -> Result
    ) throws(DatabaseError) -> Result {
        try state.withLock { state throws(DatabaseError) in
            try state.update(info, seen: seen) { draft throws(DatabaseError) in body(&draft) }
        }
    }

    /// The revision that a collection is read as of; nil before the first read of it.
    func snapshot(of info: CollectionInfo) -> Revision? {
        state.withLock { $0.draft(of: info.collection)?.snapshot }
    }

    /// An answer came: all of one collection must be of one revision, and that be one of a cut.
    func took(
        _ info: CollectionInfo, _ seen: Revision, at revision: Revision,
        _ body: (inout CollectionDraft) -> Void
    ) async throws {
        let isFirst = try state.withLock { state throws(DatabaseError) in
            try state.update(info, seen: seen) { draft throws(DatabaseError) in
                if let snapshot = draft.snapshot, snapshot != revision {
                    // Two first reads at once, answered at two revisions.
                    throw DatabaseError(.conflict, "reads of one transaction saw two revisions")
                }
                defer { draft.snapshot = revision }
                body(&draft)
                return draft.snapshot == nil
            }
        }
        if isFirst { try await proveCut(after: info) }
    }

    private func view<Key, Value>(_ tree: Tree<Key, Value>) -> Tree<Key, Value>.Snapshot {
        snapshot(of: tree.info).map { tree.asOf(revision: $0) } ?? tree.latest
    }

    var timeLeft: Duration {
        max(Limits.requestTimeMin, deadline.since(database.connection.now))
    }

    /// No call is taken any more. - Returns: What is to land.
    func end() -> TransactionState {
        state.withLock { state in
            state.hasEnded = true
            return state
        }
    }
}
