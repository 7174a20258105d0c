import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// Reads and writes of any number of collections that take effect together, or not at all.
///
/// Everything is read as of one moment: a cut through all collections that were read, at which each
/// was at the revision that it is read as of. Writes are seen by later reads of the transaction,
/// and by no other reader before it lands. It lands only if everything that was read is still as it
/// was: so it is as if it had happened at one moment (strict serializability).
/// See ``Database/withTransaction(timeout:_:)``.
///
/// Of a tree, what was read is what is compared: single keys, also those without a value, and
/// ranges. Of a diary and a queue it is all of it: a transaction that looks at their ends relies on
/// nothing having been added or taken meanwhile. Appending and enqueuing alone rely on nothing.
public final class Transaction: Sendable {
    /// How long its calls may take.
    enum Time: Sendable {
        case all(until: Instant)
        case eachCall(Duration)
    }

    let database: Database
    let time: Time
    /// Its own, and that of its first action in every log that it lands in.
    let action: ActionID
    /// That of the first run of the body; nil for that itself.
    let first: ActionID?
    let state = Mutex(TransactionState())
    let stage = Mutex(TransactionPhase.open)
    /// The snapshots of custom collections that it has for itself.
    let customs = Mutex<[CollectionID: any TransactedCollection]>([:])
    let execution: Mutex<Execution>
    let landingID = Mutex<TransactionID?>(nil)
    /// In milliseconds since 1970.
    let began: UInt64
    /// While one that has landed is executed again: what its collections were then.
    let pins: [CollectionID: Pin]?

    /// - Throws: `.invalidArgument` when the engine has no name.
    init(
        database: Database, time: Time, first: ActionID? = nil,
        engine: (any TransactionEngine)? = nil
    ) throws(DatabaseError) {
        self.first = first
        self.database = database
        self.time = time
        action = database.makeActionID()
        execution = Mutex(try Execution(engine))
        began = database.wallMilliseconds
        pins = nil
    }

    /// What a collection was for a transaction that has landed.
    struct Pin: Sendable {
        let incarnation: Incarnation
        /// That it was read as of; nil when it was only written.
        let revision: Revision?
    }

    /// One that has landed, to be executed again as of what it read then. It lands no more.
    /// - Parameter participants: Of the attempt that landed it.
    init(
        again record: TransactionRecord, over participants: [Participant], database: Database,
        time: Time, engine: any TransactionEngine
    ) throws(DatabaseError) {
        first = nil
        self.database = database
        self.time = time
        action = record.action
        execution = Mutex(try Execution(engine))
        began = record.source.stamp.milliseconds
        let reads = Dictionary(
            record.source.reads.map { ($0.collection, $0.revision) }
        ) { first, _ in first }
        pins = Dictionary(
            participants.map {
                let pin = Pin(incarnation: $0.incarnation, revision: reads[$0.collection])
                return ($0.collection, pin)
            }
        ) { first, _ in first }
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
        var rest = try interval.keyRange()
        try update(tree) { _ in }
        guard countMax > 0 else { return [] }
        var covered = rest
        var entries: [TreeEntry] = []
        var merged: [TreeEntry] = []
        repeat {
            let reply = try await view(tree).page(
                rest, direction, asOf: snapshot(of: tree.info),
                countMax: min(countMax, Limits.pageItemCountMax), timeout: timeLeft
            ).value()
            guard case .treePage(let page) = reply else { throw Database.unexpectedReply(reply) }
            var gone = rest
            if !page.isLast, let last = page.entries.last {
                gone.end(at: KeyBound(last.key), direction)
                covered.end(at: KeyBound(last.key), direction)
                rest.begin(at: KeyBound(last.key, isInclusive: false), direction)
            } else {
                covered.end(at: rest.end(direction), direction)
            }
            // Before the cut is proven: what was read of this page is to be a part of it.
            let found = direction == .forward ? page.entries : page.entries.reversed()
            try await took(tree.info, tree.revision, at: page.asOf) { $0.read(gone, found) }
            entries += page.entries
            let ascending = direction == .forward ? entries : entries.reversed()
            merged = try update(tree) { $0.overlaid(ascending, in: covered) }
            if page.isLast { break }
        } while merged.count < countMax
        let ordered = direction == .forward ? merged : merged.reversed()
        return try ordered.prefix(countMax).map { entry in
            (
                try Key(keyBytes: entry.key),
                try tree.coding.value(of: entry.value, key: entry.key)
            )
        }
    }

