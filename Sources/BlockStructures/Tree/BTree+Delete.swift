import BlockModel
import BlockRuntime

extension BTree {
    /// Removes the entry of a key.
    /// - Returns: Its value, nil when there was none; the tree is then as it was.
    /// - Throws: ``MissingBlocks``, also for a sibling that the rebalancing needs.
    /// - Complexity: Reads one block a level, and a sibling a level where nodes merge.
    @discardableResult
    package func delete(_ key: Bytes) throws -> Bytes? {
        guard let leaf = try leaf(of: key) else { return nil }
        let items = leaf.items
        let place = TreeNode.entryIndex(of: key, in: items)
        guard place.isFound else { return nil }
        let value = items[2 * place.index + 1]
        try remove(at: place.index, from: leaf)
        return value
    }

    /// Removes every entry and deletes every node.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads and writes every block of the tree.
    package func drop() throws {
        guard let root = tracker.header.root else { return }
        try AtomicScope.run(on: tracker) {
            try drop(below: root, depth: 0)
            tracker.header.root = nil
        }
    }

    private func drop(below id: BlockID, depth: Int) throws {
        let node = try node(id)
        if !isLeaf(node) {
            guard depth < Limits.treeDepthMax else {
                throw DatabaseError(.corrupted, "a tree is deeper than \(Limits.treeDepthMax)")
            }
            let items = node.items
            for child in 0..<TreeNode.childCount(itemCount: items.count) {
                try drop(below: TreeNode.child(child, in: items), depth: depth + 1)
            }
        }
        try tracker.delete(id)
    }

    /// Removes an entry of the leaf that the spine leads to.
    func remove(at index: Int, from leaf: TrackedBlock) throws {
        let items = leaf.items
        let count = items.count / 2 - 1
        let bytes =
            TreeNode.entryBytes(of: leaf)
            - TreeNode.entryBytes(items[2 * index], items[2 * index + 1])
        let operation = BlockOperation.splice(
            TreeNode.items, index: 2 * index, deleteCount: 2, inserted: [])
        let isRoot = spine.isEmpty
        if isRoot ? count > 0 : fill.isFilled(count: count, bytes: bytes) {
            try tracker.update(leaf, operation)
            return
        }
        try AtomicScope.run(on: tracker) {
            if isRoot {
                mark("tree.emptied")
                try tracker.delete(leaf.id)
                tracker.header.root = nil
            } else {
                try tracker.update(leaf, operation)
                try refill(leaf)
            }
        }
    }
}

// MARK: - Rebalancing

extension BTree {
    /// Two neighbours and the place of the separator between them in their parent.
    private struct Pair {
        let left: TrackedBlock
        let right: TrackedBlock
        let separatorIndex: Int
    }

    /// The child taken at `level` with its right neighbour, or its left one if it is the last.
    private func pair(at level: Int) throws -> Pair {
        let step = spine[level]
        let items = step.branch.items
        let last = TreeNode.childCount(itemCount: items.count) - 1
        guard last > 0 else {
            throw DatabaseError(.corrupted, "branch \(step.branch.id) of a tree has one child")
        }
        let first = min(step.child, last - 1)
        return Pair(
            left: try node(try TreeNode.child(first, in: items)),
            right: try node(try TreeNode.child(first + 1, in: items)),
            separatorIndex: 2 * first + 1)
    }

    /// Merges an underfull leaf with a neighbour, or shares the neighbour's entries with it.
    func refill(_ leaf: TrackedBlock) throws {
        let level = spine.count - 1
        let pair = try pair(at: level)
        let left = pair.left.items
        let right = pair.right.items
        let bytes = TreeNode.entryBytes(of: pair.left) + TreeNode.entryBytes(of: pair.right)
        if fill.isWithinLimits(count: (left.count + right.count) / 2, bytes: bytes) {
            mark("tree.leafMerge")
            try append(right, to: pair.left)
            try tracker.delete(pair.right.id)
            try dropChild(of: pair, level: level)
            return
        }
        mark("tree.leafShare")
        let point = 2 * fill.splitPoint(TreeNode.entrySizes(left) + TreeNode.entrySizes(right))
        let separator: Bytes
        if point > left.count {
            let moved = point - left.count
            separator = right[moved]
            try append(Array(right[..<moved]), to: pair.left)
            try splice(pair.right, at: 0, deleting: moved, inserting: [])
        } else {
            separator = left[point]
            try splice(pair.left, at: point, deleting: left.count - point, inserting: [])
            try splice(pair.right, at: 0, deleting: 0, inserting: Array(left[point...]))
        }
        try splice(
            spine[level].branch, at: pair.separatorIndex, deleting: 1, inserting: [separator])
    }

    /// Removes the right one of a merged pair from its parent, which may leave that underfull.
    private func dropChild(of pair: Pair, level: Int) throws {
        let branch = spine[level].branch
        try splice(branch, at: pair.separatorIndex, deleting: 2, inserting: [])
        let items = branch.items
        let count = TreeNode.childCount(itemCount: items.count)
        if level == 0 {
            guard count == 1 else { return }
            mark("tree.rootCollapse")
            tracker.header.root = try TreeNode.child(0, in: items)
            try tracker.delete(branch.id)
        } else if count < capacity / 2 {
            try refillBranch(level: level)
        }
    }

    /// The same for the branch at `level`; the parent's separator goes down between the halves.
    private func refillBranch(level: Int) throws {
        let pair = try pair(at: level - 1)
        let parent = spine[level - 1].branch
        let left = pair.left.items
        let right = pair.right.items
        let separator = parent.items[pair.separatorIndex]
        let count = (left.count + right.count) / 2 + 1
        if count <= capacity {
            mark("tree.branchMerge")
            try append([separator] + right, to: pair.left)
            try tracker.delete(pair.right.id)
            try dropChild(of: pair, level: level - 1)
            return
        }
        mark("tree.branchShare")
        let pool = left + [separator] + right
        let point = 2 * (count / 2)
        if point > left.count {
            try append(Array(pool[left.count..<point - 1]), to: pair.left)
            try splice(
                pair.right, at: 0, deleting: point - left.count - 1, inserting: [])
        } else {
            try splice(
                pair.left, at: point - 1, deleting: left.count - point + 1, inserting: [])
            try splice(
                pair.right, at: 0, deleting: 0, inserting: Array(pool[point...left.count]))
        }
        try splice(
            parent, at: pair.separatorIndex, deleting: 1, inserting: [pool[point - 1]])
    }

    private func append(_ items: [Bytes], to node: TrackedBlock) throws {
        try splice(node, at: node.items.count, deleting: 0, inserting: items)
    }

    private func splice(
        _ node: TrackedBlock, at index: Int, deleting count: Int, inserting items: [Bytes]
    ) throws {
        try tracker.update(
            node,
            .splice(TreeNode.items, index: index, deleteCount: count, inserted: items))
    }
}
