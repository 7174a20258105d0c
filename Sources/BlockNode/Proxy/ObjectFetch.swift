import BlockModel
import BlockRuntime
import BlockTransactions

/// Several log objects and blocks fetched together for one piece of work.
struct ObjectFetch: Sendable {
    typealias ID = UInt64

    enum Owner: Sendable {
        case task(UInt64)
        case writer(CollectionID, FetchPurpose)
        case transaction(HostedTransactions.ID, CollectionID, FetchPurpose)
    }

    let owner: Owner
    let items: [FetchItem]
    private(set) var result = Fetched()
    /// Of the objects and the blocks that came, as they came.
    private(set) var objectBytes = 0
    private(set) var blockBytes = 0
    private var remaining: Int

    init(_ items: [FetchItem], owner: Owner) {
        invariant(!items.isEmpty, "a fetch of nothing")
        self.items = items
        self.owner = owner
        remaining = items.count
    }

    var isComplete: Bool { remaining == 0 }

    /// Bytes of all that came.
    var byteCount: Int { objectBytes + blockBytes }

    mutating func add(_ item: FetchedItem) {
        invariant(remaining > 0, "more came than was asked for")
        switch item {
        case .object(let key, let object, let byteCount):
            result.objects[key] = object
            objectBytes += byteCount
        case .block(let request, let block):
            result.blocks[FetchedBlock.Key(request)] = block
            blockBytes += block.copy?.bytes?.count ?? 0
        }
        remaining -= 1
    }

    /// The item at `position` could not be had.
    mutating func fail(_ position: Int, _ error: DatabaseError) {
        invariant(remaining > 0, "more failed than was asked for")
        result.failures[items[position]] = error
        remaining -= 1
    }

    /// Stops the process unless what came and what did not are items of this fetch.
    func checkInvariants() {
        let count = result.objects.count + result.blocks.count + result.failures.count
        invariant(remaining >= 0, "\(remaining) items remain")
        // Equal items that were asked for twice came once.
        invariant(count <= items.count - remaining, "\(count) of \(items.count) items have come")
        invariant(objectBytes >= 0 && blockBytes >= 0, "bytes below zero")
    }
}
