import BlockModel
import BlockRuntime

extension BTree {
    /// Stops the process unless the tree is one: keys ascend and lie between the separators above
    /// them, all leaves are equally deep, every node but the root is filled and all are within
    /// limits, nothing is reached twice, and no node that was made is out of reach.
    /// - Returns: The ids of all nodes, ascending.
    /// - Throws: ``MissingBlocks``.
    /// - Complexity: Reads every block of the tree.
    @discardableResult
    package func checkInvariants() throws -> [BlockID] {
        var inspection = Inspection()
        if let root = tracker.header.root {
            try inspect(root, depth: 0, lower: nil, upper: nil, &inspection)
        }
        let reached = inspection.nodes.sorted()
        for (left, right) in zip(reached, reached.dropFirst()) {
            invariant(left != right, "node \(left) is reached twice")
        }
        let known = Set(reached)
        for id in tracker.liveBlocks(of: [TreeNode.leafType, TreeNode.branchType]) {
            invariant(known.contains(id), "node \(id) is out of reach")
        }
        return reached
    }

    private struct Inspection {
        var nodes: [BlockID] = []
        var leafDepth: Int?
        var lastKey: Bytes?
    }

    private func inspect(
        _ id: BlockID, depth: Int, lower: Bytes?, upper: Bytes?, _ inspection: inout Inspection
    ) throws {
        invariant(depth <= Limits.treeDepthMax, "node \(id) is at depth \(depth)")
        let node = try node(id)
        inspection.nodes.append(id)
        invariant(node.block?.id == id, "node \(id) is stored as another")
        invariant(node.block?.header.collection == collection, "node \(id) is another's")
        invariant(node.block?.violation == nil, "node \(id) breaks a bound of blocks")
        let items = node.items
        if isLeaf(node) {
            let leafDepth = inspection.leafDepth ?? depth
            invariant(leafDepth == depth, "leaves at depths \(leafDepth) and \(depth)")
            inspection.leafDepth = depth
            inspectLeaf(node, isRoot: depth == 0, lower: lower, upper: upper, &inspection)
            return
        }
        let count = TreeNode.childCount(itemCount: items.count)
        invariant(items.count == 2 * count - 1, "branch \(id) has \(items.count) items")
        invariant(
            count >= (depth == 0 ? 2 : capacity / 2) && count <= capacity,
            "branch \(id) has \(count) children")
        for child in 0..<count {
            let low = child == 0 ? lower : items[2 * child - 1]
            let high = child == count - 1 ? upper : items[2 * child + 1]
            if let low, let high {
                invariant(KeyOrder.compare(low, high) < 0, "separators of \(id) do not ascend")
            }
            try inspect(
                TreeNode.child(child, in: items), depth: depth + 1, lower: low, upper: high,
                &inspection)
        }
    }

    private func inspectLeaf(
        _ leaf: TrackedBlock, isRoot: Bool, lower: Bytes?, upper: Bytes?,
        _ inspection: inout Inspection
    ) {
        let items = leaf.items
        let count = items.count / 2
        let bytes = TreeNode.entryBytes(of: leaf)
        invariant(items.count == 2 * count && count > 0, "leaf \(leaf.id): \(items.count) items")
        invariant(
            TreeNode.entrySizes(items).reduce(0, +) == bytes, "leaf \(leaf.id) miscounts bytes")
        invariant(
            fill.isWithinLimits(count: count, bytes: bytes)
                && (isRoot || fill.isFilled(count: count, bytes: bytes)),
            "leaf \(leaf.id) has \(count) entries of \(bytes) bytes")
        for index in 0..<count {
            let key = items[2 * index]
            if let last = inspection.lastKey {
                invariant(KeyOrder.compare(last, key) < 0, "keys of leaf \(leaf.id) do not ascend")
            }
            if let lower {
                invariant(KeyOrder.compare(lower, key) <= 0, "a key of \(leaf.id) is too small")
            }
            if let upper {
                invariant(KeyOrder.compare(key, upper) < 0, "a key of \(leaf.id) is too great")
            }
            inspection.lastKey = key
        }
    }
}
