import BlockModel
import BlockRuntime
import BlockTransactions

/// The client proxy: hosts collections for applications. It keeps nothing that matters: any number
/// may run, and any of them may die at any moment.
package struct ClientProxy {
    package typealias Token = UInt64

    package enum Event {
        /// - Parameter client: Tells the callers apart, so that none crowds out the others.
        case request(
            Token, ClientRequest, client: CollectionWriter.Client = 0, deadline: Instant)
        /// A coordinator's answer to the request `id`.
        case reply(id: UInt64, RepositoryReply)
        /// The request `id` could not be handed to the network: it was certainly not sent.
        case notSent(id: UInt64)
        /// The connection to a coordinator broke: what it has not answered it may never answer.
        case broken(coordinator: Int)
        case tick
    }

    package enum Directive {
        case send(coordinator: Int, id: UInt64, RepositoryRequest, deadline: Instant)
        case respond(Token, ClientReply)
    }

    /// Who wants to be woken.
    enum Timer: Hashable, Sendable {
        case call(UInt64)
        case task(UInt64)
        case writer(CollectionID)
        case tail(CollectionID)
    }

    /// Time for a call that several clients wait for.
    static let sharedCallTime = Duration.seconds(10)

    let map: ClusterMap
    let release: String
    /// For delays; never for ids.
    var generator: SeededGenerator
    private let makeIdentifier: @Sendable () -> Identifier128
    private let wallMilliseconds: @Sendable () -> UInt64
    var now = Instant.origin
    var directives: [Directive] = []

    var calls: [UInt64: CoordinatorCall] = [:]
    var tries: [UInt64: CoordinatorTry] = [:]
    /// Which coordinator to turn to.
    var coordinatorRanking: ServiceRanking
    /// What coordinators are judged about.
    let peerSets: PeerSets
    /// When each coordinator said something last.
    var lastHeard: [Int: Instant] = [:]
    var tasks: [UInt64: ProxyTask] = [:]
    var writers: [CollectionID: CollectionWriter] = [:]
    /// What is known of the newest writes of each collection.
    var histories: [CollectionID: BlockHistory] = [:]
    var tailReads: [CollectionID: TailReads] = [:]
    var fetches: [UInt64: ObjectFetch] = [:]
    var knownTails: [CollectionID: Tail] = [:]
    /// When each of these collections was last asked for.
    var use = CollectionUse()
    var cache: LogObjectCache
    let blocks: SharedBlockCache
    private var historyWeights = CollectionWeights()
    private var writerWeights = CollectionWeights()
    var alarms = AlarmClock<Timer>()
    /// What tasks hold of objects and blocks that were fetched for them.
    var taskBytes = ByteBudget<CollectionWriter.Client>(
        "blocks and log objects held for reads",
        ofEach: .init("clientTaskBytesMax", Limits.clientTaskBytesMax),
        ofAll: .init("taskBytesMax", Limits.taskBytesMax))
    private var lastID: UInt64 = 0

    /// - Parameters:
    ///   - makeIdentifier: Draws ids that are unique for ever: ``Environment/identifier()``.
    ///   - wallMilliseconds: For the entries' time stamps, which nothing is decided by.
    ///   - cacheBytesMax: Bytes of log objects kept for readers, and of blocks as well.
    package init(
        map: ClusterMap, release: String, generator: SeededGenerator,
        makeIdentifier: @escaping @Sendable () -> Identifier128,
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        cacheBytesMax: Int = Limits.blockCacheBytesMax
    ) {
        self.map = map
        peerSets = PeerSets(map)
        coordinatorRanking = ServiceRanking(addresses: map.coordinators.map(\.address))
        self.release = release
        self.generator = generator
        self.makeIdentifier = makeIdentifier
        self.wallMilliseconds = wallMilliseconds
        cache = LogObjectCache(bytesMax: cacheBytesMax)
        blocks = SharedBlockCache(byteCountMax: cacheBytesMax)
    }

    /// Client requests and calls under way.
    package var requestCount: Int { tasks.count + calls.count }

    /// When ``Event/tick`` is wanted at the latest; nil when nothing waits.
    package var nextWake: Instant? { alarms.next }

    /// What is held beside requests under way, for tests of its bounds.
    package var memory: ProxyMemory {
        ProxyMemory(
            collectionCount: use.count, alarmCount: alarms.heldCount, writerCount: writers.count,
            historyCount: histories.count, tailCount: knownTails.count,
            taskBytes: taskBytes.total,
            historyBytes: historyWeights.total, writerBytes: writerWeights.total,
            suspicionCount: coordinatorRanking.suspicionCount)
    }

    /// Handles one event. - Returns: What to do, in order.
    package mutating func receive(_ event: Event, now: Instant) -> [Directive] {
        self.now = max(now, self.now)
        switch event {
        case .request(let token, let request, let client, let deadline):
            start(request, token, client, deadline)
        case .reply(let id, let reply): coordinatorReplied(id, reply)
        case .notSent(let id): coordinatorWasNotReached(id)
        case .broken(let coordinator): connectionBroke(coordinator)
        case .tick: wakeDue()
        }
        defer { directives = [] }
        return directives
    }

    // MARK: Requests

    private mutating func start(
        _ request: ClientRequest, _ token: Token, _ client: CollectionWriter.Client,
        _ deadline: Instant
    ) {
        if let problem = request.problem { return respond(token, .failed(problem)) }
        guard requestCount < Limits.requestCountMax else {
            let message =
                "\(requestCount) requests under way, requestCountMax = \(Limits.requestCountMax)"
            let error = DatabaseError(.overloaded, message, retryAfter: .milliseconds(100))
            return respond(token, .failed(error))
        }
        switch request {
        case .hello(let name): respond(token, welcome(name))
        case .act(let action):
            runWriter(action.collection) {
                $0.act(action, token: token, client: client, deadline: deadline, &$1)
            }
        default:
            let id = makeID()
            tasks[id] = ProxyTask(
                token: token, request: request, client: client, deadline: deadline, arrival: now)
            runTask(id, .started)
            if tasks[id] != nil { wake(.task(id), at: deadline) }
        }
    }

    private func welcome(_ name: String) -> ClientReply {
        guard ExactText(name) == ExactText(map.name) else {
            let message = "this is the cluster \"\(map.name)\", not \"\(name)\""
            return .failed(DatabaseError(.wrongCluster, message))
        }
        return .welcome(
            Welcome(
                cluster: map.cluster, clusterName: map.name, proxies: map.proxies.map(\.address),
                version: release))
    }

    mutating func respond(_ token: Token, _ reply: ClientReply) {
        directives.append(.respond(token, reply))
    }

    mutating func makeID() -> UInt64 {
        lastID += 1
        return lastID
    }

    // MARK: Tasks and writers

    mutating func runTask(_ id: UInt64, _ input: ProxyTask.Input) {
        guard var task = tasks.removeValue(forKey: id) else { return }
        let collection = task.request.collection
        if let collection { use.note(collection) }
        var effects = TaskEffects(
            now: now, cache: cache, blocks: blocks,
            history: collection.flatMap { histories.removeValue(forKey: $0) },
            knownTail: collection.flatMap { knownTails[$0] },
            shardCount: UInt32(map.shards.count), makeIdentifier: makeIdentifier)
        task.step(input, &effects)
        if let collection { learn(effects.history, of: collection) }
        account(for: &task, isOver: effects.response != nil)
        if let response = effects.response {
            alarms.cancel(.task(id))
            return respond(task.token, task.doubt.told(response))
        }
        tasks[id] = task
        if let collection = effects.tailToRead { askForTail(collection, .task(id)) }
        if let request = effects.call {
            call(request, owner: .task(id), deadline: task.deadline)
        }
        if !effects.wants.isEmpty {
            fetch(effects.wants, owner: .task(id), deadline: task.deadline)
        }
        if let delay = effects.wakeAfter {
            wake(.task(id), at: min(now.advanced(by: delay), task.deadline))
        }
    }

    mutating func runWriter(
        _ collection: CollectionID, _ step: (inout CollectionWriter, inout WriterEffects) -> Void
    ) {
        use.note(collection)
        var writer =
            writers.removeValue(forKey: collection)
            ?? CollectionWriter(
                collection: collection, shardCount: map.shards.count)
        var effects = WriterEffects(
            now: now, wallMilliseconds: wallMilliseconds(), makeIdentifier: makeIdentifier,
            cache: cache, blocks: blocks, history: histories.removeValue(forKey: collection))
        step(&writer, &effects)
        #if SIMULATION_HOOKS
            writer.checkInvariants()
        #endif
        learn(effects.history, of: collection)
        let isDone = writer.isForgettable && !effects.wantsTail
        if isDone { bid(&writer, farewell: collection) }
        writers[collection] = isDone ? nil : writer
        writerWeights.set(collection, isDone ? nil : writer.weight)
        if isDone { alarms.cancel(.writer(collection)) }
        if writers.count > Limits.writerCountMax || writerWeights.total > Limits.writerBytesMax
            || buggify("buggify.proxy.forgetsWriter")
        {
            forgetWriter()
        }
        for response in effects.responses { respond(response.token, response.reply) }
        // What the writer asks for has no client of its own: it goes on while anybody waits.
        let deadline = now.advanced(by: ClientProxy.sharedCallTime)
        if effects.wantsTail { askForTail(collection, .writer) }
        if !effects.wants.isEmpty {
            fetch(effects.wants, owner: .writer(collection, .scan), deadline: deadline)
        }
        let runDeadline = now.advanced(by: Limits.runFetchTime)
        if !effects.wantsToRun.isEmpty {
            fetch(effects.wantsToRun, owner: .writer(collection, .run), deadline: runDeadline)
        }
        if !effects.wantsApart.isEmpty {
            fetch(effects.wantsApart, owner: .writer(collection, .apart), deadline: runDeadline)
        }
        if let attempt = effects.attempt {
            call(.commit(attempt.commit), owner: .writer(collection), deadline: attempt.deadline)
        }
        let finaliseDeadline = now.advanced(by: Limits.finaliseTime)
        for entry in effects.entriesToFinalise {
            call(.finalise(entry), owner: .finalising(collection), deadline: finaliseDeadline)
        }
        if let instant = effects.wakeAt, writers[collection] != nil {
            wake(.writer(collection), at: instant)
        }
    }

    private mutating func learn(_ history: BlockHistory?, of collection: CollectionID) {
        historyWeights.set(collection, history?.weight)
        guard let history else { return }
        histories[collection] = history
        guard
            histories.count > Limits.knownTailCountMax
                || historyWeights.total > Limits.historyBytesMax
        else { return }
        // A hint: what is forgotten is read from the log again. But a writer that has not made all
        // of it final could then not do so when it is forgotten itself.
        let oldest = use.oldest(of: histories) {
            $0 == collection || writers[$0].map { !$0.isQuiet || !$0.isFinal } ?? false
        }
        if let oldest {
            histories[oldest] = nil
            historyWeights.set(oldest, nil)
        }
    }

    /// Forgets a writer that is not at work: what it knows of its log can be read again. Rather one
    /// that has made everything final; of another one, that is begun for the last time.
    private mutating func forgetWriter() {
        let settled = use.oldest(of: writers) {
            writers[$0].map { !$0.isQuiet || !$0.isFinal } ?? true
        }
        let quiet = settled ?? use.oldest(of: writers) { writers[$0].map { !$0.isQuiet } ?? true }
        guard let collection = quiet, var writer = writers.removeValue(forKey: collection) else {
            return
        }
        mark("proxy.writerForgotten")
        writerWeights.set(collection, nil)
        alarms.cancel(.writer(collection))
        bid(&writer, farewell: collection)
    }

    /// Has made final what a writer leaves that it had not.
    private mutating func bid(_ writer: inout CollectionWriter, farewell collection: CollectionID) {
        let deadline = now.advanced(by: .seconds(10))
        for entry in writer.leave(histories[collection]) {
            call(.finalise(entry), owner: .finalising(collection), deadline: deadline)
        }
    }

    // MARK: Time

    /// Wakes `timer` at `instant`, or earlier if that was asked before.
    mutating func wake(_ timer: Timer, at instant: Instant) {
        alarms.set(timer, atLatest: instant)
    }

    private mutating func wakeDue() {
        while let (timer, _) = alarms.popDue(at: now) {
            switch timer {
            case .call(let id): callWasWoken(id)
            case .writer(let collection):
                if writers[collection] != nil { runWriter(collection) { $0.tick(&$1) } }
            case .task(let id): taskWasWoken(id)
            case .tail(let collection): beginTailRead(collection)
            }
        }
    }

    private mutating func taskWasWoken(_ id: UInt64) {
        guard let task = tasks[id] else { return }
        guard now < task.deadline else {
            tasks[id] = nil
            taskBytes.remove(task.heldBytes, for: task.client)
            let late = DatabaseError(.deadlineExceeded, "the time given ran out")
            let trouble = task.lastTrouble ?? late
            return respond(task.token, .failed(task.doubt.told(trouble)))
        }
        if task.isFollowing { runTask(id, .woken) }
        wake(.task(id), at: task.deadline)
    }
}

extension ClientRequest {
    /// The collection a request is about, when it names one by id.
    fileprivate var collection: CollectionID? {
        switch self {
        case .readDiary(let read): read.collection
        case .actionStatus(let status): status.collection
        case .act(let action): action.collection
        case .readTree(let read): read.collection
        case .readQueue(let read): read.collection
        case .readLog(let read): read.collection
        default: nil
        }
    }

    /// What is wrong with the request as it stands; nil when nothing is.
    fileprivate var problem: DatabaseError? {
        switch self {
        case .openCollection(let open): return open.problem
        case .act(let action): return action.content.problem
        case .inspectTail(let name): return CollectionName.problem(name)
        default: return nil
        }
    }
}
