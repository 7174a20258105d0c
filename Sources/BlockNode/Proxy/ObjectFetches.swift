import BlockModel
import BlockRuntime
import BlockTransactions

/// The fetches that tasks and writers of a proxy wait for.
struct ObjectFetches: Sendable {
    typealias ID = ObjectFetch.ID

    /// What an item that came, or could not be had, means for its fetch.
    enum Progress {
        /// There is no such fetch any more.
        case none
        /// Nothing else of the fetch is waited for: it has ended.
        case failed(ObjectFetch.Owner, DatabaseError)
        /// More is to come.
        case waiting(ObjectFetch)
        /// All has come, or could not be had: it has ended.
        case complete(ObjectFetch)
    }

    private var fetches: [ID: ObjectFetch] = [:]

    var count: Int { fetches.count }

    mutating func begin(_ items: [FetchItem], owner: ObjectFetch.Owner, id: ID) {
        invariant(fetches[id] == nil, "fetch \(id) is begun twice")
        fetches[id] = ObjectFetch(items, owner: owner)
    }

    func owner(of id: ID) -> ObjectFetch.Owner? { fetches[id]?.owner }

    /// What was asked for at `position`; nil when the fetch has ended.
    func item(of id: ID, at position: Int) -> FetchItem? { fetches[id]?.items[position] }

    /// The item at `position` came, or could not be had.
    mutating func ended(
        _ position: Int, of id: ID, _ content: Result<FetchedItem, DatabaseError>
    ) -> Progress {
        // Taken out while it changes: a second holder would make a copy of what has come.
        guard var fetch = fetches.removeValue(forKey: id) else { return .none }
        invariant(!fetch.isComplete, "fetch \(id) is complete and still waits")
        invariant(fetch.items.indices.contains(position), "fetch \(id) has no item \(position)")
        switch content {
        case .success(let item): fetch.add(item)
        case .failure(let error):
            // Not all that a batch needs is needed by all of it.
            guard fetch.bearsFailures else { return .failed(fetch.owner, error) }
            fetch.fail(position, error)
        }
        if fetch.isComplete { return .complete(fetch) }
        fetches[id] = fetch
        return .waiting(fetch)
    }

    /// What waits for it has no use for it any more.
    mutating func abandon(_ id: ID) { fetches[id] = nil }

    /// Stops the process unless every fetch waits for something.
    /// - Complexity: O(fetches).
    func checkInvariants() {
        for (id, fetch) in fetches {
            fetch.checkInvariants()
            invariant(!fetch.isComplete, "fetch \(id) is complete and still held")
        }
    }
}

extension ObjectFetch {
    /// Whether it goes on when one of its items cannot be had.
    fileprivate var bearsFailures: Bool {
        switch owner {
        case .task, .writer(_, .scan), .transaction(_, _, .scan): false
        case .writer(_, .run), .writer(_, .apart), .transaction(_, _, .run),
            .transaction(_, _, .apart):
            true
        }
    }
}
