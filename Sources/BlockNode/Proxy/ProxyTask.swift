import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions

/// One client request that is not an action, from its arrival to its answer.
struct ProxyTask: Sendable {
    /// What a task may wait for.
    enum Input {
        case started
        case tail(TailValue)
        case reply(RepositoryReply)
        case fetched(Fetched)
        case woken
    }

    let token: UInt64
    let request: ClientRequest
    /// Who asked.
    let client: CollectionWriter.Client
    let deadline: Instant
    let arrival: Instant
    /// The chosen tail the task works on.
    var tail: Tail?
    /// Objects fetched for it; held until it ends, so that a walk always gets further.
    var fetched: [LogObjectKey: LogObject] = [:]
    /// Blocks likewise, as of the one revision that the task reads.
    var fetchedBlocks: [FetchedBlock.Key: FetchedBlock] = [:]
    /// Bytes of ``fetched``, as they came.
    var objectBytes = 0
    /// What the proxy counts for it: as of its last step.
    var heldBytes = 0
    /// For a search: every revision up to this one was looked at.
    var scanned = Revision.zero
    /// For a count that went part of its way.
    var count: TreeCount?
    /// For ``ClientRequest/inspectTail(name:)``: the value whose replicas are being asked.
    var value: TailValue?
    /// For ``ClientRequest/snapshot(_:)``: how far the proof is.
    var cut: CutProof?
    /// Whether the tail was read again because something that it points to is missing.
    var hasLookedAgain = false
    /// An answer as of a revision, which is told once a later look shows that the revision was not
    /// truncated while its blocks were read.
    var unconfirmed: ClientReply?
    /// Of a request that changes something: whether it may have been carried out, or may yet.
    var doubt = AttemptDoubt()
    /// The last trouble below: what the client is told when its time runs out.
    var lastTrouble: DatabaseError?

    init(
        token: UInt64, request: ClientRequest, client: CollectionWriter.Client, deadline: Instant,
        arrival: Instant
    ) {
        self.token = token
        self.request = request
        self.client = client
        self.deadline = deadline
        self.arrival = arrival
    }

    /// Bytes of what was fetched for it and that it still holds.
    /// - Complexity: O(blocks).
    var bufferBytes: Int {
        fetchedBlocks.values.reduce(fetched.isEmpty ? 0 : objectBytes) {
            $0 + ($1.copy?.bytes?.count ?? 0)
        }
    }

    /// Whether it waits for new entries, not for an answer from below.
    private(set) var isFollowing = false

    /// Handles one input. Calls `effects.respond` exactly once in its life.
    mutating func step(_ input: Input, _ effects: inout TaskEffects) {
        defer { isFollowing = effects.wakeAfter != nil }
        if case .reply(.failed(let error)) = input {
            if looksAgain(after: error, &effects) { return }
            return effects.respond(.failed(error))
        }
        switch request {
        case .hello, .act, .transact: invariant(false, "\(request) is no task")
        case .snapshot(let lives): snapshot(of: lives, input, &effects)
        case .openCollection(let open): openCollection(open, input, &effects)
        case .readDiary(let read): readDiary(read, input, &effects)
        case .readTree(let read):
            query(
                .tree(read.query), of: read.collection, read.incarnation, asOf: read.asOf, input,
                &effects)
        case .readQueue(let read):
            query(
                .queue(read.query), of: read.collection, read.incarnation, asOf: read.asOf, input,
                &effects)
        case .readLog(let read): readLog(read, input, &effects)
        case .readBlocks(let requests): readBlocks(requests, input, &effects)
        case .commit(let attempt): commit(attempt, input, &effects)
        case .finalise(let entry): finalise(entry, input, &effects)
        case .actionStatus(let status): findAction(status, input, &effects)
        case .dropCollection(let request): drop(request, input, &effects)
        case .truncate(let request): changeHistory(.truncate(request), input, &effects)
        case .retain(let request): changeHistory(.retain(request), input, &effects)
        case .listCollections(let after, let countMax):
            list(after, countMax, input, &effects)
        case .clusterStatus:
            if case .reply(.status(let reports)) = input {
                effects.respond(.clusterStatus(reports))
            } else {
                effects.call(.status)
            }
        case .inspectTail(let name): inspect(name, input, &effects)
        case .audit(let target):
            if case .reply(.replicas(let reports, let bytes)) = input {
                effects.respond(.replicas(reports, bytes))
            } else {
                effects.call(.audit(target))
            }
        }
    }

