import BlockModel

/// What the clients of one tree do in transactions.
package struct TransactionPlan: Sendable {
    package let name: String
    package let workload: TransactionHistory.Workload
    /// Of a node: small, so that splits and merges happen all the time.
    package let capacity: UInt32
    /// Keys there are: few, so that clients meet.
    package let keyCount: Int
    /// Transactions of each client; one that conflicts may be tried again within.
    package let operationCount: Int

    package init(
        name: String, workload: TransactionHistory.Workload, capacity: UInt32, keyCount: Int,
        operationCount: Int
    ) {
        self.name = name
        self.workload = workload
        self.capacity = capacity
        self.keyCount = keyCount
        self.operationCount = operationCount
    }
}