    /// - Returns: The values of the keys, in their order, nil for each that has none.
    /// - Throws: As ``value(_:_:)``.
    public func values<Key, Value>(
        _ tree: Tree<Key, Value>, _ keys: [Key]
    ) async throws -> [Value?] {
        var values: [Value?] = []
        for key in keys { values.append(try await value(tree, key)) }
        return values
    }

    /// - Returns: How many keys of an interval have a value.
    /// - Throws: As ``value(_:_:)``.
    /// - Complexity: O(entries), which are read: the transaction lands only if they are still so.
    public func count<Key, Value>(
        _ tree: Tree<Key, Value>, in interval: some KeyInterval<Key>
    ) async throws -> Int {
        try await entries(tree, in: interval).count
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

    /// Gives `key` a value when the transaction lands, unless it has one.
    /// - Returns: Whether it has none. The transaction lands only if that is still so.
    /// - Throws: As ``value(_:_:)`` and ``set(_:_:to:)``.
    public func insert<Key, Value>(
        _ tree: Tree<Key, Value>, _ key: Key, _ value: Value
    ) async throws -> Bool {
        guard try await self.value(tree, key) == nil else { return false }
        try set(tree, key, to: value)
        return true
    }

    /// Gives `key` another value when the transaction lands, if it has exactly `old`.
    /// - Returns: Whether it has. The transaction lands only if that is still so.
    /// - Throws: As ``value(_:_:)`` and ``set(_:_:to:)``.
    public func exchange<Key, Value: Equatable>(
        _ tree: Tree<Key, Value>, _ key: Key, _ old: Value, with new: Value
    ) async throws -> Bool {
        guard try await value(tree, key) == old else { return false }
        try set(tree, key, to: new)
        return true
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
        try checkExecuting()
        if let pin = pins?[info.collection], pin.incarnation != info.incarnation {
            throw DatabaseError(
                .collectionNotFound,
                "\"\(info.name)\" was dropped since, and is made anew: its history is gone")
        }
        return try state.withLock { state throws(DatabaseError) in
            try state.update(info, seen: seen) { draft throws(DatabaseError) in body(&draft) }
        }
    }

    /// The revision that a collection is read as of; nil before the first read of it.
    func snapshot(of info: CollectionInfo) -> Revision? {
        state.withLock { $0.draft(of: info.collection)?.snapshot }
            ?? pins?[info.collection]?.revision
    }

    /// An answer came: all of one collection must be of one revision, and that be one of a cut.
    func took(
        _ info: CollectionInfo, _ seen: Revision, at revision: Revision,
        _ body: (inout CollectionDraft) -> Void
    ) async throws {
        do {
            guard try keep(info, seen, at: revision, body) else { return }
            guard let pins else { return try await proveCut() }
            guard pins[info.collection]?.revision == revision else {
                throw DatabaseError(
                    .executionDiffers, "\"\(info.name)\" is read, and was not when it landed")
            }
        } catch {
            rollBack(after: error)
            throw error
        }
    }

    /// - Returns: Whether it is the first answer of the collection.
    private func keep(
        _ info: CollectionInfo, _ seen: Revision, at revision: Revision,
        _ body: (inout CollectionDraft) -> Void
    ) throws(DatabaseError) -> Bool {
        try state.withLock { state throws(DatabaseError) in
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
    }

    private func view<Key, Value>(_ tree: Tree<Key, Value>) -> Tree<Key, Value>.Snapshot {
        snapshot(of: tree.info).map { tree.asOf(revision: $0) } ?? tree.latest
    }

    var timeLeft: Duration {
        switch time {
        case .all(let deadline):
            max(Limits.requestTimeMin, deadline.since(database.connection.now))
        case .eachCall(let timeout): timeout
        }
    }
}

extension KeyRange {
    /// Where reading in a direction begins.
    fileprivate mutating func begin(at bound: KeyBound, _ direction: ReadDirection) {
        if direction == .forward { lower = bound } else { upper = bound }
    }

    /// Where reading in a direction ends; nil: nowhere.
    fileprivate func end(_ direction: ReadDirection) -> KeyBound? {
        direction == .forward ? upper : lower
    }

    fileprivate mutating func end(at bound: KeyBound?, _ direction: ReadDirection) {
        if direction == .forward { upper = bound } else { lower = bound }
    }
}
