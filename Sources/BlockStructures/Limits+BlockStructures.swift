import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Blocks

    /// Missing blocks after which a run stops to fetch them, one step's more or less: 64 MiB of the
    /// largest, and a leaf for each of as many keys.
    package static let missingBlockCountMax = 256
    /// Bytes of decoded blocks that one cache holds: the branches of a tree of a million entries.
    package static let blockCacheBytesMax = 64 * 1024 * 1024

    // MARK: Trees and chains

    /// Entries of a leaf and children of a branch, where a collection does not say.
    package static let nodeCapacityDefault = 64
    /// Bytes of the entries of a leaf, which splits above it whatever their number. More than
    /// twice the largest entry, so that both halves of a split are within it.
    package static let leafBytesMax = 192 * 1024
    /// Bytes of entries that make a leaf full enough, however few they are.
    package static let leafBytesMin = leafBytesMax / 4
    /// Levels of a tree: at four children a branch, more than any store has blocks.
    package static let treeDepthMax = 32
    /// Entries of one block of a chain.
    package static let chainBlockEntryCountMax = 32
    /// Bytes of the entries of one block of a chain: two of the largest fit, and it stays a block.
    package static let chainBlockBytesMax = 192 * 1024
}
