/// When something is tried again: every delay of the system between a try and the next one.
///
/// Each constant says who waits for it and why it is as long. ``Backoff`` draws the delays.
package struct RetryTiming: Hashable, Sendable {
    /// The first delay is drawn from (first / 2, first].
    package let first: Duration
    /// Where doubling stops.
    package let longest: Duration

    package init(first: Duration, longest: Duration) {
        invariant(first > .zero && first <= longest, "tries again from \(first) to \(longest)")
        self.first = first
        self.longest = longest
    }

    // MARK: Backoffs

    /// Of services that compete for one register: about one round trip. `Proposer`,
    /// `TransactionGroup`, and the read of a register that finds a change under way
    /// (`Coordinator.lookAgain`).
    package static let rivals = RetryTiming(first: .milliseconds(2), longest: longestDelay)
    /// Of a body that runs again on what was decided meanwhile: about the time of a decision.
    /// `TransactionRetry`.
    package static let bodies = RetryTiming(first: .milliseconds(5), longest: .milliseconds(80))
    /// Of an attempt that reads what was first, and is made again: two requests and a decision.
    /// `LocalCollectionCall`.
    package static let attempts = RetryTiming(first: .milliseconds(10), longest: longestDelay)
    /// Of a request that another service gets, once all of them have had it.
    /// `CoordinatorCall` in a proxy, `ClientCall` in the SDK.
    package static let services = RetryTiming(first: .milliseconds(20), longest: longestDelay)

    private static let longestDelay = Duration.milliseconds(500)

    // MARK: Single delays

    /// Until the next service is asked that was not asked yet: none to speak of.
    /// `CoordinatorCalls`, `ClientCall`.
    package static let nextService = Duration.milliseconds(1)
    /// Until a writer asks again for what it has no room for. `WriterEffects.wakeSoon`.
    package static let writerPause = Duration.milliseconds(50)
    /// Where a simulated world has a proposer, proxy or client wait for hardly anything.
    /// `Proposer`, `CoordinatorCalls`, `ClientSession`.
    package static let impatient = Duration.milliseconds(1)

    // MARK: What a refusal advises

    /// Of a transaction that was told a conflict and whose place is kept: it is to come at once.
    package static let keptTurn = Duration.milliseconds(1)

    /// The requests of one connection are full: its own next answer makes room. `ClientSession`.
    package static let afterFullConnection = Duration.milliseconds(10)
    /// A count of requests is full: some are answered soon. `ClientProxy`, `ServiceLoop`,
    /// `Coordinator`.
    package static let afterFullTable = Duration.milliseconds(100)
    /// A budget of bytes is full: whole batches have to land. `ByteBudget`, `QueueLoad`,
    /// `ServicePort`.
    package static let afterFullBudget = Duration.milliseconds(200)
    /// Something must become final, or be made anew, first. `BlockReplica`, `BlockHistory`,
    /// `PreparedBatch`, `CollectionTruncateCommand`.
    package static let afterLaggingWork = Duration.milliseconds(500)
}
