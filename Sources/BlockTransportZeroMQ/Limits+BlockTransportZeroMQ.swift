import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Transport

    /// The same for all receivers of a transport, however many connections a stranger makes.
    package static let allSendQueueBytesMax = 256 * 1024 * 1024
    /// Bytes of a message that is counted so; of smaller ones ``sendQueueCountMax`` are 4 MiB.
    package static let countedPayloadBytesMin = 1024
    /// Messages taken from one socket before the others have their turn.
    package static let receiveTurnCountMax = 64
    /// Frames of overlong messages that one call of `receive` throws away, so that a message of a
    /// million frames does not hold up the loop.
    package static let droppedFrameCountMax = 4096
    /// Time between heartbeats on an idle connection.
    package static let heartbeatInterval = Duration.seconds(2)
    /// Silence after a heartbeat that ends a connection: three beats.
    package static let heartbeatTimeout = Duration.seconds(6)
    /// Time a new connection has to introduce itself; a stranger holds a descriptor no longer.
    package static let handshakeTimeMax = Duration.seconds(5)
    /// Time for a TCP connection to be made; the system's own limit is minutes.
    package static let connectTimeMax = Duration.seconds(5)
    /// Time a closing transport keeps trying to send what it holds: the last replies of a clean
    /// stop leave, and a dead peer delays the stop no longer.
    package static let lingerTime = Duration.milliseconds(250)
    /// How long a listener rests that had no descriptor for a connection.
    package static let listenPause = Duration.seconds(1)
    /// First delay before a broken link connects again.
    package static let reconnectDelayMin = Duration.milliseconds(50)
    /// Where the doubling of that delay stops: a peer that is back is found within it.
    package static let reconnectDelayMax = Duration.seconds(1)

    // MARK: Operations

    /// Of these, what a ZeroMQ context and its first sockets take.
    package static let contextDescriptorCount = 16
}
