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
    /// Leaves passed: when one is not at hand, the nodes before twice as many more are asked for as
    /// well. So who fetches them and begins again needs few rounds, and reads at most three times
    /// what is of use.
    private var lookahead: Int

    init(tree: BTree, range: KeyRange, isAscending: Bool, lookahead: Int) {
        self.tree = tree
        self.range = range
        self.isAscending = isAscending
        self.lookahead = lookahead
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

    /// Passes over the entries of the range that are left in a leaf, or are in the next one.
    /// - Returns: How many they are; zero behind the end.
    /// - Throws: As ``next()``.
    package mutating func passLeaf() throws -> Int {
        if remaining == 0 {
            guard try next() != nil else { return 0 }
            remaining += 1
            index -= isAscending ? 1 : -1
        }
        defer {
            index += isAscending ? remaining : -remaining
            remaining = 0
        }
        return remaining
    }

    /// The key of the entry given or passed last.
    package var lastKey: Bytes? {
        let last = isAscending ? index - 1 : index + 1
        return items.indices.contains(2 * last) ? items[2 * last] : nil
    }

    /// The nodes on the way to the current leaf, that leaf, and those on the way to the next one as
    /// far as it was gone. None before a leaf was entered.
    package var pathBlocks: [BlockID] {
        guard let leaf = path.leaf else { return [] }
        return (path.steps + tree.spine).map(\.branch.id) + [leaf.id]
    }

    /// Leaves ``remaining`` at zero behind the end.
    private mutating func enterNextLeaf() throws {
        if isLastLeaf { return }
        do {
            if !isStarted {
                path = try start()
                isStarted = true
            } else if try tree.moveToLeaf(&path, forward: isAscending) {
                path.index = isAscending ? 0 : (path.leaf?.items.count ?? 0) / 2 - 1
            } else {
                path.isOnEntry = false
            }
        } catch let missing as MissingBlocks {
            throw MissingBlocks(missing.ids + ahead().filter { !missing.ids.contains($0) })
        }
        lookahead += 1
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

    /// The nodes that come next and are not at hand.
    private func ahead() -> [BlockID] {
        let reached = isStarted ? lastKey : nil
        return tree.missingNodes(
            from: (isAscending ? reached : nil) ?? range.lower?.key,
            through: (isAscending ? nil : reached) ?? range.upper?.key, isAscending: isAscending,
            leafCountMax: min(max(1, 2 * lookahead), Limits.missingBlockCountMax))
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
    /// - Parameter lookahead: Leaves that were passed before.
    package func cursor(
        _ range: KeyRange = .all, isAscending: Bool = true, lookahead: Int = 0
    ) -> TreeCursor {
        TreeCursor(tree: self, range: range, isAscending: isAscending, lookahead: lookahead)
    }

    /// Nodes of a range that are not at hand, in the order in which a cursor comes to them, as far
    /// as the branches above them are. Nothing enters the read set.
    /// - Parameter leafCountMax: Of leaves at hand and nodes that are not; the first leaf, to which
    ///   a cursor has come, apart. So it bounds what a reader holds ahead of it.
    /// - Complexity: O(`leafCountMax` and the depth).
    func missingNodes(
        from lower: Bytes?, through upper: Bytes?, isAscending: Bool, leafCountMax: Int
    ) -> [BlockID] {
        var missing: [BlockID] = []
        var leafCount = 0
        guard let root = tracker.header.root else { return missing }
        // What is left to look at, the next node last.
        var stack: [(id: BlockID, lower: Bytes?, upper: Bytes?, depth: Int)] = [
            (root, lower, upper, 0)
        ]
        while missing.count + leafCount <= leafCountMax, let node = stack.popLast() {
            let (block, isAtHand) = tracker.glance(node.id)
            if !isAtHand { missing.append(node.id) }
            guard let block, block.header.type == TreeNode.branchType,
                node.depth < Limits.treeDepthMax
            else {
                if isAtHand { leafCount += 1 }
                continue
            }
            let items = block.list(TreeNode.items)
            let last = TreeNode.childCount(itemCount: items.count) - 1
            let from = node.lower.map { TreeNode.childIndex(of: $0, in: items) } ?? 0
            let through = node.upper.map { TreeNode.childIndex(of: $0, in: items) } ?? last
            guard from <= through else { continue }
            for child in isAscending ? Array((from...through).reversed()) : Array(from...through) {
                guard let id = try? TreeNode.child(child, in: items) else { continue }
                stack.append(
                    (
                        id, child == from ? node.lower : nil, child == through ? node.upper : nil,
                        node.depth + 1
                    ))
            }
        }
        return missing
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
