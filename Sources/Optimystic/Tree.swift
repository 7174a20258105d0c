import BlockModel
import BlockRuntime
import OptimysticClient

/// A tree: values under keys, in the order of the keys, each change one atomic action.
///
/// It speaks of one life of the collection: when that is dropped, every call fails with
/// `.collectionNotFound`, even if the name lives again. Safe to use from any number of tasks.
public struct Tree<Key: OrderedKey, Value: Sendable>: Sendable {
    let handle: CollectionHandle<Value>
    private let read = ReadValues()

    init(handle: CollectionHandle<Value>) { self.handle = handle }

    /// As it was when it was opened.
    public var info: CollectionInfo { handle.info }

    /// The name that it was opened by.
    public var name: String { handle.info.name }

    var coding: ValueCoding<Value> { handle.coding }

    /// The greatest revision that an answer has shown: what an action with an id of the
    /// application's own wants to know before it is first sent.
    public var revision: Revision { handle.seen.value }

    // MARK: Reading

    /// The tree as it is whenever it is asked: every answer is linearizable.
    public var latest: Snapshot {
        Snapshot(handle: handle, revision: nil, read: read)
    }

    /// The tree as of one revision, whatever happens to it later.
    public func asOf(revision: Revision) -> Snapshot {
        Snapshot(handle: handle, revision: revision, read: read)
    }

    /// The tree as of a position that was kept: it is refused when it is one of another life.
    /// - Throws: `.positionNotFound`; from reading, when the revision does not exist yet.
    public func asOf(_ position: CollectionPosition) throws(DatabaseError) -> Snapshot {
        asOf(revision: try position.revision(in: info))
    }

    /// ``revision`` as a position, to be kept.
    public var position: CollectionPosition { CollectionPosition(revision: revision, in: info) }

    /// See ``Tree/Snapshot/value(for:timeout:)``; linearizable.
    public func value(for key: Key, timeout: Duration? = nil) async throws -> Value? {
        try await latest.value(for: key, timeout: timeout)
    }

    /// See ``Tree/Snapshot/values(for:timeout:)``; linearizable.
    public func values(for keys: [Key], timeout: Duration? = nil) async throws -> [Value?] {
        try await latest.values(for: keys, timeout: timeout)
    }

    /// See ``Tree/Snapshot/count(timeout:)``; linearizable.
    public func count(timeout: Duration? = nil) async throws -> Int {
        try await latest.count(timeout: timeout)
    }

    /// See ``Tree/Snapshot/count(in:timeout:)``; linearizable.
    public func count(
        in interval: some KeyInterval<Key>, timeout: Duration? = nil
    ) async throws -> Int {
        try await latest.count(in: interval, timeout: timeout)
    }

    /// The entries of an interval, pinned to the newest revision when reading begins; see
    /// ``Tree/Snapshot/entries(in:direction:limit:timeout:)``.
    public func entries(
        in interval: some KeyInterval<Key>, direction: ReadDirection = .forward,
        limit: Int? = nil, timeout: Duration? = nil
    ) -> Entries {
        latest.entries(in: interval, direction: direction, limit: limit, timeout: timeout)
    }

    /// All entries, pinned to the newest revision when reading begins.
    public func entries(
        direction: ReadDirection = .forward, limit: Int? = nil, timeout: Duration? = nil
    ) -> Entries {
        latest.entries(direction: direction, limit: limit, timeout: timeout)
    }

    // MARK: Writing

    /// Gives `key` a value. When this returns, the change is synced to the disks of a majority of
    /// the replicas of everything it touched, once.
    ///
    /// - Returns: Whether the key had a value before.
    /// - Throws: `.valueTooLarge`; `.commitResultUnknown` when it may or may not be there: find out
    ///   with an id of your own, see ``replace(_:if:id:firstRevision:timeout:)``.
    /// Cancelling drops the wait; the change may still land.
    @discardableResult
    public func set(
        _ key: Key, to value: Value, timeout: Duration? = nil
    ) async throws -> Bool {
        try await replace([.set(key, value)], timeout: timeout).existed[0]
    }

