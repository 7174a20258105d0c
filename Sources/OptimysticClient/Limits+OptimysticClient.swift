import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: The SDK

    /// Changes of unknown outcome that a connection remembers, in case that they are sent again
    /// under their ids; the older half may be forgotten. Some 50 bytes each.
    package static let doubtCountMax = 65_536
    /// Proxies a connection knows: those of the URL and those it learned.
    package static let proxyCountMax = 64
    /// How long a greeting stays without an answer before a session looks who is there.
    package static let inspectionDelay = Duration.milliseconds(200)
    /// Time for a proxy to answer a greeting, before the next one is tried.
    package static let greetingTime = Duration.seconds(1)
    /// Longest time one proxy has for one try: enough for it to turn to a second coordinator.
    package static let proxyTryTime = Duration.seconds(3)
}
