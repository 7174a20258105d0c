import BlockModel
import BlockRuntime

/// A key and its value.
package struct TreeEntry: Hashable, Sendable {
    package let key: Bytes
    package let value: Bytes

    package init(key: Bytes, value: Bytes) {
        self.key = key
        self.value = value
    }
}

/// An end of a range.
package struct KeyBound: Hashable, Sendable {
    package let key: Bytes
    /// Whether the key itself is in the range.
    package let isInclusive: Bool

    package init(_ key: Bytes, isInclusive: Bool = true) {
        self.key = key
        self.isInclusive = isInclusive
    }
}

/// Keys between two bounds, either of which may be absent. An inverted range is empty.
package struct KeyRange: Hashable, Sendable {
    package let lower: KeyBound?
    package let upper: KeyBound?

    package init(lower: KeyBound? = nil, upper: KeyBound? = nil) {
        self.lower = lower
        self.upper = upper
    }

    package static let all = KeyRange()

    func isAbove(_ key: Bytes) -> Bool {
        guard let upper else { return false }
        let order = TreeNode.compare(key, upper.key)
        return order > 0 || (order == 0 && !upper.isInclusive)
    }

    func isBelow(_ key: Bytes) -> Bool {
        guard let lower else { return false }
        let order = TreeNode.compare(key, lower.key)
        return order < 0 || (order == 0 && !lower.isInclusive)
    }

    package func contains(_ key: Bytes) -> Bool { !isAbove(key) && !isBelow(key) }
}

/// Goes through the entries of a range in one direction, a leaf at a time.
package struct TreeCursor {
    private let tree: BTree
    private let range: KeyRange
    private let isAscending: Bool
    /// The next entry to give; nil before the first call and behind the end.
    private var path: TreePath?
    private var items: [Bytes] = []
    private var isStarted = false
    private let version: Int

    init(tree: BTree, range: KeyRange, isAscending: Bool) {
        self.tree = tree
        self.range = range
        self.isAscending = isAscending
        version = tree.tracker.version
    }

    /// The next entry, nil behind the last one of the range.
    /// - Throws: `.invalidArgument` when the tree has changed since the cursor was made;
    ///   ``MissingBlocks``, after which the same call can be made again.
    package mutating func next() throws -> TreeEntry? {
        guard version == tree.tracker.version else {
            throw DatabaseError(
                .invalidArgument, "a tree changed under a cursor; start again behind the last key")
        }
        if !isStarted {
            try move(to: try start())
            isStarted = true
        }
        guard let current = path else { return nil }
        let key = items[2 * current.index]
        if isAscending ? range.isAbove(key) : range.isBelow(key) {
            path = nil
            return nil
        }
        let entry = TreeEntry(key: key, value: items[2 * current.index + 1])
        let index = current.index + (isAscending ? 1 : -1)
        if index >= 0, 2 * index < items.count {
            path?.index = index
        } else {
            try move(to: isAscending ? tree.next(current) : tree.prior(current))
        }
        return entry
    }

    private mutating func move(to path: TreePath) throws {
        self.path = path.isOnEntry ? path : nil
        items = path.isOnEntry ? path.leaf?.items ?? [] : []
    }

    private func start() throws -> TreePath {
        guard let bound = isAscending ? range.lower : range.upper else {
            return isAscending ? try tree.first() : try tree.last()
        }
        let path = try tree.find(bound.key)
        if path.isOnEntry, bound.isInclusive { return path }
        return isAscending ? try tree.next(path) : try tree.prior(path)
    }
}

extension BTree {
    /// A cursor over a range. Nothing is read before its first step; from then on the leaf where
    /// the range begins is in the read set even if it is empty.
    package func cursor(_ range: KeyRange = .all, isAscending: Bool = true) -> TreeCursor {
        TreeCursor(tree: self, range: range, isAscending: isAscending)
    }

    /// Entries of a range, in order.
    /// - Parameter countMax: After so many it stops.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level and every leaf of the range.
    package func entries(
        in range: KeyRange = .all, isAscending: Bool = true, countMax: Int = .max
    ) throws -> [TreeEntry] {
        var cursor = cursor(range, isAscending: isAscending)
        var entries: [TreeEntry] = []
        while entries.count < countMax, let entry = try cursor.next() { entries.append(entry) }
        return entries
    }

    /// Keys of a range, in order; see ``entries(in:isAscending:countMax:)``.
    package func keys(in range: KeyRange = .all, isAscending: Bool = true) throws -> [Bytes] {
        var cursor = cursor(range, isAscending: isAscending)
        var keys: [Bytes] = []
        while let entry = try cursor.next() { keys.append(entry.key) }
        return keys
    }
}