    // MARK: Listing

    private func list(
        _ after: CollectionID?, _ countMax: UInt32, _ input: Input, _ effects: inout TaskEffects
    ) {
        guard case .reply(.collections(let values, let next)) = input else {
            return effects.call(.listCollections(after: after, countMax: countMax))
        }
        let infos = values.compactMap { $0.live.map(CollectionInfo.init) }
        effects.respond(.collections(infos, next: next))
    }

    private mutating func inspect(
        _ name: String, _ input: Input, _ effects: inout TaskEffects
    ) {
        switch input {
        case .tail(let value):
            self.value = value
            effects.call(.audit(.register(CollectionID(name: name))))
        case .reply(.replicas(let reports, _)):
            effects.respond(.tail(value ?? .absent(generation: 0), replicas: reports))
        default: effects.readTail(CollectionID(name: name))
        }
    }
}

/// What a task asks for while it handles one input, and what it may use.
struct TaskEffects {
    let now: Instant
    let cache: LogObjectCache
    let blocks: SharedBlockCache
    /// What is known of the newest writes of the collection; shared with its writer.
    private(set) var history: BlockHistory?
    /// A chosen tail of the collection known without asking; may be old.
    let knownTail: Tail?
    /// Of the cluster.
    let shardCount: UInt32
    /// Draws ids that are unique for ever.
    let makeIdentifier: @Sendable () -> Identifier128

    private(set) var response: ClientReply?
    private(set) var tailToRead: CollectionID?
    private(set) var call: RepositoryRequest?
    private(set) var wants: [FetchItem] = []
    private(set) var wakeAfter: Duration?

    init(
        now: Instant, cache: LogObjectCache, blocks: SharedBlockCache, history: BlockHistory?,
        knownTail: Tail?, shardCount: UInt32,
        makeIdentifier: @escaping @Sendable () -> Identifier128
    ) {
        invariant(shardCount > 0, "a cluster without shards")
        self.now = now
        self.cache = cache
        self.blocks = blocks
        self.history = history
        self.knownTail = knownTail
        self.shardCount = shardCount
        self.makeIdentifier = makeIdentifier
    }

    mutating func respond(_ reply: ClientReply) {
        invariant(response == nil, "a request is answered once")
        invariant(!waits, "a task that is over waits for something")
        response = reply
    }
    mutating func readTail(_ collection: CollectionID) {
        invariant(response == nil && !waits, "a task waits for one thing at a time")
        tailToRead = collection
    }
    mutating func call(_ request: RepositoryRequest) {
        invariant(response == nil && !waits, "a task waits for one thing at a time")
        call = request
    }
    mutating func fetch(_ items: [FetchItem]) {
        invariant(!items.isEmpty, "a task waits for nothing")
        invariant(response == nil && !waits, "a task waits for one thing at a time")
        wants = items
    }
    /// Whether anything was asked for that the task goes on with.
    var waits: Bool {
        tailToRead != nil || call != nil || !wants.isEmpty || wakeAfter != nil
    }
    /// What is known of the life `incarnation`, to be brought up to the log where it lies and then
    /// shared again with ``learn(_:)``: a copy of it would be large.
    mutating func takeHistory(of incarnation: Incarnation) -> BlockHistory? {
        guard history?.incarnation == incarnation else { return nil }
        defer { history = nil }
        return history
    }
    /// Shares what was learned, unless others know more.
    mutating func learn(_ other: BlockHistory?) {
        guard let other, other.isNewer(than: history) else { return }
        history = other
    }
    mutating func wake(after delay: Duration) {
        invariant(delay > .zero, "a task that looks again at once")
        invariant(response == nil && !waits, "a task waits for one thing at a time")
        wakeAfter = delay
    }
}
