import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Load tests

    /// Clients of one load test: even over one connection none is refused for their number.
    package static let loadClientCountMax = connectionRequestCountMax
    /// Seconds of a load test or of its warm-up: a day.
    package static let loadSecondsMax = 86_400
    /// Records of a load test: the checker remembers which it has seen.
    package static let loadRecordCountMax = 100_000_000
}
