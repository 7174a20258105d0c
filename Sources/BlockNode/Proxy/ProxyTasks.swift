import BlockModel
import BlockRuntime
import BlockTransactions

/// The requests of clients that a proxy works on, other than actions, and the bytes that are held
/// for them: bounded, for each client and for all.
struct ProxyTasks: Sendable {
    typealias ID = UInt64

    private var tasks: [ID: ProxyTask] = [:]
    /// Objects and blocks that were fetched for them.
    private var held = ByteBudget<CollectionWriter.Client>(
        "blocks and log objects held for reads",
        ofEach: .init("clientTaskBytesMax", Limits.clientTaskBytesMax),
        ofAll: .init("taskBytesMax", Limits.taskBytesMax))
    private let shardCount: UInt32
    private let makeIdentifier: @Sendable () -> Identifier128

    init(shardCount: UInt32, makeIdentifier: @escaping @Sendable () -> Identifier128) {
        invariant(shardCount > 0, "tasks of a cluster without shards")
        self.shardCount = shardCount
        self.makeIdentifier = makeIdentifier
    }

    var count: Int { tasks.count }
    /// In no order.
    var ids: some Collection<ID> { tasks.keys }
    var byteCount: Int { held.total }

    func contains(_ id: ID) -> Bool { tasks[id] != nil }

    // MARK: Events

    /// A request has come; ``run(_:_:_:_:now:)`` with `.started` is to follow.
    mutating func begin(_ task: ProxyTask, id: ID) {
        invariant(tasks[id] == nil, "task \(id) is begun twice")
        invariant(task.heldBytes == 0, "a new task holds \(task.heldBytes) bytes")
        tasks[id] = task
    }

    /// Gives an input to a task, which is over when it answers.
    /// - Returns: What the task needs, in order.
    mutating func run(
        _ id: ID, _ input: ProxyTask.Input, _ caches: inout ProxyCaches, _ writers: HostedWriters,
        now: Instant
    ) -> [ProxyStep] {
        guard var task = tasks.removeValue(forKey: id) else { return [] }
        let collection = task.request.collection
        if let collection { caches.noteUse(of: collection) }
        var effects = TaskEffects(
            now: now, cache: caches.objects, blocks: caches.blocks,
            history: collection.flatMap { caches.takeHistory(of: $0) },
            knownTail: collection.flatMap { caches.tails[$0] },
            shardCount: shardCount, makeIdentifier: makeIdentifier)
        task.step(input, &effects)
        if let collection {
            caches.keep(
                effects.history, of: collection, isNeeded: writers.needsHistory(of: collection))
        }
        account(for: &task, isOver: effects.response != nil)
        if let response = effects.response {
            return [.rest(.task(id)), .answer(task.token, task.doubt.told(response))]
        }
        invariant(tasks[id] == nil, "task \(id) ran within itself")
        tasks[id] = task
        return effects.needs(of: id, until: task.deadline)
    }

    /// A call or a fetch of the task could not be served yet: it is what its client is told when
    /// its time runs out first.
    mutating func learned(_ error: DatabaseError, of id: ID) {
        let known = tasks[id]?.lastTrouble
        tasks[id]?.lastTrouble = error.orDeeper(known)
    }

    /// A call of the task knows this of what it was to change.
    mutating func inherit(_ doubt: AttemptDoubt, of id: ID) { tasks[id]?.doubt.inherit(doubt) }

    /// A try of a call of the task failed.
    mutating func tryFailed(_ error: DatabaseError, _ doubt: AttemptDoubt, of id: ID) {
        inherit(doubt, of: id)
        if planted(.doubtDroppedByProxy), error.outcome == .notApplied {
            tasks[id]?.doubt.decided()
        }
    }

    /// What was fetched for the task is complete.
    mutating func fetched(objectBytes: Int, of id: ID) {
        invariant(objectBytes >= 0, "\(objectBytes) bytes of objects")
        tasks[id]?.objectBytes += objectBytes
    }

    /// Why a task may not hold so much more, so that its client has to ask for less at once; nil
    /// when it may.
    func refusal(of bytes: Int, for id: ID) -> DatabaseError? {
        tasks[id].flatMap { held.refusal(of: bytes, for: $0.client) }
    }

    /// Whether the task has more time than a shared tail read needs to be worth another try.
    func mayAskAgain(_ id: ID, at now: Instant) -> Bool {
        tasks[id].map { now.advanced(by: Limits.tailReadTimeMin) < $0.deadline } ?? false
    }

    /// What is to be done when the task's alarm goes off.
    enum Wake {
        case none
        /// Its time is up, and it is over.
        case late(ClientProxy.Token, DatabaseError)
        /// It goes on when it waits for new entries; in any case it is woken at its deadline.
        case due(isFollowing: Bool, deadline: Instant)
    }

    mutating func woken(_ id: ID, now: Instant) -> Wake {
        guard let task = tasks[id] else { return .none }
        guard now >= task.deadline else {
            return .due(isFollowing: task.isFollowing, deadline: task.deadline)
        }
        tasks[id] = nil
        held.remove(task.heldBytes, for: task.client)
        let late = DatabaseError(.deadlineExceeded, "the time given ran out")
        return .late(task.token, task.doubt.told(task.lastTrouble ?? late))
    }

    /// Counts what a task holds after a step.
    private mutating func account(for task: inout ProxyTask, isOver: Bool) {
        if task.fetched.isEmpty { task.objectBytes = 0 }
        let bytes = isOver ? 0 : task.bufferBytes
        held.remove(task.heldBytes, for: task.client)
        held.add(bytes, for: task.client)
        invariant(held.bytes(of: task.client) >= bytes, "a client holds less than its task")
        task.heldBytes = bytes
    }

    /// Stops the process unless what is counted is what the tasks hold.
    /// - Complexity: O(tasks).
    func checkInvariants() {
        let sum = tasks.values.reduce(0) { $0 + $1.heldBytes }
        invariant(sum == held.total, "tasks hold \(sum) bytes, \(held.total) are counted")
        held.checkInvariants()
    }
}

extension TaskEffects {
    /// What a task that goes on asks for.
    fileprivate func needs(of id: ProxyTasks.ID, until deadline: Instant) -> [ProxyStep] {
        invariant(response == nil, "task \(id) has answered and goes on")
        invariant(waits, "task \(id) neither answers nor waits for anything")
        var needs: [ProxyStep] = []
        if let tailToRead { needs.append(.askForTail(tailToRead, .task(id))) }
        if let call { needs.append(.call(call, .task(id), deadline: deadline)) }
        if !wants.isEmpty { needs.append(.fetch(wants, .task(id), deadline: deadline)) }
        if let wakeAfter {
            let instant = min(now.advanced(by: wakeAfter), deadline)
            needs.append(.wake(.task(id), at: instant))
        }
        return needs
    }
}
