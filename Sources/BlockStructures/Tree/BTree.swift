import BlockModel
import BlockRuntime

/// A B+tree of unique byte keys over a ``Tracker``.
///
/// Keys are ordered as bytes. Entries are in the leaves; branches hold separators and children.
/// The root and the capacity are in the collection's header, which the tracker carries: two trees
/// over one tracker are the same tree. Every block looked at is in the read set, siblings too.
///
/// Whatever throws leaves the tree as it was; after ``MissingBlocks`` the caller fetches and runs
/// its whole action again. Not to be used from two threads.
package final class BTree {
    package let tracker: Tracker
    let collection: CollectionID
    /// Entries of a leaf and children of a branch, at most.
    package let capacity: Int
    let fill: LeafFill

    /// The branches above the current leaf, from the root, each with the child taken. Kept between
    /// calls for its memory only.
    var spine: [Step] = []

    /// A branch on the way to a leaf.
    struct Step {
        let branch: TrackedBlock
        var child: Int
    }

    /// - Parameter collection: The owner named in the headers of new nodes.
    /// - Throws: `.corrupted` when the header's capacity is out of bounds.
    package init(tracker: Tracker, collection: CollectionID) throws(DatabaseError) {
        self.tracker = tracker
        self.collection = collection
        capacity = Int(tracker.header.capacity)
        guard (Limits.nodeCapacityMin...Limits.nodeCapacityMax).contains(capacity) else {
            throw DatabaseError(
                .corrupted,
                "a tree's capacity is \(capacity), of \(Limits.nodeCapacityMin) to "
                    + "\(Limits.nodeCapacityMax)")
        }
        fill = LeafFill(capacity: capacity)
    }

    /// The header part with the root as it is.
    package var header: CollectionHeader { tracker.header }

    /// The header of an empty tree.
    /// - Parameter capacity: Of ``Limits/nodeCapacityMin`` to ``Limits/nodeCapacityMax``.
    package static func emptyHeader(
        encoding: ValueEncoding, capacity: Int = Limits.nodeCapacityDefault
    ) -> CollectionHeader {
        CollectionHeader(kind: .tree, encoding: encoding, capacity: UInt32(capacity))
    }
}

// MARK: - Descending

extension BTree {
    /// A node that must exist.
    /// - Throws: ``MissingBlocks``; `.corrupted` when it does not exist or has not the shape of a
    ///   node, so that nothing stored by whomever makes this program stop.
    func node(_ id: BlockID) throws -> TrackedBlock {
        let node = try tracker.tracked(id)
        if node.isShapeChecked, node.state.block != nil { return node }
        guard let block = node.state.block else {
            throw DatabaseError(.corrupted, "node \(id) of a tree does not exist")
        }
        if let problem = TreeNode.problem(of: block, fill: fill) {
            throw DatabaseError(.corrupted, "node \(id) of a tree \(problem)")
        }
        node.isShapeChecked = true
        return node
    }

    func isLeaf(_ node: TrackedBlock) -> Bool {
        node.state.block?.header.type == TreeNode.leafType
    }

    /// Goes down from `id`, adding the branches to `steps`.
    /// - Parameters:
    ///   - depth: Branches above `id` that are not in `steps`.
    ///   - choose: The child to take of a branch with these items.
    /// - Throws: ``MissingBlocks``; `.corrupted`, also for a tree deeper than any can be.
    @inline(__always)
    func descend(
        from id: BlockID, depth: Int = 0, into steps: inout [Step], choose: ([Bytes]) -> Int
    ) throws -> TrackedBlock {
        var node = try node(id)
        while !isLeaf(node) {
            guard depth + steps.count < Limits.treeDepthMax else {
                throw DatabaseError(
                    .corrupted, "a tree is deeper than treeDepthMax, \(Limits.treeDepthMax)")
            }
            let items = node.items
            let child = choose(items)
            steps.append(Step(branch: node, child: child))
            node = try self.node(try TreeNode.child(child, in: items))
        }
        return node
    }

    /// Finds the leaf of `key` and leaves the way to it in ``spine``.
    /// - Returns: nil when the tree is empty.
    func leaf(of key: Bytes) throws -> TrackedBlock? {
        spine.removeAll(keepingCapacity: true)
        guard let root = tracker.header.root else { return nil }
        return try descend(from: root, into: &spine) { TreeNode.childIndex(of: key, in: $0) }
    }
}

extension TrackedBlock {
    /// The items of a tree's node.
    var items: [Bytes] { state.block?.list(TreeNode.items) ?? [] }
}

// MARK: - Looking up

extension BTree {
    /// - Returns: The value of `key`, nil when it has none.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level.
    package func get(_ key: Bytes) throws -> Bytes? {
        guard let leaf = try leaf(of: key) else { return nil }
        let items = leaf.items
        let place = TreeNode.entryIndex(of: key, in: items)
        return place.isFound ? items[2 * place.index + 1] : nil
    }

    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads one block a level.
    package func contains(_ key: Bytes) throws -> Bool { try get(key) != nil }

    /// The number of entries.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads every block of the tree.
    package func count() throws -> Int {
        var cursor = cursor()
        var sum = 0
        while case let count = try cursor.passLeaf(), count > 0 { sum += count }
        return sum
    }
}
