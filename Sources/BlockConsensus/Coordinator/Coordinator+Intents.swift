import BlockModel
import BlockRuntime

/// What a coordinator does about intents that attempts over several collections have left
/// (protocol: home-decides, vanished-reads-again).
extension Coordinator {
    /// A change that an intent is in the way of.
    struct BlockedChange {
        let collection: CollectionID
        let change: TailChange
        let owner: RoundOwner
        let deadline: Instant
        /// What it found.
        let value: TailValue
    }

    // MARK: Who meets an intent

    /// A change has met intents, or decisions that are still open: it begins again when they are
    /// gone. One whose time runs out first is told what was in its way.
    /// - Returns: Whether there is something to wait for.
    mutating func waitForIntents(_ blocked: BlockedChange) -> Bool {
        guard let tail = blocked.value.live, blocked.deadline > now else { return false }
        let isTimedOut = planted(.sharedIntentTimedOut) && tail.exclusiveIntent == nil
        let fate: AttemptFate? = isTimedOut ? .dead : nil
        if case .decision = blocked.owner {
            // Others wait at the collections that its attempt has prepared: it does not.
            if let intent = tail.intents.first {
                resolve(intent, at: [blocked.collection], knowing: fate)
            }
            return false
        }
        if let intent = tail.intents.first {
            mark("coordinator.blocked")
            resolve(
                intent, at: [blocked.collection], knowing: fate,
                for: IntentWaiter(goal: .change(blocked), place: blocked.collection))
            return true
        }
        guard let decision = tail.openDecisions.first else { return false }
        mark("coordinator.blockedByDecision")
        let home = Participant(
            collection: blocked.collection, incarnation: tail.incarnation,
            target: decision.target)
        resolve(
            AttemptAnchor(attempt: decision.attempt, home: home), at: [],
            for: IntentWaiter(goal: .change(blocked), place: nil))
        return true
    }

    /// A tail was read to know what has happened: a write that is decided has, whether or not its
    /// entry has been appended here; one that is not may be passed over.
    mutating func finishRead(
        of collection: CollectionID, for reader: TailReader, _ result: RoundResult
    ) {
        guard case .reply(.tail(let value)) = result, let intent = value.live?.exclusiveIntent,
            !planted(.intentsIgnored)
        else { return end(reader, result) }
        mark("coordinator.read.intent")
        resolve(
            intent.attempt.anchor, at: [collection],
            for: IntentWaiter(goal: .reader(reader, value), place: collection))
    }

    private mutating func end(_ reader: TailReader, _ result: RoundResult) {
        switch reader {
        case .client(let token): finishRequest(token, result)
        case .check(let id): checkWasRead(id, result)
        }
    }

    /// Resolves what attempts have left in a chosen tail that no proxy asks about.
    mutating func resolveIntents(of tail: Tail) {
        for intent in tail.intents.prefix(Limits.settledAtOnceMax) {
            resolve(intent, at: [tail.collection])
        }
        for decision in tail.openDecisions.prefix(Limits.settledAtOnceMax) {
            let home = Participant(
                collection: tail.collection, incarnation: tail.incarnation,
                target: decision.target)
            resolve(AttemptAnchor(attempt: decision.attempt, home: home), at: [])
        }
    }

    // MARK: Finding out

