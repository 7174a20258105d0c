import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    /// How long a service may take from its start until it is ready.
    package static let startTimeMax = Duration.seconds(20)
    /// A drain, and what is needed beside it.
    package static let stopTimeMax = Duration.seconds(15)
    /// How long a command may run before it is killed: an import of thousands of records on a disk
    /// that other tests use as well.
    package static let commandTimeMax = Duration.seconds(120)
    /// Time between two looks whether a killed process has ended: one in the middle of a disk write
    /// takes its time.
    package static let killTime = Duration.seconds(60)
}
