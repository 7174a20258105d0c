import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: Chaos

    /// Seconds of faults of one chaos run at least: each kind of fault finds its place.
    package static let chaosSecondsMin = 8
    /// Operations acknowledged in a second before the first fault, at least: a cluster that does
    /// next to nothing has nothing to lose, and such a run says nothing.
    package static let chaosRateMin = 100
    /// Bytes on their way in one direction of a relayed connection: what a socket holds, so that a
    /// sender notices a link that is cut as it would without the relay.
    package static let relayBufferBytesMax = 256 * 1024
}