    /// Finds out what became of an attempt, unless that is known, and carries it out.
    /// - Parameter isOwn: It is this coordinator's, which has given it up.
    mutating func resolve(
        _ anchor: AttemptAnchor, at collections: Set<CollectionID>,
        knowing fate: AttemptFate? = nil, for waiter: IntentWaiter? = nil, isOwn: Bool = false
    ) {
        let isReader = if case .reader? = waiter?.goal { true } else { false }
        if var known = resolutions[anchor.attempt] {
            known.collections.formUnion(collections.subtracting(known.underWay))
            if var waiter {
                // What the home said before this one looked may be old.
                waiter.readsBefore = known.readCount
                known.waiters.append(waiter)
            }
            known.isPushing = known.isPushing || !isReader
            if isOwn { known.fenceAt = now }
            resolutions[anchor.attempt] = known
            if known.step == .waiting, isReader || isOwn { readHome(of: anchor) }
            if case .carryingOut = known.step { carryOut(anchor.attempt) }
            if known.step == .readingAgain { lookAgain(anchor.attempt) }
            return
        }
        let polite = buggify("buggify.coordinator.impatient") ? .zero : Limits.intentPoliteness
        resolutions[anchor.attempt] = Resolution(
            anchor: anchor, fenceAt: isOwn ? now : now.advanced(by: polite),
            isPushing: !isReader, collections: collections, waiters: waiter.map { [$0] } ?? [])
        if fate == .committed || fate == .dead {
            resolutions[anchor.attempt]?.step = .carryingOut(isCommitted: fate == .committed)
            carryOut(anchor.attempt)
        } else {
            readHome(of: anchor)
        }
    }

    private mutating func readHome(of anchor: AttemptAnchor) {
        alarms.cancel(.resolution(anchor.attempt))
        resolutions[anchor.attempt]?.step = .readingHome
        resolutions[anchor.attempt]?.readCount += 1
        startRead(
            anchor.home.collection, owner: .resolution(anchor.attempt, at: nil),
            deadline: resolutionDeadline)
    }

    private var resolutionDeadline: Instant { now.advanced(by: Limits.resolutionTime) }

    /// The home was read or fenced, or a participant was resolved or looked at.
    mutating func resolutionGoesOn(
        _ name: Digest, at collection: CollectionID?, _ result: RoundResult
    ) {
        guard var resolution = resolutions[name] else { return }
        if let collection {
            return participantWasResolved(collection, of: name, result)
        }
        guard case .reply(.tail(let value)) = result else {
            guard case .failed(let error) = result else {
                return invariant(false, "a home cannot be read with \(result)")
            }
            return giveUp(name, error)
        }
        resolution.value = value
        resolution.objects = CheckedObjects()
        resolutions[name] = resolution
        judge(name)
    }

    /// An object of the home's log has come.
    mutating func resolutionFetched(
        _ name: Digest, _ key: LogObjectKey, _ result: RoundResult
    ) {
        guard var resolution = resolutions[name] else { return }
        guard case .reply(.content(let bytes)) = result,
            let object = try? LogObject(key, bytes: bytes)
        else {
            let error: DatabaseError =
                if case .failed(let error) = result { error } else {
                    DatabaseError(.corrupted, "an object of the log does not decode")
                }
            return giveUp(name, error)
        }
        resolution.objects.held[key] = object
        resolution.awaited.remove(key)
        resolutions[name] = resolution
        if resolution.awaited.isEmpty { judge(name) }
    }

    private mutating func judge(_ name: Digest) {
        guard let resolution = resolutions[name], let value = resolution.value else { return }
        let fate: AttemptFate
        do throws(MissingObjects) {
            fate = try value.fate(of: resolution.anchor, resolution.objects)
        } catch {
            resolutions[name]?.awaited = Set(error.keys)
            for key in error.keys {
                fetch(key, owner: .resolutionObject(name, key), deadline: resolutionDeadline)
            }
            return
        }
        switch fate {
        case .committed, .dead:
            mark(fate == .dead ? "resolution.dead" : "resolution.committed")
            if fate == .committed, let others = resolution.secondaries,
                !planted(.openDecisionForgotten)
            {
                resolutions[name]?.collections.formUnion(others)
            }
            resolutions[name]?.step = .carryingOut(isCommitted: fate == .committed)
            tellSender(name, fate)
            carryOut(name)
        case .vanished:
            mark("resolution.vanished")
            resolutions[name]?.step = .readingAgain
            tellSender(name, fate)
            lookAgain(name)
        case .undecided: waitOrFence(name)
        }
    }

