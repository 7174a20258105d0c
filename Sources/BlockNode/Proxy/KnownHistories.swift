import BlockModel
import BlockRuntime
import BlockTransactions

/// What a proxy knows of the newest writes of each collection, bounded in number and bytes.
///
/// A history is large: the task or writer that goes on with it takes it out and brings it back, so
/// that it is changed where it lies.
struct KnownHistories: Sendable {
    private var histories: [CollectionID: BlockHistory] = [:]
    private var weights = CollectionWeights()
    /// Those that may go.
    private var free = RecencyList<CollectionID>()

    var count: Int { histories.count }
    /// Bytes, about: as of the last time that each was brought back.
    var byteCount: Int { weights.total }

    subscript(collection: CollectionID) -> BlockHistory? { histories[collection] }

    /// Takes out a history; ``keep(_:of:isNeeded:)`` must follow, with it or without.
    mutating func take(_ collection: CollectionID) -> BlockHistory? {
        free.remove(collection)
        return histories.removeValue(forKey: collection)
    }

    /// Brings back what is known of a collection; for it the history of the one that was not used
    /// for longest may have to go: it is read from the log again.
    /// - Parameter isNeeded: Whether the history of this collection must stay.
    /// - Complexity: O(1).
    mutating func keep(
        _ history: BlockHistory?, of collection: CollectionID, isNeeded: Bool
    ) {
        invariant(histories[collection] == nil, "a history of \(collection) was not taken out")
        weights.set(collection, history?.weight)
        guard let history else { return }
        invariant(history.weight >= 0, "a history of \(history.weight) bytes")
        histories[collection] = history
        if !isNeeded { free.use(collection) }
        guard count > Limits.knownTailCountMax || byteCount > Limits.historyBytesMax else { return }
        guard let oldest = free.oldest, oldest != collection else { return }
        invariant(histories[oldest] != nil, "the history of \(oldest) goes and is not there")
        free.remove(oldest)
        histories[oldest] = nil
        weights.set(oldest, nil)
    }

    /// No writer needs the history of this collection to stay.
    mutating func release(_ collection: CollectionID) {
        if histories[collection] != nil { free.use(collection) }
    }

    /// Notes which version of a block that was read is the newest.
    mutating func note(_ fetched: FetchedBlock, for request: BlockReadRequest) {
        guard let collection = fetched.block?.header.collection, request.committed.isEmpty,
            histories[collection]?.incarnation == request.key.incarnation,
            let floor = histories[collection]?.floor, request.revision >= floor.revision
        else { return }
        // Where it lies: no other part may hold it meanwhile.
        histories[collection]?.noteNewest(of: request.key.block, fetched.write)
    }

    /// Stops the process unless every history that is kept is weighed.
    /// - Complexity: O(1).
    func checkInvariants() {
        invariant(count == weights.count, "\(count) histories, \(weights.count) weighed")
        invariant(free.count <= count, "\(free.count) of \(count) histories may go")
    }
}
