import BlockModel
import BlockRuntime
import BlockTransactions

/// The transactions over several collections that a proxy carries out, and those that wait for
/// their collections.
///
/// Each has all its collections to itself, in this proxy: it takes its place behind every earlier
/// one in the line of each of its collections at once, so that two never wait for each other, and
/// none is overtaken for ever.
struct HostedTransactions: Sendable {
    typealias ID = UInt64

    private struct Hosted: Sendable {
        let token: ClientProxy.Token
        let client: CollectionWriter.Client
        let byteCount: Int
        var driver: TransactionDriver
        /// Collections whose writers do not rest yet; nil before it is the first in every line.
        var missing: Set<CollectionID>?
    }

    private var hosted: [ID: Hosted] = [:]
    private var lines: [CollectionID: [ID]] = [:]
    /// Bytes of what they ask for: bounded, for each client and for all.
    private var held = ByteBudget<CollectionWriter.Client>(
        "transactions",
        ofEach: .init("clientTaskBytesMax", Limits.clientTaskBytesMax),
        ofAll: .init("taskBytesMax", Limits.taskBytesMax))
    private let makeIdentifier: @Sendable () -> Identifier128
    private let wallMilliseconds: @Sendable () -> UInt64

    init(
        makeIdentifier: @escaping @Sendable () -> Identifier128,
        wallMilliseconds: @escaping @Sendable () -> UInt64
    ) {
        self.makeIdentifier = makeIdentifier
        self.wallMilliseconds = wallMilliseconds
    }

    var count: Int { hosted.count }

    func contains(_ id: ID) -> Bool { hosted[id] != nil }

    // MARK: Coming and going

    /// A transaction has come.
    mutating func begin(
        _ request: TransactionRequest, _ token: ClientProxy.Token,
        _ client: CollectionWriter.Client, id: ID, deadline: Instant
    ) -> [ProxyStep] {
        invariant(hosted[id] == nil, "transaction \(id) is begun twice")
        let byteCount = request.byteCount
        if let refusal = held.refusal(of: byteCount, for: client) {
            return [.answer(token, .failed(refusal))]
        }
        held.add(byteCount, for: client)
        let driver = TransactionDriver(
            request, sources: [:], identifier: makeIdentifier(), deadline: deadline)
        hosted[id] = Hosted(
            token: token, client: client, byteCount: byteCount, driver: driver)
        for collection in driver.collections { lines[collection, default: []].append(id) }
        return [.wake(.transaction(id), at: deadline)] + start(id)
    }

    /// Has the writers of a transaction rest, if it is the first in every line.
    private mutating func start(_ id: ID) -> [ProxyStep] {
        guard let entry = hosted[id], entry.missing == nil,
            entry.driver.collections.allSatisfy({ lines[$0]?.first == id })
        else { return [] }
        hosted[id]?.missing = Set(entry.driver.collections)
        return entry.driver.collections.map { collection in
            .writer(collection) { $0.hold(&$1) }
        }
    }

    /// The writer of a collection rests, for the first in its line.
    mutating func writerRests(
        _ collection: CollectionID, _ caches: inout ProxyCaches, _ writers: HostedWriters,
        now: Instant
    ) -> [ProxyStep] {
        guard let id = lines[collection]?.first, hosted[id]?.missing?.remove(collection) != nil
        else { return [] }
        guard let entry = hosted[id], entry.missing?.isEmpty == true else { return [] }
        var sources: [CollectionID: BatchSource] = [:]
        for collection in entry.driver.collections {
            sources[collection] = writers.sourceForTransaction(of: collection)
        }
        hosted[id]?.driver = TransactionDriver(
            entry.driver.request, sources: sources, identifier: makeIdentifier(),
            deadline: entry.driver.deadline)
        var steps: [ProxyStep] = []
        for collection in entry.driver.collections {
            steps += run(id, collection, &caches, writers, now: now) {
                driver, collection, effects in
                driver.begin(collection, &effects)
            }
        }
        return steps + goOn(id, now: now)
    }

    /// Gives an event of one collection to a transaction.
    mutating func run(
        _ id: ID, _ collection: CollectionID, _ caches: inout ProxyCaches,
        _ writers: HostedWriters, now: Instant,
        _ event: (inout TransactionDriver, CollectionID, inout WriterEffects) -> Void
    ) -> [ProxyStep] {
        guard var driver = hosted[id]?.driver else { return [] }
        caches.noteUse(of: collection)
        var effects = WriterEffects(
            now: now, wallMilliseconds: wallMilliseconds(), makeIdentifier: makeIdentifier,
            cache: caches.objects, blocks: caches.blocks,
            history: caches.takeHistory(of: collection))
        event(&driver, collection, &effects)
        #if SIMULATION_HOOKS
        driver.checkInvariants()
        #endif
        caches.keep(
            effects.history, of: collection, isNeeded: writers.needsHistory(of: collection))
        hosted[id]?.driver = driver
        return effects.needs(of: id, collection)
    }