    /// The attempt may still land. Readers need not wait for it; a change, the attempt's sender or
    /// a walk has it fenced when it has had its time.
    private mutating func waitOrFence(_ name: Digest) {
        guard var resolution = resolutions[name] else { return }
        let readCount = resolution.readCount
        let readers = resolution.takeWaiters { waiter in
            guard case .reader = waiter.goal else { return false }
            return waiter.readsBefore < readCount
        }
        let isFenced = resolution.step == .fencing
        resolution.step = .waiting
        resolutions[name] = resolution
        for reader in readers { end(reader, value: nil) }
        if resolution.waiters.contains(where: { if case .reader = $0.goal { true } else { false } })
        {
            return readHome(of: resolution.anchor)
        }
        guard resolution.isPushing, !isFenced else {
            // It aims at a revision that does not come next: it cannot be fenced, nor land.
            return giveUp(
                name, DatabaseError(.conflict, "attempt \(name) can be neither landed nor fenced"))
        }
        if resolution.fenceAt > now {
            return alarms.set(.resolution(name), at: resolution.fenceAt)
        }
        mark("resolution.fences")
        resolutions[name]?.step = .fencing
        resolutions[name]?.readCount += 1
        change(
            resolution.anchor.home.collection, .fence(resolution.anchor),
            owner: .resolution(name, at: nil), deadline: resolutionDeadline)
    }

    /// The time of an attempt that is in the way is over.
    mutating func politenessEnded(_ name: Digest) {
        guard let resolution = resolutions[name], resolution.step == .waiting else { return }
        readHome(of: resolution.anchor)
    }

    // MARK: Carrying it out

    private mutating func carryOut(_ name: Digest) {
        guard let resolution = resolutions[name],
            case .carryingOut(let isCommitted) = resolution.step
        else { return }
        let due = resolution.collections.subtracting(resolution.underWay).sorted()
        resolutions[name]?.collections = []
        resolutions[name]?.underWay.formUnion(due)
        for collection in due {
            let request = ResolveIntent(
                collection: collection, attempt: name, isCommitted: isCommitted)
            change(
                collection, .resolve(request), owner: .resolution(name, at: collection),
                deadline: resolutionDeadline)
        }
        finishIfResolved(name)
    }

    /// The home is over, or its history is: the participants are read after that
    /// (protocol: vanished-reads-again).
    private mutating func lookAgain(_ name: Digest) {
        guard let resolution = resolutions[name] else { return }
        let due = resolution.collections.sorted()
        resolutions[name]?.collections = []
        resolutions[name]?.underWay.formUnion(due)
        for collection in due {
            startRead(
                collection, owner: .resolution(name, at: collection),
                deadline: resolutionDeadline)
        }
        finishIfResolved(name)
    }

    private mutating func participantWasResolved(
        _ collection: CollectionID, of name: Digest, _ result: RoundResult
    ) {
        guard let resolution = resolutions[name] else { return }
        guard case .reply(.tail(let value)) = result else {
            resolutions[name]?.underWay.remove(collection)
            resolutions[name]?.isIncomplete = true
            let error: DatabaseError =
                if case .failed(let error) = result { error } else {
                    DatabaseError(.internalError, "an intent cannot be resolved with \(result)")
                }
            fail(waitersAt: collection, of: name, error)
            return finishIfResolved(name)
        }
        if resolution.step == .readingAgain, value.live?.holdsIntent(of: name) == true {
            let request = ResolveIntent(
                collection: collection, attempt: name, isCommitted: false)
            return change(
                collection, .resolve(request), owner: .resolution(name, at: collection),
                deadline: resolutionDeadline)
        }
        resolutions[name]?.underWay.remove(collection)
        let waiters = resolutions[name]?.takeWaiters { $0.place == collection } ?? []
        let isCommitted = resolution.step == .carryingOut(isCommitted: true)
        for waiter in waiters { end(waiter, value: value, isCommitted: isCommitted) }
        finishIfResolved(name)
    }

