import BlockModel
import BlockRuntime
import BlockTransactions

/// The transactions over several collections that a proxy carries out, and those that wait for
/// their collections.
///
/// Each takes its place behind every earlier one in the line of each of its collections at once, so
/// that two never wait for each other, and none is overtaken for ever. One that is the first in all
/// of them has them to itself, in this proxy, and takes along those behind it that have its home
/// and no collection that others wait for (protocol: group-shares-one-home).
struct HostedTransactions: Sendable {
    typealias ID = TransactionGroup.ID

    private struct Hosted: Sendable {
        let token: ClientProxy.Token
        let client: CollectionWriter.Client
        let byteCount: Int
        let footprint: TransactionFootprint
        let place: TransactionTurns.Place
        /// As it was when it last waited.
        var member: TransactionMember
        /// The group that it is in; nil while it waits.
        var group: ID?
    }

    /// Transactions that are decided together.
    private struct Group: Sendable {
        /// The transaction that it was made for.
        let first: ID
        /// It has these, or will.
        let collections: [CollectionID]
        /// Those whose writers do not rest yet.
        var missing: Set<CollectionID>
        /// nil until all of them do.
        var driver: TransactionGroup?
        /// The last transaction that had come when its attempt was sent.
        var newest: ID = 0
    }

    private var hosted: [ID: Hosted] = [:]
    private var lines: [CollectionID: [ID]] = [:]
    private var groups: [ID: Group] = [:]
    /// Ids of groups are none of transactions, whose timers have the same names, and none of
    /// earlier groups, whose fetches may still come.
    private var lastGroup: ID = 1 << 63
    /// By a collection that others wait for: the last transaction that had come before something
    /// was sent that was decided, and that is the last thing in its log.
    private var decidedAfter: [CollectionID: ID] = [:]
    private var newest: ID = 0
    var turns = TransactionTurns()
    /// Those that need no group.
    var singles = SingleTransactions()
    /// The collections of transactions that were told a conflict, until their turn lapses.
    private var lapsing: [ID: [CollectionID]] = [:]
    /// The group that has a collection.
    private var holders: [CollectionID: ID] = [:]
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

    /// Those that wait, or are in a group.
    var count: Int { hosted.count + singles.waitingCount }

    func contains(_ id: ID) -> Bool {
        hosted[id] != nil || groups[id] != nil || lapsing[id] != nil || singles.contains(id)
    }

    // MARK: Coming and going

    /// A transaction has come.
    mutating func begin(
        _ request: TransactionRequest, _ token: ClientProxy.Token,
        _ client: CollectionWriter.Client, id: ID, deadline: Instant, now: Instant
    ) -> [ProxyStep] {
        invariant(hosted[id] == nil, "transaction \(id) is begun twice")
        let byteCount = request.byteCount
        if let refusal = held.refusal(of: byteCount, for: client) {
            return [.answer(token, .failed(refusal))]
        }
        held.add(byteCount, for: client)
        newest = max(newest, id)
        let member = TransactionMember(request, deadline: deadline)
        let footprint = TransactionFootprint(request)
        hosted[id] = Hosted(
            token: token, client: client, byteCount: byteCount, footprint: footprint,
            place: turns.came(request.body, footprint), member: member)
        for collection in member.collections { enqueue(id, on: collection) }
        return [.wake(.transaction(id), at: deadline)]
            + startFirst(of: member.collections, now: now)
    }

    /// Behind those that have an earlier place.
    private mutating func enqueue(_ id: ID, on collection: CollectionID) {
        let line = lines[collection] ?? []
        let own = hosted[id]?.place ?? .max
        let place = line.firstIndex { own < hosted[$0]?.place ?? 0 }
        invariant(!line.contains(id), "a transaction stands twice in a line")
        lines[collection, default: []].insert(id, at: place ?? line.count)
    }

