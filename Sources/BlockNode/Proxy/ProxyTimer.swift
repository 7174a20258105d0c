import BlockModel

/// What in a proxy wants to be woken.
enum ProxyTimer: Hashable, Sendable {
    case call(CoordinatorCalls.ID)
    case task(ProxyTasks.ID)
    case writer(CollectionID)
    case transaction(HostedTransactions.ID)
    /// The reading of a collection's tail, when all that arrived together has asked for it.
    case tail(CollectionID)
}
