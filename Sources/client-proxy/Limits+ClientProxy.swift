import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Blocks

    /// The largest cache that may be asked for.
    package static let proxyCacheBytesLargest = 64 * 1024 * 1024 * 1024
}