    /// Has the writers of a transaction's collections rest, and of those that go with it, if it is
    /// the first in every line whose turn it is.
    private mutating func start(_ id: ID, now: Instant) -> [ProxyStep] {
        guard let entry = hosted[id], entry.group == nil,
            entry.member.collections.allSatisfy({
                holders[$0] == nil && first(of: $0, now) == id
            })
        else { return [] }
        var collections = Set(entry.member.collections)
        for other in lines[entry.member.request.home] ?? [] {
            guard let own = hosted[other]?.member, own.request.home == entry.member.request.home
            else { continue }
            let more = own.collections.filter { !collections.contains($0) }
            guard collections.count + more.count <= Limits.participantCountMax,
                more.allSatisfy({ holders[$0] == nil }), !isHeldBack(other, now)
            else { continue }
            collections.formUnion(more)
        }
        let all = collections.sorted()
        lastGroup += 1
        groups[lastGroup] = Group(first: id, collections: all, missing: collections)
        for collection in all { holders[collection] = lastGroup }
        hosted[id]?.group = lastGroup
        return all.map { collection in .writer(collection) { $0.hold(&$1) } }
    }

    /// The first in the line of a collection that has not to wait for another one's turn.
    private func first(of collection: CollectionID, _ now: Instant) -> ID? {
        lines[collection]?.first { !isHeldBack($0, now) }
    }

    private func isHeldBack(_ id: ID, _ now: Instant) -> Bool {
        guard let entry = hosted[id] else { return false }
        return turns.holdBack(
            entry.member.request.body, entry.footprint, at: entry.place, now: now)
    }

    /// The writer of a collection rests, for the group that has it.
    mutating func writerRests(
        _ collection: CollectionID, _ caches: inout ProxyCaches, _ writers: HostedWriters,
        now: Instant
    ) -> [ProxyStep] {
        guard let id = holders[collection], groups[id]?.missing.remove(collection) != nil,
            let group = groups[id], group.missing.isEmpty
        else { return [] }
        var members = takeMembers(of: group, id, now: now)
        for place in members.indices {
            for collection in members[place].member.collections
            where members[place].id <= decidedAfter[collection] ?? 0 {
                members[place].member.isKnownAnew(collection)
            }
        }
        guard !members.isEmpty else { return end(id, nil, now: now) }
        var sources: [CollectionID: BatchSource] = [:]
        for collection in group.collections {
            sources[collection] = writers.sourceForTransaction(of: collection)
        }
        groups[id]?.driver = TransactionGroup(
            members, sources: sources, identifier: makeIdentifier())
        var steps: [ProxyStep] = []
        for collection in group.collections {
            steps += run(id, collection, &caches, writers, now: now) {
                driver, collection, effects in
                driver.begin(collection, &effects)
            }
        }
        return steps + goOn(id, now: now)
    }

    /// The transactions that wait and can go with the first one of a group, itself among them,
    /// oldest first; not those that have to wait for another one's turn.
    private mutating func takeMembers(
        of group: Group, _ id: ID, now: Instant
    ) -> [(id: ID, member: TransactionMember)] {
        guard let first = hosted[group.first] else { return [] }
        let collections = Set(group.collections)
        var members = [(id: group.first, member: first.member)]
        var byteCount = first.byteCount
        // One that was sent twice is found to have landed by the next group.
        var actions = Set(first.member.actions)
        for other in lines[first.member.request.home] ?? [] where other != group.first {
            guard let entry = hosted[other], entry.group == nil,
                entry.member.request.home == first.member.request.home,
                entry.member.collections.allSatisfy(collections.contains),
                byteCount + entry.byteCount <= Limits.groupBytesMax,
                members.count < Limits.groupMemberCountMax,
                actions.isDisjoint(with: entry.member.actions), !isHeldBack(other, now)
            else { continue }
            actions.formUnion(entry.member.actions)
            byteCount += entry.byteCount
            members.append((id: other, member: entry.member))
            hosted[other]?.group = id
        }
        return members
    }

