import BlockModel
import BlockRuntime
import BlockTransactions

/// Several log objects fetched together for one walk.
struct LogObjectFetch: Sendable {
    typealias ID = UInt64

    enum Owner: Sendable {
        case task(UInt64)
        case appender(CollectionID)
    }

    let owner: Owner
    let keys: [LogObjectKey]
    private(set) var objects: [LogObjectKey: LogObject] = [:]

    init(_ keys: [LogObjectKey], owner: Owner) {
        invariant(!keys.isEmpty, "a fetch of nothing")
        self.keys = keys
        self.owner = owner
    }

    var isComplete: Bool { objects.count == keys.count }

    mutating func add(_ object: LogObject, at position: Int) { objects[keys[position]] = object }
}

extension LogObjectKey {
    var request: RepositoryRequest {
        switch self {
        case .segment(let key): .getSegment(key)
        case .body(let block): .getContent(block)
        }
    }
}