    /// Takes the value of `key` away.
    /// - Returns: Whether the key had a value before.
    /// - Throws: As ``set(_:to:timeout:)``.
    @discardableResult
    public func remove(_ key: Key, timeout: Duration? = nil) async throws -> Bool {
        try await replace([.remove(key)], timeout: timeout).existed[0]
    }

    /// Gives `key` a value unless it has one.
    /// - Returns: Whether it did.
    /// - Throws: As ``set(_:to:timeout:)``.
    public func insert(
        _ key: Key, _ value: Value, timeout: Duration? = nil
    ) async throws -> Bool {
        try await isApplied {
            try await replace([.set(key, value)], if: [.isAbsent(key)], timeout: timeout)
        }
    }

    /// Gives `key` another value if it has exactly `old`; see ``Tree/Condition/isValue(_:_:)``.
    /// - Returns: Whether it did.
    /// - Throws: As ``set(_:to:timeout:)``.
    public func exchange(
        _ key: Key, _ old: Value, with new: Value, timeout: Duration? = nil
    ) async throws -> Bool {
        try await isApplied {
            try await replace([.set(key, new)], if: [.isValue(key, old)], timeout: timeout)
        }
    }

    /// Makes several changes as one atomic action, in order.
    ///
    /// - Parameters:
    ///   - changes: At most ``Limits/treeOperationCountMax``, together at most
    ///     ``Limits/actionBytesMax`` bytes.
    ///   - conditions: What must hold of the tree as it is before the action; when one does not,
    ///     nothing is done.
    /// - Throws: `.conflict` when a condition does not hold; as ``set(_:to:timeout:)``.
    @discardableResult
    public func replace(
        _ changes: [Change], if conditions: [Condition] = [],
        timeout: Duration? = nil
    ) async throws -> TreeCommit {
        try await replace(
            changes, if: conditions, id: handle.database.makeActionID(),
            firstRevision: revision, timeout: timeout)
    }

