import BlockModel
import BlockRuntime
import BlockTransactions

/// The transactions of a proxy that land as one action on one tree, with the other writes of it:
/// those that wait for another one's turn, and those that its writer has.
struct SingleTransactions: Sendable {
    typealias ID = TransactionGroup.ID

    struct Single: Sendable {
        let request: ActionRequest
        /// Of the first run of its body.
        let body: ActionID
        let token: ClientProxy.Token
        let client: CollectionWriter.Client
        let deadline: Instant
        let footprint: TransactionFootprint
        let place: TransactionTurns.Place
        fileprivate let byteCount: Int
    }

    private var singles: [ID: Single] = [:]
    private var byToken: [ClientProxy.Token: ID] = [:]
    /// Those that wait, in the order of their places.
    private var waiting: [CollectionID: [ID]] = [:]
    /// Bytes of those that wait; what a writer has is bounded there.
    private var held = ByteBudget<CollectionWriter.Client>(
        "transactions that wait for their turn",
        ofEach: .init("clientTaskBytesMax", Limits.clientTaskBytesMax),
        ofAll: .init("taskBytesMax", Limits.taskBytesMax))

    /// How many wait.
    var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

    func contains(_ id: ID) -> Bool { singles[id] != nil }

    /// One has come, and waits. - Returns: Why it cannot; nil when it does.
    mutating func add(
        _ request: ActionRequest, of body: ActionID, _ token: ClientProxy.Token,
        _ client: CollectionWriter.Client, id: ID, deadline: Instant,
        _ footprint: TransactionFootprint, at place: TransactionTurns.Place
    ) -> DatabaseError? {
        invariant(singles[id] == nil && byToken[token] == nil, "a request comes twice")
        let byteCount = Limits.queuedActionBytes + request.content.bytes.count
        if let refusal = held.refusal(of: byteCount, for: client) { return refusal }
        held.add(byteCount, for: client)
        singles[id] = Single(
            request: request, body: body, token: token, client: client, deadline: deadline,
            footprint: footprint, place: place, byteCount: byteCount)
        byToken[token] = id
        let line = waiting[request.collection] ?? []
        let behind = line.firstIndex { place < singles[$0]?.place ?? 0 }
        waiting[request.collection, default: []].insert(id, at: behind ?? line.count)
        return nil
    }

    /// Those that wait for a collection and need not any more, in order: its writer has them now.
    mutating func takeFree(
        of collection: CollectionID, isFree: (Single) -> Bool
    ) -> [(id: ID, single: Single)] {
        guard let line = waiting[collection] else { return [] }
        var free: [(id: ID, single: Single)] = []
        var rest: [ID] = []
        for id in line {
            guard let single = singles[id] else { continue }
            if isFree(single) {
                held.remove(single.byteCount, for: single.client)
                free.append((id, single))
            } else {
                rest.append(id)
            }
        }
        invariant(free.count + rest.count == line.count, "one that waits is no transaction")
        waiting[collection] = rest.isEmpty ? nil : rest
        return free
    }

    /// Its time is up while it waits: it is over. - Returns: nil when its writer has it.
    mutating func takeLate(_ id: ID, now: Instant) -> Single? {
        guard let single = singles[id], now >= single.deadline,
            waiting[single.request.collection]?.contains(id) == true
        else { return nil }
        held.remove(single.byteCount, for: single.client)
        waiting[single.request.collection]?.removeAll { $0 == id }
        if waiting[single.request.collection]?.isEmpty == true {
            waiting[single.request.collection] = nil
        }
        remove(id, single)
        return single
    }

    /// A request was answered. - Returns: The transaction that it was; nil when it was none.
    mutating func takeAnswered(_ token: ClientProxy.Token) -> (id: ID, single: Single)? {
        guard let id = byToken[token], let single = singles[id] else { return nil }
        invariant(
            waiting[single.request.collection]?.contains(id) != true,
            "a transaction is answered that waits for its turn")
        remove(id, single)
        return (id, single)
    }

    private mutating func remove(_ id: ID, _ single: Single) {
        singles[id] = nil
        byToken[single.token] = nil
    }

    func checkInvariants() {
        invariant(singles.count == byToken.count, "a transaction has no token, or two")
        let sum = waiting.values.joined().reduce(0) { $0 + (singles[$1]?.byteCount ?? 0) }
        invariant(sum == held.total, "\(sum) bytes wait, \(held.total) are counted")
    }
}
