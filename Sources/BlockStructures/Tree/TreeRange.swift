import BlockModel
import BlockRuntime

/// Goes through the entries of a range in one direction, a leaf at a time: where the range ends in
/// a leaf is found once, and then its entries are only counted off.
package struct TreeCursor {
    private let tree: BTree
    private let range: KeyRange
    private let isAscending: Bool
    private let version: Int
    /// The entry at which the current leaf was entered.
    private var path: TreePath
    private var isStarted = false
    /// The items of the current leaf.
    private var items: [Bytes] = []
    /// The next entry to give, and how many from there on are in the leaf and in the range.
    private var index = 0
    private var remaining = 0
    /// Whether the range goes no further than the current leaf.
    private var isLastLeaf = false

    init(tree: BTree, range: KeyRange, isAscending: Bool) {
        self.tree = tree
        self.range = range
        self.isAscending = isAscending
        version = tree.tracker.version
        path = tree.emptyPath
    }

    /// The next entry, nil behind the last one of the range.
    /// - Throws: `.invalidArgument` when the tree has changed since the cursor was made;
    ///   ``MissingBlocks``, after which the same call can be made again.
    package mutating func next() throws -> TreeEntry? {
        guard version == tree.tracker.version else {
            throw DatabaseError(
                .invalidArgument, "a tree changed under a cursor; start again behind the last key")
        }
        if remaining == 0 {
            try enterNextLeaf()
            if remaining == 0 { return nil }
        }
        remaining -= 1
        let place = 2 * index
        index += isAscending ? 1 : -1
        return TreeEntry(key: items[place], value: items[place + 1])
    }

    /// Leaves ``remaining`` at zero behind the end.
    private mutating func enterNextLeaf() throws {
        if isLastLeaf { return }
        if !isStarted {
            path = try start()
            isStarted = true
        } else if try tree.moveToLeaf(&path, forward: isAscending) {
            path.index = isAscending ? 0 : (path.leaf?.items.count ?? 0) / 2 - 1
        } else {
            path.isOnEntry = false
        }
        guard path.isOnEntry, let leaf = path.leaf else {
            isLastLeaf = true
            items = []
            return
        }
        items = leaf.items
        index = path.index
        let count = items.count / 2
        if isAscending {
            let end = range.upper.map { $0.place(in: items, isBehind: $0.isInclusive) } ?? count
            remaining = max(0, end - index)
            isLastLeaf = end < count
        } else {
            let first = range.lower.map { $0.place(in: items, isBehind: !$0.isInclusive) } ?? 0
            remaining = max(0, index + 1 - first)
            isLastLeaf = first > 0
        }
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

extension KeyBound {
    /// The number of entries of a leaf before the key.
    /// - Parameter isBehind: Whether the entry of the key itself, if there is one, counts too.
    fileprivate func place(in items: [Bytes], isBehind: Bool) -> Int {
        let place = TreeNode.entryIndex(of: key, in: items)
        return place.index + (place.isFound && isBehind ? 1 : 0)
    }
}
