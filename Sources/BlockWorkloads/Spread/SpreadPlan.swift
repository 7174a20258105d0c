import BlockModel
import BlockRuntime

/// What the clients of several trees do in transactions over all of them: each value is a list that
/// transactions append unique elements to.
package struct SpreadPlan: Hashable, Sendable {
    /// Of all of it, in histories.
    package let name: String
    package let treeNames: [String]
    /// Of a node: small, so that splits and merges happen all the time.
    package let capacity: UInt32
    /// Keys of each tree: few, so that clients meet.
    package let keyCount: Int
    /// Transactions of each client.
    package let operationCount: Int

    package init(
        name: String, treeNames: [String], capacity: UInt32, keyCount: Int, operationCount: Int
    ) {
        self.name = name
        self.treeNames = treeNames
        self.capacity = capacity
        self.keyCount = keyCount
        self.operationCount = operationCount
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
