import BlockModel
import BlockRuntime
import BlockTransactions

/// One thing that is to be done next in a proxy: what its tasks and writers need of each other and
/// of the host, and what they are given. Steps are done in order, each with all that follows of it.
enum ProxyStep {
    /// The client that made this request is to be answered.
    case answer(ClientProxy.Token, ClientReply)
    /// A task goes on with what it waited for, if it is not over.
    case task(ProxyTasks.ID, ProxyTask.Input)
    /// A writer is told an event.
    case writer(CollectionID, (inout CollectionWriter, inout WriterEffects) -> Void)
    /// A group of transactions is told an event of one of its collections.
    case transaction(
        HostedTransactions.ID, CollectionID,
        (inout TransactionGroup, CollectionID, inout WriterEffects) -> Void)
    /// A writer rests for the transactions that have its collection now.
    case writerRests(CollectionID)
    /// Members have left a group: it goes on with the others.
    case transactionGoesOn(HostedTransactions.ID)
    /// The attempt of a group of transactions has ended.
    case transactionAttemptEnded(HostedTransactions.ID, RepositoryReply)
    /// A look at whether a writer has to go, because there are too many.
    case room
    /// A tail read that starts after this event is wanted.
    case askForTail(CollectionID, TailReads.Waiter)
    /// It starts now, for all that have asked.
    case beginTailRead(CollectionID)
    case fetch([FetchItem], ObjectFetch.Owner, deadline: Instant)
    case call(RepositoryRequest, CoordinatorCall.Owner, deadline: Instant)
    /// It wants to be woken then at the latest.
    case wake(ProxyTimer, at: Instant)
    /// It does not want to be woken any more.
    case rest(ProxyTimer)
}
