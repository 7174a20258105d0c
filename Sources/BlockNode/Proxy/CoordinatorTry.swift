import BlockRuntime

/// One try of a call, at one coordinator.
struct CoordinatorTry: Sendable {
    let call: CoordinatorCalls.ID
    let coordinator: Int
    let sentAt: Instant
    /// What it was given.
    let time: Duration
}
