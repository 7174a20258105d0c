import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Transport

    /// Messages a transport holds for one receiver that does not take them; then it answers
    /// `backlogged`. The requests of a full batch to one peer fit.
    package static let sendQueueCountMax = 4096
    /// Messages from one sender that wait for the event loop before its connection is no longer
    /// read: the loop takes this many at once anyway.
    package static let receiveQueueCountMax = 1024
    /// Messages one call of a transport's `receive` returns: one poll cycle, one synced batch.
    package static let receiveMessageCountMax = 1024
    /// Bytes after which one call of `receive` stops, though a message is always taken whole.
    package static let receiveBytesMax = 16 * 1024 * 1024
    /// Values that wait for an event loop in one mailbox.
    package static let mailboxCountMax = 65_536
}
