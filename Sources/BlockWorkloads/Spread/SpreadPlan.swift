import BlockModel
import BlockRuntime

/// What the clients of several trees do in transactions over all of them: each value is a list that
/// transactions append unique elements to. The last one may be a custom collection in place of a
/// tree, whose handlers the clients run.
package struct SpreadPlan: Hashable, Sendable {
    /// Of all of it, in histories.
    package let name: String
    package let treeNames: [String]
    /// Whether the last one is a custom collection.
    package let hasCustom: Bool
    /// Of a node: small, so that splits and merges happen all the time.
    package let capacity: UInt32
    /// Keys of each tree: few, so that clients meet.
    package let keyCount: Int
    /// Transactions of each client.
    package let operationCount: Int

    package init(
        name: String, treeNames: [String], hasCustom: Bool, capacity: UInt32, keyCount: Int,
        operationCount: Int
    ) {
        self.hasCustom = hasCustom
        self.name = name
        self.treeNames = treeNames
        self.capacity = capacity
        self.keyCount = keyCount
        self.operationCount = operationCount
    }

    package func kind(of tree: Int) -> CollectionKind {
        hasCustom && tree == treeNames.count - 1 ? .custom : .tree
    }

    /// Where a list is.
    struct Place: Hashable, Sendable {
        let tree: Int
        let key: Bytes

        /// Its name in the history, where all trees are one.
        var name: Bytes { Array("\(tree)/".utf8) + key }
    }

    var places: [Place] {
        treeNames.indices.flatMap { tree in
            (0..<keyCount).map { Place(tree: tree, key: StructureClient.key($0)) }
        }
    }
}
