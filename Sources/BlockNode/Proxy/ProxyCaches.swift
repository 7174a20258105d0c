import BlockModel
import BlockRuntime
import BlockTransactions

/// What a proxy has learned and may forget at any moment: it is read again.
struct ProxyCaches {
    private(set) var objects: LogObjectCache
    let blocks: SharedBlockCache
    private(set) var histories = KnownHistories()
    private(set) var tails = KnownTails()
    private(set) var use = LastUse()

    /// - Parameter bytesMax: Bytes of log objects, and of blocks as well.
    init(bytesMax: Int) {
        invariant(bytesMax >= 0, "a cache of \(bytesMax) bytes")
        objects = LogObjectCache(bytesMax: bytesMax)
        blocks = SharedBlockCache(byteCountMax: bytesMax)
    }

    /// Something is done for a collection.
    mutating func noteUse(of collection: CollectionID) { use.note(collection) }

    /// As ``KnownHistories/take(_:)``.
    mutating func takeHistory(of collection: CollectionID) -> BlockHistory? {
        histories.take(collection)
    }

    /// As ``KnownHistories/keep(_:of:isNeeded:)``. A writer that has not made all of its history
    /// final needs it: it could not do so any more when it has to go itself.
    mutating func keep(
        _ history: BlockHistory?, of collection: CollectionID, isNeeded: Bool
    ) {
        histories.keep(history, of: collection, isNeeded: isNeeded)
    }

    /// As ``KnownHistories/release(_:)``.
    mutating func releaseHistory(of collection: CollectionID) { histories.release(collection) }

    /// Learns the tail that a coordinator has told.
    mutating func learn(_ reply: RepositoryReply) {
        guard case .tail(.live(let tail)) = reply else { return }
        invariant(
            tail.truncatedThrough <= tail.revision,
            "a tail at \(tail.revision) truncated through \(tail.truncatedThrough)")
        tails.learn(tail, &use)
    }

    /// Keeps what was fetched for those that need it later.
    mutating func keep(_ item: FetchedItem) {
        switch item {
        case .object(let key, let object, let byteCount):
            objects.insert(key, object, byteCount: byteCount)
        case .block(let request, let block):
            blocks.keep(block, incarnation: request.key.incarnation)
            histories.note(block, for: request)
        }
    }

    /// - Complexity: O(1).
    func checkInvariants() {
        histories.checkInvariants()
        tails.checkInvariants()
        use.checkInvariants()
    }
}
