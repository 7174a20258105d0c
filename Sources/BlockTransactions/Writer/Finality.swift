import BlockModel
import BlockRuntime

/// When the entries of a collection are made final, and when shards that lag are tried again.
/// Which are final, and what may be claimed of them, ``Checkpointer`` knows.
package struct Finality: Sendable {
    private let collection: CollectionID
    /// Of the cluster.
    private let shardCount: Int
    /// Of the life that is known.
    private var checkpointer: Checkpointer?
    /// When shards that lag are tried again.
    private var retriesLaggingAt = Instant.origin

    /// - Parameter shardCount: Of the cluster.
    package init(collection: CollectionID, shardCount: Int) {
        invariant(shardCount > 0, "a cluster of \(shardCount) shards")
        self.collection = collection
        self.shardCount = shardCount
    }

    /// Every entry that is known of is final on its quorums, as far as is known.
    package func isFinal(on log: LogState?) -> Bool {
        guard let log, log.header.kind.hasBlocks, let checkpointer else { return true }
        return checkpointer.isFinal(through: log.revision)
    }

    /// The checkpoint that the entry after `log` carries; nil when it needs none.
    package func claim(on log: LogState) -> Checkpoint? {
        let claim = checkpointer?.checkpoint(above: log.checkpoint, upTo: log.revision)
        invariant((claim?.revision ?? .zero) <= log.revision, "a checkpoint above the log")
        return claim
    }

    // MARK: Events

    /// A chosen value was taken over.
    package mutating func follow(_ adoption: KnownLog.Adoption) {
        switch adoption {
        case .older: break
        case .ended: checkpointer = nil
        case .lives(let tail):
            guard checkpointer?.incarnation != tail.incarnation else { break }
            checkpointer = Checkpointer(
                incarnation: tail.incarnation, checkpoint: tail.checkpoint,
                shardCount: shardCount)
        }
    }

    /// `entry`, which was to be made final, is, or could not be made so now.
    package mutating func ended(_ entry: FinaliseEntry, isFinal: Bool, now: Instant) {
        invariant(entry.collection == collection, "an entry of another collection is final")
        checkpointer?.ended(entry, isFinal: isFinal)
        if !isFinal { retriesLaggingAt = now.advanced(by: Limits.laggingRetryTime) }
    }

    /// Makes entries final that are not known to be, if there are so many.
    package mutating func sweep(
        countMin: Int, on log: LogState?, _ effects: inout WriterEffects
    ) {
        guard let history = effects.history, let log, log.header.kind.hasBlocks else { return }
        let retries = checkpointer?.hasLaggingShards == true && effects.now >= retriesLaggingAt
        if retries { retriesLaggingAt = effects.now.advanced(by: Limits.laggingRetryTime) }
        let entries =
            checkpointer?.begin(
                history, collection, countMin: countMin, retriesLagging: retries) ?? []
        if !entries.isEmpty { effects.finalise(entries) }
        if checkpointer?.hasLaggingShards == true { effects.wake(at: retriesLaggingAt) }
        if countMin > 1 { effects.wake(at: effects.now.advanced(by: Limits.finaliseIdleTime)) }
    }

    /// The writer goes: what it leaves that is to be made final.
    package mutating func leave(_ history: BlockHistory?) -> [FinaliseEntry] {
        guard let history else { return [] }
        return checkpointer?.begin(history, collection, countMin: 1, retriesLagging: false) ?? []
    }

    /// - Parameter log: What is known of the log, if anything is.
    package func checkInvariants(on log: LogState?) {
        checkpointer?.checkInvariants()
        guard let log, let checkpointer else { return }
        invariant(checkpointer.incarnation == log.incarnation, "finality of another life")
    }
}
