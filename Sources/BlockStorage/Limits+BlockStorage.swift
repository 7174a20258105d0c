import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Versions and pends

    /// Bytes of registers, of pends, and of versions, that a storage peer need not read from its
    /// disk again: those of some seconds of writing.
    package static let recentRecordBytesMax = 16 * 1024 * 1024
    /// Bytes removed after which a storage peer has its engine give space back.
    package static let reclaimBytesMin: UInt64 = 64 * 1024
    /// How often it does so at most: it reads and writes what is left.
    package static let reclaimInterval = Duration.seconds(5)

    // MARK: Transport

    /// Bytes of answers that a client has not read, above which its requests are not begun.
    package static let unreadReplyBytesMax = sendQueueBytesMax / 2

    // MARK: Storage

    /// Shortest time between two writes of the ack journal: what it cannot see is bounded by this,
    /// and one small synced write in it costs a peer about 1.5 % of a disk's time.
    package static let journalInterval = Duration.milliseconds(10)
}