    private mutating func finishIfResolved(_ name: Digest) {
        guard let resolution = resolutions[name], resolution.underWay.isEmpty,
            resolution.collections.isEmpty
        else { return }
        resolutions[name] = nil
        alarms.cancel(.resolution(name))
        let isCommitted = resolution.step == .carryingOut(isCommitted: true)
        if resolution.isIncomplete {
            let error = DatabaseError(
                .quorumUnavailable, "a participant of attempt \(name) cannot be reached")
            for waiter in resolution.waiters { fail(waiter, error) }
        } else if isCommitted {
            let home = resolution.anchor.home
            let life = CollectionLife(collection: home.collection, incarnation: home.incarnation)
            closings[life, default: Closing()].add(name, resolution.waiters)
            close(life)
        } else {
            for waiter in resolution.waiters { end(waiter, value: nil) }
        }
    }

    /// Every participant has carried a decision out: no coordinator will ask for it any more
    /// (protocol: open-decisions-hold-the-log). What comes while a change says so goes with the
    /// next one.
    private mutating func close(_ life: CollectionLife) {
        guard let attempts = closings[life]?.begin() else { return }
        let request = CloseDecisions(
            collection: life.collection, incarnation: life.incarnation, attempts: attempts)
        change(
            life.collection, .close(request), owner: .closing(life), deadline: resolutionDeadline)
    }

    /// Decisions are closed, or could not be: those that waited for that try again.
    mutating func wasClosed(_ life: CollectionLife) {
        guard let waiters = closings[life]?.end() else { return }
        if closings[life]?.isEmpty == true { closings[life] = nil }
        close(life)
        for waiter in waiters { end(waiter, value: nil) }
    }

    // MARK: Those who wait

    private mutating func tellSender(_ name: Digest, _ fate: AttemptFate) {
        guard let resolution = resolutions[name] else { return }
        let senders = resolutions[name]?.takeWaiters {
            if case .answer = $0.goal { true } else { false }
        }
        for sender in senders ?? [] {
            guard case .answer(let token, let reply, let request) = sender.goal else { continue }
            respond(token, resolution.told(reply, fate))
            if fate == .dead { request.writes.forEach { discardPends(of: $0) } }
        }
    }

    /// - Parameters:
    ///   - value: The tail of the waiter's place without the intent; nil: the attempt was undecided
    ///     after the waiter had looked.
    ///   - isCommitted: Whether the tail must hold more than the one that the waiter found.
    private mutating func end(
        _ waiter: IntentWaiter, value: TailValue?, isCommitted: Bool = false
    ) {
        switch waiter.goal {
        case .reader(let reader, let before):
            guard let value else { return end(reader, .reply(.tail(before))) }
            guard value.isNewer(than: before, atLeast: isCommitted ? 1 : 0) else {
                // A change that was begun before the reader came has found an older value.
                guard let collection = waiter.place else { return }
                return startRead(
                    collection, owner: .reader(collection, reader), deadline: resolutionDeadline)
            }
            end(reader, .reply(.tail(value)))
        case .answer(let token, let reply, _): respond(token, reply)
        case .change(let blocked): beginAgain(blocked)
        }
    }

    private mutating func beginAgain(_ blocked: BlockedChange) {
        mark("coordinator.unblocked")
        if case .commit(let attempt) = blocked.change, attempt.transaction == nil,
            case .client(let token) = blocked.owner
        {
            return commit(attempt, for: token, deadline: blocked.deadline)
        }
        change(
            blocked.collection, blocked.change, owner: blocked.owner, deadline: blocked.deadline)
    }

    private mutating func fail(
        waitersAt collection: CollectionID, of name: Digest, _ error: DatabaseError
    ) {
        let waiters = resolutions[name]?.takeWaiters { $0.place == collection } ?? []
        for waiter in waiters { fail(waiter, error) }
    }

    private mutating func fail(_ waiter: IntentWaiter, _ error: DatabaseError) {
        switch waiter.goal {
        case .reader(let reader, _): end(reader, .failed(error))
        case .answer(let token, .failed(let reason), _): respond(token, .failed(reason))
        case .answer(let token, _, _):
            // Of this try only: another coordinator that was given the attempt may still have it
            // decided.
            let message = "the attempt was given up, and could not be fenced: \(error.message)"
            respond(token, .failed(DatabaseError(.quorumUnavailable, message, cause: error)))
        case .change(let blocked):
            notify(blocked.owner, .reply(.refused(.blocked(blocked.value))))
        }
    }

