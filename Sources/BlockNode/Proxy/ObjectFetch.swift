import BlockModel
import BlockRuntime
import BlockTransactions

/// Several log objects and blocks fetched together for one piece of work.
struct ObjectFetch: Sendable {
    typealias ID = UInt64

    enum Owner: Sendable {
        case task(UInt64)
        case writer(CollectionID, FetchPurpose)
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

    mutating func add(_ object: LogObject, for key: LogObjectKey, byteCount: Int) {
        result.objects[key] = object
        objectBytes += byteCount
        remaining -= 1
    }

    /// The item at `position` could not be had.
    mutating func fail(_ position: Int, _ error: DatabaseError) {
        result.failures[items[position]] = error
        remaining -= 1
    }

    mutating func add(_ block: FetchedBlock, for request: BlockReadRequest) {
        result.blocks[FetchedBlock.Key(request)] = block
        blockBytes += block.copy?.bytes?.count ?? 0
        remaining -= 1
    }
}

extension FetchItem {
    var request: RepositoryRequest {
        switch self {
        case .object(.segment(let key)): .getSegment(key)
        case .object(.body(let block)): .getContent(block)
        case .block(let request): .readBlock(request)
        }
    }
}
