import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Storage

    /// Bytes of the engine's cache of blocks: the hot tails and the index of a modest store.
    package static let engineCacheBytes = 64 * 1024 * 1024
    /// Bytes written before the engine sorts them out to a file: also how much log a restart reads.
    package static let engineWriteBufferBytes = 64 * 1024 * 1024
    /// Files the engine keeps open.
    package static let engineOpenFileCountMax = 512
    /// Bytes of the identity file of a data directory; a larger one is something else.
    package static let identityFileBytesMax = 4096
}
