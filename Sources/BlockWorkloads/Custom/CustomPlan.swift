import BlockModel

/// What the clients of one custom collection do.
package struct CustomPlan: Sendable {
    package let name: String
    /// Of a node: small, so that splits and merges happen.
    package let capacity: UInt32
    /// Sheets there are: few, so that clients meet.
    package let sheetCount: Int
    package let operationCount: Int
    /// One of so many operations drops the collection, which is then created again; nil: none.
    package let dropEvery: Int?
    /// Whether the attempts are sent by the client itself, each several times, instead of by the
    /// local collection.
    package let isRaw: Bool

    package init(
        name: String, capacity: UInt32, sheetCount: Int, operationCount: Int, dropEvery: Int?,
        isRaw: Bool
    ) {
        self.name = name
        self.capacity = capacity
        self.sheetCount = sheetCount
        self.operationCount = operationCount
        self.dropEvery = dropEvery
        self.isRaw = isRaw
    }
}