    /// Nothing can be found out now.
    private mutating func giveUp(_ name: Digest, _ error: DatabaseError) {
        guard let resolution = resolutions.removeValue(forKey: name) else { return }
        mark("resolution.failed")
        alarms.cancel(.resolution(name))
        for waiter in resolution.waiters { fail(waiter, error) }
    }
}

extension Resolution {
    /// The waiters that `condition` holds for: they wait no longer.
    mutating func takeWaiters(_ condition: (IntentWaiter) -> Bool) -> [IntentWaiter] {
        let taken = waiters.filter(condition)
        waiters.removeAll(where: condition)
        return taken
    }

    /// The participants that the home is not, as its entry names them; nil when that is not known.
    var secondaries: [CollectionID]? {
        decidedEntry?.participants.map(\.collection).filter { $0 != anchor.home.collection }
    }

    private var decidedEntry: Entry? {
        guard let tail = value?.live, anchor.home.target <= tail.revision,
            anchor.home.target > tail.truncatedThrough
        else { return nil }
        let view = LogView(tail: tail, source: objects)
        return try? view.entries(from: anchor.home.target, through: anchor.home.target).first
    }

    /// What the sender of the attempt is told, who would have been told `reply`.
    func told(_ reply: RepositoryReply, _ fate: AttemptFate) -> RepositoryReply {
        switch fate {
        case .committed:
            guard let entry = decidedEntry else { return reply }
            return .committed(entry.revision, chainHash: entry.chainHash)
        case .dead:
            guard case .failed(let error) = reply, error.outcome == .unknown, let value else {
                return reply
            }
            return .refusedAt(anchor.home.collection, .fenced(value))
        case .undecided: return reply
        case .vanished: return planted(.vanishedTakenForNo) ? reply : toldWithoutHistory(reply)
        }
    }

    /// The history that would tell what became of the attempt is gone: what one try was told ends
    /// no doubt about earlier ones, as an answer that names a refusal would.
    private func toldWithoutHistory(_ reply: RepositoryReply) -> RepositoryReply {
        guard case .refusedAt(let collection, let refusal) = reply else { return reply }
        var outcome = DatabaseError.Outcome.notApplied
        if case .moved(.notLookedFor, _) = refusal, collection == anchor.home.collection {
            outcome = .unknown
        }
        return .failed(
            DatabaseError(
                .positionNotFound,
                "the attempt was refused, and the history of the collection that would tell what "
                    + "became of it is gone, truncated or dropped", outcome: outcome))
    }
}

extension TailValue {
    /// Whether it is of a later life than `other`, or of the same with so many more entries.
    fileprivate func isNewer(than other: TailValue, atLeast count: UInt64) -> Bool {
        guard let tail = live, let before = other.live, generation == other.generation else {
            return generation >= other.generation
        }
        return tail.revision.rawValue >= before.revision.rawValue + count
    }
}

/// Decisions of one home that are carried out everywhere, and what says so to its tail: one change
/// at a time.
struct Closing {
    private var attempts: [Digest] = []
    private var waiters: [IntentWaiter] = []
    /// Those that wait for the change under way; nil when there is none.
    private var underWay: [IntentWaiter]?

    var isEmpty: Bool { attempts.isEmpty && underWay == nil }

    mutating func add(_ attempt: Digest, _ waiting: [IntentWaiter]) {
        attempts.append(attempt)
        waiters += waiting
    }

    /// - Returns: What the next change closes; nil when there is nothing, or one is under way.
    mutating func begin() -> [Digest]? {
        guard underWay == nil, !attempts.isEmpty else { return nil }
        underWay = waiters
        waiters = []
        defer { attempts = [] }
        return attempts
    }

    /// The change under way has ended.
    mutating func end() -> [IntentWaiter] {
        defer { underWay = nil }
        return underWay ?? []
    }
}
