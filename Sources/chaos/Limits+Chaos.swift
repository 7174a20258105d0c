import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Chaos

    /// At most: a day.
    package static let chaosSecondsMax = 86_400
    /// Seconds in which every client must be done once the faults are over and all services run:
    /// the simulator grants as many.
    package static let chaosSettleSecondsMax = 60
}
