import BlockModel
import BlockRuntime
import BlockStructures
import BlockTransactions

/// The client proxy: hosts collections for applications. It keeps nothing that matters: any number
/// may run, and any of them may die at any moment.
///
/// Its parts have state and events of their own; this keeps the order in which one's effects are
/// the others' events.
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

    private let map: ClusterMap
    private let release: String
    private var now = Instant.origin
    private var directives: [Directive] = []
    private var numbers = SerialNumbers()
    private var calls: CoordinatorCalls
    private var work: ProxyWork
    private var caches: ProxyCaches
    private var alarms = AlarmClock<ProxyTimer>()

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
        self.release = release
        calls = CoordinatorCalls(map, generator: generator)
        work = ProxyWork(
            tasks: ProxyTasks(
                shardCount: UInt32(map.shards.count), makeIdentifier: makeIdentifier),
            writers: HostedWriters(
                shardCount: map.shards.count, makeIdentifier: makeIdentifier,
                wallMilliseconds: wallMilliseconds),
            transactions: HostedTransactions(
                makeIdentifier: makeIdentifier, wallMilliseconds: wallMilliseconds))
        caches = ProxyCaches(bytesMax: cacheBytesMax)
    }

    /// Client requests and calls under way.
    package var requestCount: Int {
        work.tasks.count + work.transactions.count + calls.count
    }

    /// When ``Event/tick`` is wanted at the latest; nil when nothing waits.
    package var nextWake: Instant? { alarms.next }

    /// What is held beside requests under way, for tests of its bounds.
    package var memory: ProxyMemory {
        ProxyMemory(
            collectionCount: caches.use.count, alarmCount: alarms.heldCount,
            writerCount: work.writers.count, historyCount: caches.histories.count,
            tailCount: caches.tails.count, taskBytes: work.tasks.byteCount,
            historyBytes: caches.histories.byteCount, writerBytes: work.writers.byteCount,
            suspicionCount: calls.suspicionCount)
    }

    /// Stops the process unless the parts are what they say they are between two events.
    /// - Complexity: O(what is under way).
    package func checkInvariants() {
        invariant(directives.isEmpty, "\(directives.count) directives were not given to the host")
        calls.checkInvariants()
        work.checkInvariants()
        caches.checkInvariants()
        for id in calls.ids {
            invariant(alarms.instant(of: .call(id)) != nil, "call \(id) is never woken")
        }
        for id in work.tasks.ids {
            invariant(alarms.instant(of: .task(id)) != nil, "task \(id) is never woken")
        }
    }

    /// Handles one event. - Returns: What to do, in order.
    package mutating func receive(_ event: Event, now: Instant) -> [Directive] {
        self.now = max(now, self.now)
        invariant(directives.isEmpty, "an event within another one")
        switch event {
        case .request(let token, let request, let client, let deadline):
            start(request, token, client, deadline)
        case .reply(let id, let reply): perform(calls.replied(id, reply, now: self.now))
        case .notSent(let id): perform(calls.wasNotReached(id, now: self.now))
        case .broken(let coordinator):
            perform(calls.connectionBroke(coordinator, now: self.now))
        case .tick: wakeDue()
        }
        defer { directives = [] }
        return directives
    }

    private mutating func start(
        _ request: ClientRequest, _ token: Token, _ client: CollectionWriter.Client,
        _ deadline: Instant
    ) {
        if let problem = request.problem { return respond(token, .failed(problem)) }
        guard requestCount < Limits.requestCountMax else {
            let message =
                "\(requestCount) requests under way, requestCountMax = \(Limits.requestCountMax)"
            let error = DatabaseError(.overloaded, message, retryAfter: RetryTiming.afterFullTable)
            return respond(token, .failed(error))
        }
        switch request {
        case .hello(let name): respond(token, map.welcome(name, release: release))
        case .act(let action):
            if let body = action.body {
                return perform(
                    work.transactions.begin(
                        action, of: body, token, client, id: numbers.next(), deadline: deadline,
                        now: now))
            }
            perform(
                .writer(action.collection) {
                    $0.act(action, token: token, client: client, deadline: deadline, &$1)
                })
        case .transact(let transaction):
            perform(
                work.transactions.begin(
                    transaction, token, client, id: numbers.next(), deadline: deadline, now: now))
        default:
            let id = numbers.next()
            work.tasks.begin(
                ProxyTask(
                    token: token, request: request, client: client, deadline: deadline,
                    arrival: now), id: id)
            perform(.task(id, .started))
            if work.tasks.contains(id) { wake(.task(id), at: deadline) }
        }
    }

    private mutating func respond(_ token: Token, _ reply: ClientReply) {
        directives.append(.respond(token, reply))
    }

    // MARK: Steps

    private mutating func perform(_ steps: [ProxyStep]) {
        for step in steps { perform(step) }
    }

    private mutating func perform(_ step: ProxyStep) {
        switch step {
        case .answer(let token, let reply):
            respond(token, reply)
            perform(work.transactions.wasAnswered(token, reply, now: now))
        case .task(let id, let input):
            perform(work.tasks.run(id, input, &caches, work.writers, now: now))
        case .writer(let collection, let event):
            perform(work.writers.run(collection, &caches, now: now, event))
        case .transaction(let id, let collection, let event):
            perform(
                work.transactions.run(
                    id, collection, &caches, work.writers, now: now, event))
            perform(work.transactions.goOn(id, now: now))
        case .writerRests(let collection):
            perform(work.transactions.writerRests(collection, &caches, work.writers, now: now))
        case .transactionGoesOn(let id):
            perform(work.transactions.tick(id, &caches, work.writers, now: now))
        case .transactionAttemptEnded(let id, let reply):
            perform(
                work.transactions.attemptEnded(id, reply, &caches, work.writers, now: now))
        case .room: perform(work.writers.makeRoom(&caches, now: now))
        case .askForTail(let collection, let waiter):
            if work.askForTail(collection, waiter) { wake(.tail(collection), at: now) }
        case .beginTailRead(let collection):
            guard work.tailReads.begin(collection) else { return }
            let deadline = now.advanced(by: Limits.sharedCallTime)
            call(.readTail(collection), owner: .tail(collection), deadline: deadline)
        case .fetch(let items, let owner, let deadline):
            let id = numbers.next()
            work.fetches.begin(items, owner: owner, id: id)
            for (position, item) in items.enumerated() {
                call(item.request, owner: .item(id, position), deadline: deadline)
            }
        case .call(let request, let owner, let deadline):
            call(request, owner: owner, deadline: deadline)
        // It may have been retired by what came before.
        case .wake(.writer(let collection), _) where !work.writers.contains(collection): break
        case .wake(.transaction(let id), _) where !work.transactions.contains(id): break
        case .wake(let timer, let instant): wake(timer, at: instant)
        case .rest(let timer): alarms.cancel(timer)
        }
    }

    // MARK: Calls

    private mutating func call(
        _ request: RepositoryRequest, owner: CoordinatorCall.Owner, deadline: Instant
    ) {
        perform(calls.begin(request, owner: owner, deadline: deadline, now: now, &numbers))
    }

    private mutating func perform(_ effects: [CoordinatorCalls.Effect]) {
        for effect in effects {
            switch effect {
            case .send(let coordinator, let id, let request, let deadline):
                invariant(deadline > now, "request \(id) has no time")
                directives.append(
                    .send(coordinator: coordinator, id: id, request, deadline: deadline))
            // Not earlier, though a try that has ended may have wanted that.
            case .wake(let id, let instant): alarms.set(.call(id), at: instant)
            case .tried(let owner, let doubt): work.tried(owner, doubt)
            case .tryFailed(let owner, let error, let doubt): work.tryFailed(owner, error, doubt)
            case .learned(let owner, let error): work.learned(error, owner)
            case .ended(let id, let call, let reply):
                alarms.cancel(.call(id))
                caches.learn(reply)
                perform(work.ended(call, reply, &caches, now: now))
            }
        }
    }

    // MARK: Time

    /// Wakes `timer` at `instant`, or earlier if that was asked before.
    private mutating func wake(_ timer: ProxyTimer, at instant: Instant) {
        alarms.set(timer, atLatest: instant)
    }

    private mutating func wakeDue() {
        while let (timer, _) = alarms.popDue(at: now) {
            switch timer {
            case .call(let id): perform(calls.woken(id, now: now, &numbers))
            case .writer(let collection):
                if work.writers.contains(collection) {
                    perform(.writer(collection) { $0.tick(&$1) })
                }
            case .task(let id):
                switch work.tasks.woken(id, now: now) {
                case .none: break
                case .late(let token, let error): respond(token, .failed(error))
                case .due(let isFollowing, let deadline):
                    if isFollowing { perform(.task(id, .woken)) }
                    wake(.task(id), at: deadline)
                }
            case .transaction(let id):
                perform(work.transactions.tick(id, &caches, work.writers, now: now))
            case .tail(let collection): perform(.beginTailRead(collection))
            }
        }
    }
}
