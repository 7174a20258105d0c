import BlockModel
import BlockRuntime

/// What a client of a workload does next.
package enum WorkloadStep {
    case request(ClientRequest, timeout: Duration)
    case pause(Duration)
    case finished
}

extension TransactionStamp {
    /// Of a transaction of one client of a workload, which is never too late.
    static func ofWorkload(_ number: Int) -> TransactionStamp {
        TransactionStamp(client: Identifier128(UInt128(number)), milliseconds: 0, expiry: .max)
    }
}

/// One client of a workload: what it asks next, and what it makes of the answer.
///
/// A pure machine, so that the simulator, chaos runs and load tests drive the same code.
package protocol WorkloadClient: Sendable {
    /// The name of the collection it works on.
    var collection: String { get }
    /// Called when nothing of this client is under way.
    mutating func next(_ history: inout History, at now: Instant) -> WorkloadStep
    /// The answer to what ``next(_:at:)`` asked for.
    mutating func receive(_ reply: ClientReply, _ history: inout History, at now: Instant)
    /// The client's process died: what it waited for stays unknown, and it begins anew.
    mutating func crashed(_ history: inout History, at now: Instant)
    /// Once every client has finished: reads everything a last time.
    mutating func beginFinalReads()
}