    /// Gives an event of one collection to a group.
    mutating func run(
        _ id: ID, _ collection: CollectionID, _ caches: inout ProxyCaches,
        _ writers: HostedWriters, now: Instant,
        _ event: (inout TransactionGroup, CollectionID, inout WriterEffects) -> Void
    ) -> [ProxyStep] {
        guard var driver = groups[id]?.driver else { return [] }
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
        groups[id]?.driver = driver
        return effects.needs(of: id, collection)
    }

    /// Does what a group is ready for.
    mutating func goOn(_ id: ID, now: Instant) -> [ProxyStep] {
        guard var driver = groups[id]?.driver else { return [] }
        let step = driver.next(wallMilliseconds(), now: now)
        let isTickWanted = driver.takeTick()
        let ended = driver.takeEnded()
        groups[id]?.driver = driver
        var steps: [ProxyStep] = []
        for one in ended { steps += hasEnded(one, now: now) }
        switch step {
        case .waits: if isTickWanted { steps.append(.transactionGoesOn(id)) }
        case .send(let attempt, let deadline):
            groups[id]?.newest = newest
            steps.append(.call(.transact(attempt), .transaction(id), deadline: deadline))
        case .over: steps += end(id, driver, now: now)
        }
        return steps
    }

    /// A member is in its group no longer: answers it, or has it wait for another group.
    private mutating func hasEnded(
        _ ended: TransactionGroup.Ended, now: Instant
    ) -> [ProxyStep] {
        guard let reply = ended.member.answer else {
            hosted[ended.id]?.member = ended.member
            hosted[ended.id]?.group = nil
            return []
        }
        return answer(ended.id, reply, now: now)
    }

    private mutating func answer(_ id: ID, _ reply: ClientReply, now: Instant) -> [ProxyStep] {
        guard let entry = hosted.removeValue(forKey: id) else { return [] }
        held.remove(entry.byteCount, for: entry.client)
        for collection in entry.member.collections {
            invariant(lines[collection]?.contains(id) == true, "a transaction that is in no line")
            lines[collection]?.removeAll { $0 == id }
            if lines[collection]?.isEmpty == true {
                lines[collection] = nil
                decidedAfter[collection] = nil
            }
        }
        return passTurn(of: entry, id, reply, now: now)
    }

    /// One that lost keeps its place until its client comes back; any other has none any more.
    private mutating func passTurn(
        of entry: Hosted, _ id: ID, _ reply: ClientReply, now: Instant
    ) -> [ProxyStep] {
        let body = entry.member.request.body
        guard case .failed(var error) = reply, error.code == .conflict,
            let lapses = turns.lost(body, entry.footprint, at: entry.place, now: now)
        else {
            turns.over(body)
            return [.rest(.transaction(id)), .answer(entry.token, reply)]
        }
        // Nobody else has to be given time.
        error.retryAfter = RetryTiming.keptTurn
        return keepTurn(id, of: entry.member.collections, until: lapses)
            + [.answer(entry.token, .failed(error))]
    }

    /// Others go on when a turn lapses, unless its client comes back before.
    mutating func keepTurn(
        _ id: ID, of collections: [CollectionID], until lapses: Instant
    ) -> [ProxyStep] {
        invariant(hosted[id] == nil, "one that waits is waited for")
        mark("transaction.keepsTurn")
        lapsing[id] = collections
        // Not before, when its own time would have been up: nobody else wakes those that wait.
        return [.rest(.transaction(id)), .wake(.transaction(id), at: lapses)]
    }

    /// A group is over: its collections are for others.
    private mutating func end(
        _ id: ID, _ driver: TransactionGroup?, now: Instant
    ) -> [ProxyStep] {
        guard let group = groups.removeValue(forKey: id) else { return [] }
        var steps: [ProxyStep] = [.rest(.transaction(id))]
        for collection in driver?.decided ?? [] where lines[collection] != nil {
            decidedAfter[collection] = group.newest
        }
        for collection in group.collections {
            holders[collection] = nil
            let landed = driver?.landedBatch(of: collection)
            let tail = driver?.knownTail(of: collection)
            steps.append(.writer(collection) { $0.release(landed, tail: tail, &$1) })
        }
        return steps + startFirst(of: group.collections, now: now)
    }

