import BlockModel
import BlockRuntime

extension BTree {
    /// Adds an entry unless the key has one.
    /// - Parameters:
    ///   - key: At most ``Limits/keyBytesMax`` bytes.
    ///   - value: At most ``Limits/valueBytesMax`` bytes.
    /// - Returns: Whether it was added; false leaves the tree as it was.
    /// - Throws: `.valueTooLarge`; ``MissingBlocks``.
    /// - Complexity: Reads one block a level; writes one, or two and one a level where nodes split.
    @discardableResult
    package func insert(_ key: Bytes, _ value: Bytes) throws -> Bool {
        try checkSizes(key, value)
        guard let leaf = try leaf(of: key) else {
            try plant(key, value)
            return true
        }
        let place = TreeNode.entryIndex(of: key, in: leaf.items)
        if place.isFound { return false }
        try add(key, value, to: leaf, at: place.index)
        return true
    }

    /// Sets the value of a key, whether it had one or not.
    /// - Returns: The value before, nil when there was none.
    /// - Throws: and complexity as ``insert(_:_:)``.
    @discardableResult
    package func upsert(_ key: Bytes, _ value: Bytes) throws -> Bytes? {
        try checkSizes(key, value)
        guard let leaf = try leaf(of: key) else {
            try plant(key, value)
            return nil
        }
        let items = leaf.items
        let place = TreeNode.entryIndex(of: key, in: items)
        guard place.isFound else {
            try add(key, value, to: leaf, at: place.index, items: items.count)
            return nil
        }
        let before = items[2 * place.index + 1]
        try setValue(value, in: leaf, at: place.index)
        return before
    }

    /// Sets the value of a key to what `change` makes of the present one.
    /// - Parameter change: Gets nil when the key has no value. It must not use the tree.
    /// - Returns: The new value.
    /// - Throws: What `change` throws, and as ``insert(_:_:)``.
    @discardableResult
    package func merge(_ key: Bytes, _ change: (Bytes?) throws -> Bytes) throws -> Bytes {
        guard let leaf = try leaf(of: key) else {
            let value = try change(nil)
            try checkSizes(key, value)
            try plant(key, value)
            return value
        }
        let items = leaf.items
        let place = TreeNode.entryIndex(of: key, in: items)
        let value = try change(place.isFound ? items[2 * place.index + 1] : nil)
        try checkSizes(key, value)
        if place.isFound {
            try setValue(value, in: leaf, at: place.index)
        } else {
            try add(key, value, to: leaf, at: place.index)
        }
        return value
    }

    func checkSizes(_ key: Bytes, _ value: Bytes) throws(DatabaseError) {
        guard key.count <= Limits.keyBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a key has \(key.count) bytes; keyBytesMax is \(Limits.keyBytesMax)")
        }
        guard value.count <= Limits.valueBytesMax else {
            throw DatabaseError(
                .valueTooLarge,
                "a value has \(value.count) bytes; valueBytesMax is \(Limits.valueBytesMax)")
        }
    }
}

// MARK: - Changing a leaf

extension BTree {
    /// Makes the root of an empty tree.
    private func plant(_ key: Bytes, _ value: Bytes) throws {
        try AtomicScope.run(on: tracker) {
            tracker.header.root = try makeNode(TreeNode.leafType, [key, value])
        }
    }

    private func makeNode(_ type: BlockType, _ items: [Bytes]) throws -> BlockID {
        let id = tracker.makeID()
        try tracker.insert(
            TreeNode.block(id, type: type, collection: collection, items: items))
        return id
    }

    private func add(
        _ key: Bytes, _ value: Bytes, to leaf: TrackedBlock, at index: Int, items: Int? = nil
    ) throws {
        let count = (items ?? leaf.items.count) / 2 + 1
        let bytes = TreeNode.entryBytes(of: leaf) + TreeNode.entryBytes(key, value)
        let operation = BlockOperation.splice(
            TreeNode.items, index: 2 * index, deleteCount: 0, inserted: [key, value])
        if fill.isWithinLimits(count: count, bytes: bytes) {
            try tracker.update(leaf, operation)
            return
        }
        try AtomicScope.run(on: tracker) {
            try tracker.update(leaf, operation)
            try split(leaf)
        }
    }

    /// Replaces a value. A longer one may split the leaf, a shorter one may leave it underfull.
    func setValue(_ value: Bytes, in leaf: TrackedBlock, at index: Int) throws {
        let items = leaf.items
        let count = items.count / 2
        let before = items[2 * index + 1]
        if before == value { return }
        let bytes = TreeNode.entryBytes(of: leaf) + value.count - before.count
        let operation = BlockOperation.splice(
            TreeNode.items, index: 2 * index + 1, deleteCount: 1, inserted: [value])
        let isWithinLimits = fill.isWithinLimits(count: count, bytes: bytes)
        if isWithinLimits, spine.isEmpty || fill.isFilled(count: count, bytes: bytes) {
            try tracker.update(leaf, operation)
            return
        }
        try AtomicScope.run(on: tracker) {
            try tracker.update(leaf, operation)
            if isWithinLimits { try refill(leaf) } else { try split(leaf) }
        }
    }

    /// Divides a leaf that is over a limit.
    private func split(_ leaf: TrackedBlock) throws {
        mark("tree.leafSplit")
        let items = leaf.items
        let point = 2 * fill.splitPoint(TreeNode.entrySizes(items))
        let right = try makeNode(TreeNode.leafType, Array(items[point...]))
        try tracker.update(
            leaf,
            .splice(
                TreeNode.items, index: point, deleteCount: items.count - point, inserted: []))
        try addChild(right, separator: items[point], beside: leaf.id, level: spine.count - 1)
    }

    /// Adds a node to the branch at `level` of the spine, to the right of the child taken there;
    /// above the root a new root is made.
    private func addChild(
        _ right: BlockID, separator: Bytes, beside left: BlockID, level: Int
    ) throws {
        guard level >= 0 else {
            mark("tree.rootSplit")
            tracker.header.root = try makeNode(
                TreeNode.branchType, [left.digest.bytes, separator, right.digest.bytes])
            return
        }
        let step = spine[level]
        try tracker.update(
            step.branch,
            .splice(
                TreeNode.items, index: 2 * step.child + 1, deleteCount: 0,
                inserted: [separator, right.digest.bytes]))
        let items = step.branch.items
        let count = TreeNode.childCount(itemCount: items.count)
        guard count > capacity else { return }
        mark("tree.branchSplit")
        // The separator between the halves moves up; it stays in neither.
        let point = 2 * (count / 2)
        let node = try makeNode(TreeNode.branchType, Array(items[point...]))
        try tracker.update(
            step.branch,
            .splice(
                TreeNode.items, index: point - 1, deleteCount: items.count - point + 1,
                inserted: []))
        try addChild(
            node, separator: items[point - 1], beside: step.branch.id, level: level - 1)
    }
}
