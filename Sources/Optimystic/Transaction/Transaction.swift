import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// Reads and writes of one collection that take effect together, or not at all.
///
/// Everything is read as of one revision; writes are seen by later reads of the transaction, and by
/// nobody else before it lands. It lands only if everything that was read is still as it was: so
/// it is as if it had happened at one moment (strict serializability).
/// See ``Database/withTransaction(timeout:_:)``.
public final class Transaction: Sendable {
    private let database: Database
    private let deadline: Instant
    private let state = Mutex(TransactionState())

    init(database: Database, deadline: Instant) {
        self.database = database
        self.deadline = deadline
    }

    // MARK: Reading

    /// - Returns: The value of `key`, nil when it has none.
    /// - Throws: `.conflict` when what was read before has changed: let it pass.
    public func value<Key, Value>(_ tree: Tree<Key, Value>, _ key: Key) async throws -> Value? {
        let keyBytes = try key.keyBytes
        let known = try bind(tree) { $0.known(keyBytes) }
        let found: Bytes?
        if let known {
            found = known
        } else {
            let snapshot = view(tree)
            let values = try await snapshot.rawValues(for: [keyBytes], timeout: timeLeft)
            found = values.values[0]
            try took(values.asOf) { $0.read(keyBytes, found) }
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
        try bind(tree) { _ in }
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
                rest, direction, asOf: state.withLock { $0.snapshot },
                countMax: min(countMax, Limits.pageItemCountMax), timeout: timeLeft
            ).value()
            guard case .treePage(let page) = reply else { throw Database.unexpectedReply(reply) }
            try took(page.asOf) { _ in }
            entries += page.entries
            covered = whole
            if !page.isLast, let last = page.entries.last {
                let bound = KeyBound(last.key)
                if direction == .forward { covered.upper = bound } else { covered.lower = bound }
            }
            let ascending = direction == .forward ? entries : entries.reversed()
            merged = state.withLock { $0.overlaid(ascending, in: covered) }
            if page.isLast { break }
        } while merged.count < countMax
        let ascending = direction == .forward ? entries : entries.reversed()
        try took(nil) { $0.read(covered, ascending) }
        let ordered = direction == .forward ? merged : merged.reversed()
        return try ordered.prefix(countMax).map { entry in
            (
                try Key(keyBytes: entry.key),
                try tree.coding.value(of: entry.value, key: entry.key)
            )
        }
    }

    // MARK: Writing

    /// Gives `key` a value when the transaction lands.
    ///
    /// - Throws: `.valueTooLarge`; `.invalidArgument` for a tree of another collection.
    public func set<Key, Value>(
        _ tree: Tree<Key, Value>, _ key: Key, to value: Value
    ) throws {
        let keyBytes = try key.keyBytes
        let bytes = try tree.coding.bytes(of: value)
        try bind(tree) { $0.write(keyBytes, bytes) }
    }

    /// Takes the value of `key` away when the transaction lands.
    ///
    /// - Throws: `.valueTooLarge` for the key; `.invalidArgument` for a tree of another collection.
    public func remove<Key, Value>(_ tree: Tree<Key, Value>, _ key: Key) throws {
        let keyBytes = try key.keyBytes
        try bind(tree) { $0.write(keyBytes, nil) }
    }

    // MARK: Steps

    private func bind<Key, Value, Result>(
        _ tree: Tree<Key, Value>, _ body: (inout TransactionState) -> Result
    ) throws(DatabaseError) -> Result {
        try state.withLock { state throws(DatabaseError) in
            try state.bind(tree.info, seen: tree.revision)
            return body(&state)
        }
    }

    /// An answer came: all of them must be of one revision.
    private func took(
        _ revision: Revision?, _ body: (inout TransactionState) -> Void
    ) throws(DatabaseError) {
        try state.withLock { state throws(DatabaseError) in
            if let revision {
                if let snapshot = state.snapshot, snapshot != revision {
                    // Two first reads at once, answered at two revisions.
                    throw DatabaseError(.conflict, "reads of one transaction saw two revisions")
                }
                state.snapshot = revision
            }
            body(&state)
        }
    }

    private func view<Key, Value>(_ tree: Tree<Key, Value>) -> TreeSnapshot<Key, Value> {
        guard let snapshot = state.withLock({ $0.snapshot }) else { return tree.latest }
        return tree.asOf(revision: snapshot)
    }

    private var timeLeft: Duration {
        max(.milliseconds(1), deadline.since(database.connection.now))
    }

    /// No call is taken any more. - Returns: What is to land.
    func end() -> TransactionState {
        state.withLock { state in
            state.hasEnded = true
            return state
        }
    }
}
