import BlockModel
import BlockRuntime
import BlockStructures

/// What the handler of a custom collection reads and writes: the blocks of the collection, with
/// everything that pending actions have done.
///
/// A handler must be deterministic: a function of the action and of what it reads here. It may run
/// any number of times, on other states each time, and may be interrupted by a block that has to be
/// fetched; what it did is then undone, and it runs again from the start. So it lets every error
/// pass that is thrown here. Not to be kept beyond the call.
///
/// Two ways to keep things: an ordered map of keys and values (``value(for:)`` and its
/// neighbours), or blocks of your own that hang from ``root``. A collection uses one of them.
public final class ActionScope {
    private let tracker: Tracker
    private let collection: CollectionID

    init(tracker: Tracker, collection: CollectionID) {
        self.tracker = tracker
        self.collection = collection
    }

    // MARK: An ordered map

    /// - Returns: The value of `key`, nil when it has none.
    public func value(for key: Bytes) throws -> Bytes? { try tree.get(key) }

    /// Gives `key` a value.
    /// - Returns: The value before.
    /// - Throws: `.valueTooLarge`.
    @discardableResult
    public func set(_ key: Bytes, _ value: Bytes) throws -> Bytes? { try tree.upsert(key, value) }

    /// Takes the value of `key` away.
    /// - Returns: The value before.
    @discardableResult
    public func remove(_ key: Bytes) throws -> Bytes? { try tree.delete(key) }

    /// Entries of a range, in order, at most `countMax`.
    public func entries(
        in range: KeyRange = .all, direction: ReadDirection = .forward, countMax: Int = .max
    ) throws -> [TreeEntry] {
        try tree.entries(in: range, isAscending: direction == .forward, countMax: countMax)
    }

    private var tree: BTree {
        get throws { try BTree(tracker: tracker, collection: collection) }
    }

    // MARK: Blocks

    /// The block that all others are found from, as the collection's header says.
    public var root: BlockID? {
        get { tracker.header.root }
        set { tracker.header.root = newValue }
    }

    /// - Returns: nil when there is no such block.
    public func block(_ id: BlockID) throws -> Block? { try tracker.block(id) }

    /// Makes a new block. Its id is a function of the action, so that it is the same in every run.
    /// - Parameter attributes: Bytes or lists of bytes.
    /// - Throws: `.invalidArgument` when the block breaks a bound.
    public func insert(
        _ type: BlockType, _ attributes: [BlockAttribute: BlockValue] = [:]
    ) throws -> BlockID {
        let id = tracker.makeID()
        var block = Block(header: Block.Header(id: id, type: type, collection: collection))
        for attribute in attributes.keys.sorted() {
            block.assign(attribute, attributes[attribute])
        }
        try tracker.insert(block)
        return id
    }

    /// Changes a block.
    public func update(_ id: BlockID, _ operation: BlockOperation) throws {
        try tracker.update(id, operation)
    }

    /// Removes a block. Nothing happens when there is none.
    public func delete(_ id: BlockID) throws { try tracker.delete(id) }
}
