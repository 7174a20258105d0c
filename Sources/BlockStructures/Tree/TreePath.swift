import BlockModel
import BlockRuntime

/// A place in a tree: on an entry, or in the gap before one, or behind the last.
///
/// It is valid until the tree changes, through whatever handle; a call with an outdated path throws
/// and changes nothing.
package struct TreePath {
    var steps: [BTree.Step]
    /// nil in an empty tree.
    var leaf: TrackedBlock?
    /// The entry it is on, or the one behind the gap; the count of entries at the end of the leaf.
    var index: Int
    /// Whether it is on an entry.
    package internal(set) var isOnEntry: Bool
    /// The state of the tracker in which it was found.
    let version: Int
}

extension BTree {
    /// Whether the tree is as it was when `path` was found.
    package func isValid(_ path: TreePath) -> Bool { path.version == tracker.version }

    /// Stops the use of an outdated path.
    func check(_ path: TreePath) throws(DatabaseError) {
        guard isValid(path) else {
            throw DatabaseError(
                .invalidArgument, "a path into a tree is used after a change; find it again")
        }
    }

    /// The place of a key: on its entry, or in the gap where it would be.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level.
    package func find(_ key: Bytes) throws -> TreePath {
        guard let leaf = try leaf(of: key) else { return emptyPath }
        let place = TreeNode.entryIndex(of: key, in: leaf.items)
        return TreePath(
            steps: spine, leaf: leaf, index: place.index, isOnEntry: place.isFound,
            version: tracker.version)
    }

    /// The first entry; in an empty tree a path that is on none.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level.
    package func first() throws -> TreePath {
        guard let root = tracker.header.root else { return emptyPath }
        var path = emptyPath
        path.leaf = try descend(from: root, into: &path.steps) { _ in 0 }
        path.isOnEntry = true
        return path
    }

    /// The last entry; in an empty tree a path that is on none.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level.
    package func last() throws -> TreePath {
        guard let root = tracker.header.root else { return emptyPath }
        var path = emptyPath
        let leaf = try descend(from: root, into: &path.steps) {
            TreeNode.childCount(itemCount: $0.count) - 1
        }
        path.leaf = leaf
        path.index = leaf.items.count / 2 - 1
        path.isOnEntry = true
        return path
    }

    var emptyPath: TreePath {
        TreePath(steps: [], leaf: nil, index: 0, isOnEntry: false, version: tracker.version)
    }

    /// The entry a path is on, nil when it is on none.
    /// - Throws: `.invalidArgument` when the tree has changed since.
    package func entry(at path: TreePath) throws(DatabaseError) -> TreeEntry? {
        try check(path)
        guard path.isOnEntry, let items = path.leaf?.items else { return nil }
        return TreeEntry(key: items[2 * path.index], value: items[2 * path.index + 1])
    }

    /// The entry behind a path: from a gap the one it is before. Behind the last entry the result
    /// is on none, and stays so.
    /// - Throws: `.invalidArgument` when the tree has changed since; ``MissingBlocks``.
    package func next(_ path: TreePath) throws -> TreePath {
        try check(path)
        var path = path
        guard let leaf = path.leaf else { return path }
        if path.isOnEntry { path.index += 1 }
        path.isOnEntry = true
        let count = leaf.items.count / 2
        if path.index < count { return path }
        guard try moveToLeaf(&path, forward: true) else {
            path.index = count
            path.isOnEntry = false
            return path
        }
        path.index = 0
        return path
    }

    /// The entry before a path. Before the first entry the result is in the gap in front of it.
    /// - Throws: `.invalidArgument` when the tree has changed since; ``MissingBlocks``.
    package func prior(_ path: TreePath) throws -> TreePath {
        try check(path)
        var path = path
        guard path.leaf != nil else { return path }
        path.index -= 1
        path.isOnEntry = true
        if path.index >= 0 { return path }
        guard try moveToLeaf(&path, forward: false), let leaf = path.leaf else {
            path.index = 0
            path.isOnEntry = false
            return path
        }
        path.index = leaf.items.count / 2 - 1
        return path
    }

    /// Moves to the neighbouring leaf, in place: nothing is copied where the leaf is of the same
    /// branch. The index stays as it was.
    /// - Returns: false, with the path as it was, at the end.
    /// - Throws: ``MissingBlocks`` and `.corrupted`, with the path as it was.
    func moveToLeaf(_ path: inout TreePath, forward: Bool) throws -> Bool {
        for level in path.steps.indices.reversed() {
            let items = path.steps[level].branch.items
            let child = path.steps[level].child + (forward ? 1 : -1)
            guard child >= 0, child < TreeNode.childCount(itemCount: items.count) else { continue }
            spine.removeAll(keepingCapacity: true)
            path.leaf = try descend(
                from: try TreeNode.child(child, in: items), depth: level + 1, into: &spine
            ) { forward ? 0 : TreeNode.childCount(itemCount: $0.count) - 1 }
            path.steps[level].child = child
            path.steps.removeSubrange((level + 1)...)
            path.steps += spine
            return true
        }
        return false
    }
}

// MARK: - Changing at a path

extension BTree {
    /// Replaces the entry a path is on, with another key if need be.
    /// - Returns: false, with the tree as it was, when the path is on no entry or the new key has
    ///   one already.
    /// - Throws: `.invalidArgument` when the tree has changed since; as ``insert(_:_:)``.
    package func update(at path: TreePath, key: Bytes? = nil, value: Bytes) throws -> Bool {
        guard let entry = try entry(at: path), let leaf = path.leaf else { return false }
        let key = key ?? entry.key
        try checkSizes(key, value)
        if key == entry.key {
            spine = path.steps
            try setValue(value, in: leaf, at: path.index)
            return true
        }
        return try AtomicScope.run(on: tracker) {
            guard try insert(key, value) else { return false }
            try delete(entry.key)
            return true
        }
    }

    /// Removes the entry a path is on.
    /// - Returns: false, with the tree as it was, when it is on none.
    /// - Throws: `.invalidArgument` when the tree has changed since; as ``delete(_:)``.
    package func delete(at path: TreePath) throws -> Bool {
        try check(path)
        guard path.isOnEntry, let leaf = path.leaf else { return false }
        spine = path.steps
        try remove(at: path.index, from: leaf)
        return true
    }
}