    /// Goes on with those that wait for collections and have to wait for nobody else.
    mutating func startFirst(of collections: [CollectionID], now: Instant) -> [ProxyStep] {
        var steps = collections.flatMap { admitSingles(on: $0, now: now) }
        for collection in collections where holders[collection] == nil {
            if let first = first(of: collection, now) { steps += start(first, now: now) }
        }
        return steps
    }

    // MARK: The attempt

    mutating func attemptProgress(_ id: ID, isTrying: Bool, trouble: DatabaseError?) {
        groups[id]?.driver?.attemptProgress(isTrying: isTrying, trouble: trouble)
    }

    mutating func learned(_ error: DatabaseError, of id: ID) { groups[id]?.driver?.learned(error) }

    mutating func attemptEnded(
        _ id: ID, _ reply: RepositoryReply, _ caches: inout ProxyCaches, _ writers: HostedWriters,
        now: Instant
    ) -> [ProxyStep] {
        guard groups[id]?.driver != nil else { return [] }
        groups[id]?.driver?.attemptEnded(reply, identifier: makeIdentifier(), now: now)
        return tickGroup(id, &caches, writers, now: now)
    }

    /// Time has passed, or the way is free for another attempt.
    mutating func tick(
        _ id: ID, _ caches: inout ProxyCaches, _ writers: HostedWriters, now: Instant
    ) -> [ProxyStep] {
        if let collections = lapsing.removeValue(forKey: id) {
            return startFirst(of: collections, now: now)
        }
        if singles.contains(id) { return expireSingle(id, now: now) }
        let steps = tickGroup(hosted[id]?.group ?? id, &caches, writers, now: now)
        guard var member = hosted[id]?.member else { return steps }
        let isDriven = hosted[id]?.group.map { groups[$0]?.driver != nil } ?? false
        guard now >= member.deadline, !isDriven else {
            return steps + [.wake(.transaction(id), at: member.deadline)]
        }
        // It waits for its collections still.
        member.expire(at: now)
        guard let reply = member.answer else { return steps }
        return steps + answer(id, reply, now: now)
            + startFirst(of: member.collections, now: now)
    }

    private mutating func tickGroup(
        _ id: ID, _ caches: inout ProxyCaches, _ writers: HostedWriters, now: Instant
    ) -> [ProxyStep] {
        guard let group = groups[id], group.driver != nil else { return [] }
        var steps: [ProxyStep] = []
        for collection in group.collections {
            steps += run(id, collection, &caches, writers, now: now) { $0.tick($1, &$2) }
        }
        return steps + goOn(id, now: now)
    }

    /// Stops the process unless every transaction waits in the lines of its collections, and every
    /// collection is had by one group.
    /// - Complexity: O(what waits).
    func checkInvariants() {
        turns.checkInvariants()
        singles.checkInvariants()
        let sum = hosted.values.reduce(0) { $0 + $1.byteCount }
        invariant(sum == held.total, "transactions of \(sum) bytes, \(held.total) are counted")
        for (collection, line) in lines {
            invariant(!line.isEmpty, "an empty line is kept")
            for id in line {
                invariant(
                    hosted[id]?.member.share(of: collection) != nil,
                    "transaction \(id) is in a line that is not its own")
            }
        }
        for (collection, id) in holders {
            invariant(
                groups[id]?.collections.contains(collection) == true,
                "a collection is had by a group that is over")
        }
        for (id, entry) in hosted {
            invariant(
                entry.group.map { groups[$0] != nil } ?? true,
                "transaction \(id) is in a group that is over")
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
