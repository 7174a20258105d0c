import BlockModel

/// What the clients of one tree or queue do.
package struct StructurePlan: Sendable {
    package let name: String
    /// `.tree` or `.queue`.
    package let kind: CollectionKind
    /// Of a node: small, so that splits and merges happen all the time.
    package let capacity: UInt32?
    /// Keys there are: few, so that clients meet.
    package let keyCount: Int
    package let operationCount: Int
    /// Values are padded to a random length up to this many bytes.
    package let valueBytesMax: Int
    /// One of so many values has tens of thousands of bytes and splits leaves by size; nil: none.
    package let largeValueEvery: Int?
    /// One of so many operations drops the collection, which is then created again; nil: none.
    package let dropEvery: Int?
    /// Whether each key is used as a register: set, removed, read and compared, one at a time.
    package let isRegisters: Bool

    package init(
        name: String, kind: CollectionKind, capacity: UInt32?, keyCount: Int, operationCount: Int,
        valueBytesMax: Int, largeValueEvery: Int?, dropEvery: Int?,
        isRegisters: Bool = false
    ) {
        self.isRegisters = isRegisters
        self.name = name
        self.kind = kind
        self.capacity = capacity
        self.keyCount = keyCount
        self.operationCount = operationCount
        self.valueBytesMax = valueBytesMax
        self.largeValueEvery = largeValueEvery
        self.dropEvery = dropEvery
    }
}