    /// Does what a transaction is ready for.
    mutating func goOn(_ id: ID, now: Instant) -> [ProxyStep] {
        guard var driver = hosted[id]?.driver else { return [] }
        let step = driver.next(wallMilliseconds(), now: now)
        let isTickWanted = driver.takeTick()
        hosted[id]?.driver = driver
        switch step {
        case .waits: return isTickWanted ? [.wake(.transaction(id), at: now)] : []
        case .send(let attempt):
            return [.call(.transact(attempt), .transaction(id), deadline: driver.deadline)]
        case .answer(let reply): return end(id, reply)
        }
    }

    private mutating func end(_ id: ID, _ reply: ClientReply) -> [ProxyStep] {
        guard let entry = hosted.removeValue(forKey: id) else { return [] }
        held.remove(entry.byteCount, for: entry.client)
        var steps: [ProxyStep] = [.rest(.transaction(id)), .answer(entry.token, reply)]
        var next: [ID] = []
        for collection in entry.driver.collections {
            invariant(lines[collection]?.contains(id) == true, "a transaction that is in no line")
            lines[collection]?.removeAll { $0 == id }
            if let first = lines[collection]?.first {
                next.append(first)
            } else {
                lines[collection] = nil
            }
            // What was asked to rest, and is not yet said to, is released when it does.
            guard entry.missing != nil else { continue }
            let landed = entry.driver.landedBatch(of: collection)
            steps.append(.writer(collection) { $0.release(landed, &$1) })
        }
        for id in next { steps += start(id) }
        return steps
    }

    // MARK: The attempt

    mutating func attemptProgress(_ id: ID, isTrying: Bool, trouble: DatabaseError?) {
        hosted[id]?.driver.attemptProgress(isTrying: isTrying, trouble: trouble)
    }

    mutating func learned(_ error: DatabaseError, of id: ID) { hosted[id]?.driver.learned(error) }

    mutating func attemptEnded(
        _ id: ID, _ reply: RepositoryReply, _ caches: inout ProxyCaches, _ writers: HostedWriters,
        now: Instant
    ) -> [ProxyStep] {
        guard hosted[id] != nil else { return [] }
        hosted[id]?.driver.attemptEnded(reply, identifier: makeIdentifier(), now: now)
        return tick(id, &caches, writers, now: now)
    }

    /// Time has passed, or the way is free for another attempt.
    mutating func tick(
        _ id: ID, _ caches: inout ProxyCaches, _ writers: HostedWriters, now: Instant
    ) -> [ProxyStep] {
        guard let entry = hosted[id] else { return [] }
        var steps: [ProxyStep] = []
        if entry.missing?.isEmpty == true {
            for collection in entry.driver.collections {
                steps += run(id, collection, &caches, writers, now: now) {
                    $0.tick($1, &$2)
                }
            }
        }
        steps += goOn(id, now: now)
        if let deadline = hosted[id]?.driver.deadline {
            steps.append(.wake(.transaction(id), at: deadline))
        }
        return steps
    }

    /// Stops the process unless every transaction waits in the lines of its collections.
    /// - Complexity: O(what waits).
    func checkInvariants() {
        let sum = hosted.values.reduce(0) { $0 + $1.byteCount }
        invariant(sum == held.total, "transactions of \(sum) bytes, \(held.total) are counted")
        for (collection, line) in lines {
            invariant(!line.isEmpty, "an empty line is kept")
            for id in line {
                invariant(
                    hosted[id]?.driver.collections.contains(collection) == true,
                    "transaction \(id) is in a line that is not its own")
            }
        }
    }
}

extension WriterEffects {
    /// What a transaction asks for about one of its collections.
    fileprivate func needs(of id: HostedTransactions.ID, _ collection: CollectionID) -> [ProxyStep]
    {
        var needs: [ProxyStep] = []
        if wantsTail { needs.append(.askForTail(collection, .transaction(id))) }
        func fetch(_ items: [FetchItem], _ purpose: FetchPurpose, _ time: Duration) {
            guard !items.isEmpty else { return }
            needs.append(
                .fetch(
                    items, .transaction(id, collection, purpose), deadline: now.advanced(by: time)))
        }
        fetch(wants, .scan, Limits.sharedCallTime)
        fetch(wantsToRun, .run, Limits.runFetchTime)
        fetch(wantsApart, .apart, Limits.runFetchTime)
        if let wakeAt { needs.append(.wake(.transaction(id), at: wakeAt)) }
        return needs
    }
}
