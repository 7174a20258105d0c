import BlockModel
import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Versions and pends

    /// Bytes of the place in a peer's store where a page ends: no key is longer.
    package static let storePlaceBytesMax = 256

    // MARK: Messages

    /// Requests that travel to one peer in one message.
    package static let batchRequestCountMax = 4096
    /// Bytes of a sealed segment: the entries of a full tail, their links and a header.
    package static let segmentBytesMax = tailBytesMax
    /// Bytes of the text of an error on the wire; a longer one is cut.
    package static let errorMessageBytesMax = 4096
    /// Bytes of an address, of a name for people, or of a release.
    package static let labelBytesMax = 256
    /// Memory that unpacking a frame may take is this multiple of the frame (an item of 9 bytes
    /// becomes structures of 200), at most ``unpackBytesMax`` above it, and a small frame always
    /// has ``unpackBytesMin``.
    package static let unpackFactor = 32
    /// Bytes above the frame's own; see ``unpackFactor``. A full status of 1024 peers takes 10 MiB.
    package static let unpackBytesMax = 32 * 1024 * 1024
    /// Bytes that the smallest frame may take; see ``unpackFactor``. An action of 4096 operations
    /// on empty keys is a frame of 16 KiB and takes 1 MiB.
    package static let unpackBytesMin = 512 * 1024
    /// Allocations that unpacking one frame may make. A full status takes 140 000.
    package static let unpackAllocationCountMax = 262_144

    // MARK: Queues

    /// How long one that says that it is overloaded is passed over: it has no trouble but that.
    package static let overloadSuspicionTime = Duration.seconds(1)
    /// A try that had less time than this, and used it up, says nothing against the service that
    /// was asked.
    package static let judgedTryTime = Duration.milliseconds(400)

    // MARK: The cluster file

    /// Coordinators, and proxies.
    package static let serviceCountMax = 1024
}
