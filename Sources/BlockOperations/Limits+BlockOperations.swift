import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Operations

    /// Descriptors that every process needs: standard streams, signals, log, libzmq's threads, the
    /// socket it listens at, the files it reads at its start.
    package static let processDescriptorCount = 32
    /// Descriptors of one outgoing link: the socket, its monitor's two ends, its TCP connection.
    package static let linkDescriptorCount = 4
    /// Connections of others that a service must be able to take besides.
    package static let connectionCountMin = 64
    /// Bytes of one field of a log line: a line stays readable, and a hostile text cannot fill a
    /// disk with one request.
    package static let logFieldBytesMax = 4096
    /// Bytes of log lines that wait for their reader; further lines are dropped and counted.
    package static let logQueueBytesMax = 1024 * 1024
    /// How long a process that ends waits for the reader of its last log lines.
    package static let logFlushTime = Duration.seconds(1)
    /// Bytes of a command line: the system takes 6 MiB at most.
    package static let commandLineBytesMax = 8 * 1024 * 1024
    /// Bytes of a service's configuration file.
    package static let configurationFileBytesMax = 1024 * 1024
}
