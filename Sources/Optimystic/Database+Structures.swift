import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    // MARK: Trees

    /// Opens a tree of JSON values, and creates it first when no collection has the name.
    ///
    /// - Parameters:
    ///   - name: 1 to ``Limits/nameBytesMax`` bytes without control characters.
    ///   - key: The type of its keys, which their order hangs on. The tree keeps what they are
    ///     (``OrderedKey/keyType``), and is not opened with others.
    ///   - value: What its values are; see ``ValueCoding/json``.
    ///   - capacity: Entries of a leaf and children of a branch at most, should it be created:
    ///     ``Limits/nodeCapacityMin`` to ``Limits/nodeCapacityMax``; nil:
    ///     ``Limits/nodeCapacityDefault``. Small nodes make small changes of large values cheap,
    ///     large ones make ranges cheap. A tree that exists keeps its own.
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else, or by a tree
    ///   of other keys or values; `.invalidArgument` for a capacity out of range.
    public func tree<Key: OrderedKey, Value: Codable & Sendable>(
        _ name: String, key: Key.Type, value: Value.Type, capacity: Int? = nil,
        timeout: Duration? = nil
    ) async throws -> Tree<Key, Value> {
        try await tree(name, key: key, coding: .json, capacity: capacity, timeout: timeout)
    }

    /// Opens a tree of raw bytes, and creates it first when no collection has the name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func tree(
        named name: String, timeout: Duration? = nil
    ) async throws -> Tree<Bytes, Bytes> {
        try await tree(name, key: Bytes.self, coding: .bytes, timeout: timeout)
    }

    /// Opens a tree of values in a given coding, and creates it first when no collection has the
    /// name.
    ///
    /// - Parameter capacity: As of ``tree(_:key:value:capacity:timeout:)``.
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else, or by a tree
    ///   of other keys or values; `.invalidArgument` for a capacity out of range.
    public func tree<Key: OrderedKey, Value>(
        _ name: String, key: Key.Type, coding: ValueCoding<Value>, capacity: Int? = nil,
        timeout: Duration? = nil
    ) async throws -> Tree<Key, Value> {
        if let capacity, !(Limits.nodeCapacityMin...Limits.nodeCapacityMax).contains(capacity) {
            throw DatabaseError(
                .invalidArgument,
                "a tree's capacity is \(capacity), of \(Limits.nodeCapacityMin) to "
                    + "\(Limits.nodeCapacityMax)")
        }
        let info = try await open(
            name, .tree, encoding: coding.encoding, keyType: Key.keyType, creates: true,
            capacity: capacity.map { UInt32($0) }, timeout: timeout)
        return Tree(handle: CollectionHandle(database: self, info: info, coding: coding))
    }

    /// Opens a tree whose keys are those of this type, as raw bytes, and creates it first when no
    /// collection has the name: for who learns only at run time what the keys are.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else, or by a tree
    ///   of other keys or values.
    public func tree<Value>(
        rawNamed name: String, keyType: KeyType, coding: ValueCoding<Value>,
        timeout: Duration? = nil
    ) async throws -> Tree<Bytes, Value> {
        let info = try await open(
            name, .tree, encoding: coding.encoding, keyType: keyType, creates: true,
            timeout: timeout)
        return Tree(handle: CollectionHandle(database: self, info: info, coding: coding))
    }

    /// Opens a tree of JSON values that exists. Never creates one.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is something else.
    public func openTree<Key: OrderedKey, Value: Codable & Sendable>(
        _ name: String, key: Key.Type, value: Value.Type, timeout: Duration? = nil
    ) async throws -> Tree<Key, Value> {
        let info = try await open(
            name, .tree, encoding: .json, keyType: Key.keyType, creates: false, timeout: timeout)
        return Tree(handle: CollectionHandle(database: self, info: info, coding: .json))
    }

    /// Opens a tree that exists, whatever its keys and values are, as raw bytes. Never creates one.
    /// A writer keeps to what the header in ``Tree/info`` names; keys of another type are
    /// refused, `.invalidArgument`.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is no tree.
    public func openTree(
        named name: String, timeout: Duration? = nil
    ) async throws -> Tree<Bytes, Bytes> {
        let info = try await open(name, .tree, encoding: nil, creates: false, timeout: timeout)
        return Tree(handle: CollectionHandle(database: self, info: info, coding: .bytes))
    }

    // MARK: Queues

    /// Opens a queue of JSON values, and creates it first when no collection has the name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func queue<Value: Codable & Sendable>(
        _ name: String, of type: Value.Type, timeout: Duration? = nil
    ) async throws -> Queue<Value> {
        try await queue(name, coding: .json, timeout: timeout)
    }

    /// Opens a queue of raw bytes, and creates it first when no collection has the name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func queue(named name: String, timeout: Duration? = nil) async throws -> Queue<Bytes> {
        try await queue(name, coding: .bytes, timeout: timeout)
    }

    /// Opens a queue of values in a given coding, and creates it first when no collection has the
    /// name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func queue<Value>(
        _ name: String, coding: ValueCoding<Value>, timeout: Duration? = nil
    ) async throws -> Queue<Value> {
        let info = try await open(
            name, .queue, encoding: coding.encoding, creates: true, timeout: timeout)
        return Queue(handle: CollectionHandle(database: self, info: info, coding: coding))
    }

    /// Opens a queue of JSON values that exists. Never creates one.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is something else.
    public func openQueue<Value: Codable & Sendable>(
        _ name: String, of type: Value.Type, timeout: Duration? = nil
    ) async throws -> Queue<Value> {
        let info = try await open(name, .queue, encoding: .json, creates: false, timeout: timeout)
        return Queue(handle: CollectionHandle(database: self, info: info, coding: .json))
    }

    /// Opens a queue that exists, whatever the encoding of its values, as raw bytes.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is no queue.
    public func openQueue(
        named name: String, timeout: Duration? = nil
    ) async throws -> Queue<Bytes> {
        let info = try await open(name, .queue, encoding: nil, creates: false, timeout: timeout)
        return Queue(handle: CollectionHandle(database: self, info: info, coding: .bytes))
    }
}