    /// The same under an id of the application's own, for retries that outlive the call or the
    /// process: with the same id and first revision it lands at most once, however often it is
    /// sent, through whatever proxy.
    ///
    /// - Parameters:
    ///   - id: From ``Database/makeActionID()``; keep it with the changes.
    ///   - firstRevision: ``revision`` when the id was drawn; keep it too.
    /// - Throws: `.actionIDReuse` for an id that came with another action; `.dedupeWindowLost` when
    ///   the history since `firstRevision` is gone; and see ``replace(_:if:timeout:)``.
    @discardableResult
    public func replace(
        _ changes: [Change], if conditions: [Condition] = [],
        id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> TreeCommit {
        let action = TreeAction(
            checks: try conditions.map { try $0.check(coding, read) },
            operations: try changes.map { try $0.operation(coding) })
        let landing = try await handle.act(
            .tree(action), id: id, firstRevision: firstRevision, timeout: timeout)
        return try TreeCommit(landing, checks: action.checks)
    }

    /// What became of an action: resolves an unknown outcome without trying again.
    ///
    /// - Parameter firstRevision: As in the action.
    /// - Returns: nil when it is in no entry up to now. It may land later while its request, or a
    ///   retry of it, is on its way.
    /// - Throws: `.conflict` when it landed and a condition did not hold.
    /// - Complexity: O(entries since `firstRevision`), read by the proxy.
    public func status(
        of id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> TreeCommit? {
        try await handle.landing(
            of: id, firstRevision: firstRevision, timeout: timeout
        ).landing.map { try TreeCommit($0) }
    }

    private func isApplied(_ body: () async throws -> TreeCommit) async throws -> Bool {
        do {
            _ = try await body()
            return true
        } catch let error as DatabaseError where error.code == .conflict {
            return false
        }
    }
}

extension Tree {
    /// One change of a tree.
    public enum Change: Sendable {
        case set(Key, Value)
        case remove(Key)

        func operation(_ coding: ValueCoding<Value>) throws(DatabaseError) -> TreeOperation {
            switch self {
            case .set(let key, let value):
                .put(key: try key.keyBytes, value: try coding.bytes(of: value))
            case .remove(let key): .delete(key: try key.keyBytes)
            }
        }
    }
}

extension Tree {
    /// What must hold of a tree for an action to be done.
    public enum Condition: Sendable {
        case isPresent(Key)
        case isAbsent(Key)
        /// The key has exactly this value. A value that this handle has read lately is compared by
        /// the bytes that were read, so that it does not matter who wrote it, and how it is
        /// spelled; any other one by its encoding.
        case isValue(Key, Value)

        func check(
            _ coding: ValueCoding<Value>, _ read: ReadValues
        ) throws(DatabaseError) -> TreeCheck {
            switch self {
            case .isPresent(let key): return .present(key: try key.keyBytes)
            case .isAbsent(let key): return .value(key: try key.keyBytes, nil)
            case .isValue(let key, let value):
                let bytes = try key.keyBytes
                let stored = try coding.stored(value, among: read.values(of: bytes))
                return .value(key: bytes, TreeValueHash(stored))
            }
        }
    }
}

/// An action on a tree that was done.
public struct TreeCommit: Hashable, Sendable {
    /// The revision of the tree with the action in it.
    public let revision: Revision
    /// For each change, whether its key had a value before.
    public let existed: [Bool]

    /// - Parameter checks: Of the action; none when they are not known any more.
    /// - Throws: `.conflict` when a condition of the action did not hold.
    init(_ landing: ActionLanding, checks: [TreeCheck] = []) throws(DatabaseError) {
        switch landing.outcome {
        case .tree(.applied(let existed)):
            revision = landing.position.revision
            self.existed = existed
        case .tree(.conflict(let check)):
            let condition =
                Int(check) < checks.count
                ? "the condition that \(checks[Int(check)].words)" : "condition \(check)"
            throw DatabaseError(
                .conflict,
                "\(condition) did not hold at revision \(landing.position.revision); nothing was "
                    + "changed")
        case .appended, .queue: throw Database.unexpectedReply(.acted(landing))
        }
    }
}

extension TreeCheck {
    /// What it asks for.
    fileprivate var words: String {
        switch self {
        case .present(let key): "key \(KeyText.text(key)) has a value"
        case .value(let key, nil): "key \(KeyText.text(key)) has no value"
        case .value(let key, _?): "key \(KeyText.text(key)) has the value given"
        case .range: "a range of keys is as it was read"
        }
    }
}

extension ValueCoding {
    /// The bytes that stand for a value: the last of those that were read and mean it, if any do.
    /// - Throws: As ``bytes(of:)``.
    func stored(_ value: Value, among read: [Bytes]) throws(DatabaseError) -> Bytes {
        let bytes = try bytes(of: value)
        guard let means, !read.contains(bytes) else { return bytes }
        return read.last { means($0, value) } ?? bytes
    }

    /// - Throws: `.valueUndecodable` naming the key.
    func value(of bytes: Bytes, key: Bytes) throws(DatabaseError) -> Value {
        do {
            return try decode(bytes)
        } catch {
            throw DatabaseError(
                .valueUndecodable,
                "the value of key \(KeyText.text(key)) does not decode as \(Value.self)",
                cause: error)
        }
    }
}

/// Keys as people read them.
package enum KeyText {
    /// Quoted text where the bytes are printable text, hexadecimal otherwise.
    package static func text(_ key: Bytes) -> String {
        if let text = String(validating: key, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        {
            return "\"\(text)\""
        }
        let digits = Array("0123456789abcdef")
        return "0x" + String(key.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
