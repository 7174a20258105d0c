import BlockModel
import BlockRuntime

/// Carries transactions over several collections that have one home to one decision: scans and runs
/// the parts of all of them on the newest snapshot of each collection, one transaction behind the
/// other, and has them decided together
/// (protocol: group-shares-one-home, home-decides, dedupe-scan).
///
/// Each member keeps its own id, conditions, doubts and outcome. What is sent holds only members
/// whose conditions hold behind those before them; one that fails because of a member before it
/// leaves for a later group, for that one may not land. So a conflict is told only of what is
/// chosen.
///
/// It drives a ``BatchSource`` of its own for each collection, beginning with what the writer of
/// that collection knows. The writers rest meanwhile, so that it does not race with its own proxy.
package struct TransactionGroup: Sendable {
    /// Names a member for the host.
    package typealias ID = UInt64

    /// What is to be done after an event, when ``takeEnded()`` was looked at.
    package enum Step: Sendable {
        case waits
        /// Then ``attemptEnded(_:identifier:now:)``.
        case send(TransactionAttempt, until: Instant)
        /// No member is left.
        case over
    }

    /// A member that is in the group no longer.
    package struct Ended: Sendable {
        package let id: ID
        /// With an answer, or to be tried in a later group.
        package let member: TransactionMember
    }

    /// A member's place, in the order in which they take effect.
    typealias Place = Int

    /// One collection's part of what is decided.
    struct Part: Sendable {
        var source: BatchSource
        /// Whether its actions wait in ``source``, or are to.
        var hasBegun = false
        var built: Built?
    }

    /// A part that can be sent at its target.
    struct Built: Sendable {
        let participant: Participant
        /// nil of what is only read.
        let batch: InFlightBatch?
        let commit: CommitAttempt?
    }

    package private(set) var home: CollectionID
    private var ids: [ID]
    /// Members that have left or were answered stay here.
    var members: [TransactionMember]
    /// The places of those that are in it.
    var active: [Place]
    private var ended: [Ended] = []
    /// The places of those that were answered while the attempt was out: it carries them still.
    private var leftWhileOut: [Place] = []
    var parts: [CollectionID: Part] = [:]
    var payload: PayloadID
    var isOut = false
    private var hasCommitted = false
    private var backoff = Backoff(.rivals)
    private var generator: SeededGenerator
    private(set) var restsUntil: Instant?
    var isTickWanted = false

    /// - Parameters:
    ///   - members: In the order in which they are to take effect; all of one home.
    ///   - sources: What is known of each collection.
    ///   - identifier: Unique for ever.
    package init(
        _ members: [(id: ID, member: TransactionMember)], sources: [CollectionID: BatchSource],
        identifier: Identifier128
    ) {
        guard let first = members.first else { fatalError("invariant: a group of nothing") }
        home = first.member.home
        ids = members.map(\.id)
        self.members = members.map(\.member)
        active = Array(members.indices)
        payload = PayloadID(action: ActionID(rawValue: identifier), execution: 0)
        generator = SeededGenerator(seed: UInt64(truncatingIfNeeded: identifier.value))
        for collection in self.members.flatMap(\.collections) where parts[collection] == nil {
            let source = sources[collection] ?? BatchSource(collection: collection)
            parts[collection] = Part(source: source)
        }
        invariant(
            self.members.allSatisfy { $0.request.home == first.member.request.home },
            "a group of two homes")
        if members.count > 1 { mark("transaction.grouped") }
    }

    /// In the order in which they are worked on.
    package var collections: [CollectionID] { parts.keys.sorted() }

    /// Members that are in it.
    package var count: Int { active.count }

    /// Members in it that have a part in a collection, in order.
    func places(on collection: CollectionID) -> [(Place, TransactionPart)] {
        active.compactMap { place in members[place].share(of: collection).map { (place, $0) } }
    }

    // MARK: Events of one collection

    /// The part begins.
    package mutating func begin(_ collection: CollectionID, _ effects: inout WriterEffects) {
        invariant(parts[collection]?.hasBegun != true, "a part begins twice")
        parts[collection]?.hasBegun = true
        let shares = places(on: collection)
        if shares.contains(where: { members[$0.0].hasToRead(collection) }) {
            mark("transaction.readsForMember")
            parts[collection]?.source.mustBeReadAgain()
        }
        for (place, share) in shares { addActions(of: place, share) }
        advance(collection, &effects)
    }

    private mutating func addActions(of place: Place, _ share: TransactionPart) {
        let member = members[place]
        for (number, content) in share.actions.enumerated() {
            let action = ActionRequest(
                collection: share.collection, incarnation: share.incarnation,
                action: member.request.id(of: number), firstRevision: share.firstRevision,
                content: content)
            let waiter = PendingAction.Waiter(
                token: MemberToken(place, number).value, deadline: member.deadline)
            let problem = parts[share.collection]?.source.add(
                action, content.bytes, client: 0, waiter,
                record: share.collection == home && number == 0 ? member.record.hash : nil)
            if let problem { return members[place].fail(problem) }
        }
    }

    package mutating func tailWasRead(
        _ value: TailValue, of collection: CollectionID, _ effects: inout WriterEffects
    ) {
        _ = parts[collection]?.source.tailWasRead(value, &effects)
        // All of them came before the group, and the read was begun by it.
        for (place, _) in places(on: collection) { members[place].isKnownAnew(collection) }
        advance(collection, &effects)
        parts[collection]?.source.readWasHandled()
    }

    package mutating func tailReadFailed(
        _ error: DatabaseError, of collection: CollectionID, _ effects: inout WriterEffects
    ) {
        parts[collection]?.source.tailReadFailed()
        learned(error)
        effects.wakeSoon()
    }

    package mutating func wasFetched(
        _ things: Fetched, for purpose: FetchPurpose, of collection: CollectionID,
        _ effects: inout WriterEffects
    ) {
        if let error = parts[collection]?.source.wasFetched(things, for: purpose, &effects) {
            learned(error)
            effects.wakeSoon()
        }
        advance(collection, &effects)
    }

    package mutating func fetchFailed(
        _ error: DatabaseError, for purpose: FetchPurpose, of collection: CollectionID,
        _ effects: inout WriterEffects
    ) {
        parts[collection]?.source.fetchFailed(error, for: purpose, &effects)
        learned(error)
        effects.wakeSoon()
    }

    /// Time has passed: goes on with a part that waited for that.
    package mutating func tick(_ collection: CollectionID, _ effects: inout WriterEffects) {
        advance(collection, &effects)
    }

    // MARK: Who cannot take part

    /// A collection shows why a member cannot be done. What is known here may be older than that
    /// member: then it is looked at anew when it is alone, or when the others have been decided.
    mutating func refuse(_ error: DatabaseError, _ place: Place, by other: CollectionID) {
        guard active.contains(place), members[place].answer == nil else { return }
        guard members[place].mayBeRefused(by: other) else {
            return active.count == 1 ? lookAnew() : leave(place, because: other)
        }
        members[place].refuse(error, by: other)
        isTickWanted = true
    }

    /// All parts read their tails.
    private mutating func lookAnew() {
        mark("transaction.looksAnew")
        isTickWanted = true
        for place in active { members[place].looksAnew() }
        for collection in collections {
            parts[collection]?.source.mustBeReadAgain()
            guard parts[collection]?.hasBegun == true else { continue }
            parts[collection]?.built = nil
            let shares = places(on: collection)
            for (place, share) in shares {
                parts[collection]?.source.withdraw(members[place].ids(on: share))
            }
            for (place, share) in shares { addActions(of: place, share) }
        }
    }

    /// A member is not in the group any more: what was built with it is built anew.
    private mutating func remove(_ place: Place) {
        invariant(active.contains(place), "a member ends twice")
        active.removeAll { $0 == place }
        ended.append(Ended(id: ids[place], member: members[place]))
        guard !hasCommitted else { return }
        if isOut { leftWhileOut.append(place) } else { withdraw(place) }
    }

    /// What a member wants done is not done with what is built next.
    private mutating func withdraw(_ place: Place) {
        invariant(!isOut && !active.contains(place), "withdrawn from what is sent")
        for share in members[place].request.parts {
            parts[share.collection]?.source.withdraw(members[place].ids(on: share))
            parts[share.collection]?.built = nil
            if places(on: share.collection).isEmpty { parts[share.collection]?.hasBegun = false }
        }
        isTickWanted = true
    }

    /// A member is to be tried in another group.
    /// - Parameter collection: What stood against it, and may be behind; nil: a fellow.
    mutating func leave(_ place: Place, because collection: CollectionID? = nil) {
        guard active.contains(place), members[place].answer == nil else { return }
        mark("transaction.leftGroup")
        members[place].leave(because: collection)
        remove(place)
    }

    /// The attempt makes no sense with all of them together.
    private mutating func shrink(to count: Int) {
        invariant(count > 0 && count < active.count, "a group does not shrink")
        for place in active.suffix(active.count - count) { leave(place) }
    }

    // MARK: All of them

    /// What is to be done now that all parts that could be were gone on with.
    package mutating func next(_ wallMilliseconds: UInt64, now: Instant) -> Step {
        for place in active {
            members[place].expire(at: now)
            if !isOut { look(at: place) }
            if members[place].answer != nil { remove(place) }
        }
        guard !active.isEmpty else { return .over }
        guard !isOut, !active.contains(where: { isHeldUp(by: members[$0]) }) else { return .waits }
        let used = Set(active.flatMap { members[$0].collections })
        let built = collections.filter(used.contains).compactMap { parts[$0]?.built }
        guard built.count == used.count else { return .waits }
        let bytes = built.reduce(0) { $0 + ($1.batch?.byteCount ?? 0) }
        guard !refuseExpired(at: wallMilliseconds) else { return .waits }
        guard bytes <= Limits.attemptBytesMax else {
            split(because: TransactionGroup.tooLarge(bytes))
            return active.isEmpty ? .over : .waits
        }
        return send(built, wallMilliseconds)
    }

    /// Refuses the members that may not be decided anew any more. As with every refusal, that is
    /// told once a home as new as the member is known not to hold it (protocol: dedupe-scan).
    /// - Returns: Whether there are any.
    private mutating func refuseExpired(at wallMilliseconds: UInt64) -> Bool {
        let late = active.filter { members[$0].request.source.stamp.expiry < wallMilliseconds }
        for place in late {
            mark("transaction.expired")
            let stamp = members[place].request.source.stamp
            refuse(TransactionGroup.expired(stamp, wallMilliseconds), place, by: home)
        }
        return !late.isEmpty
    }

    private static func expired(
        _ stamp: TransactionStamp, _ wallMilliseconds: UInt64
    ) -> DatabaseError {
        DatabaseError(
            .transactionExpired,
            "the transaction's stamp ended \(wallMilliseconds - stamp.expiry) ms ago, by the "
                + "clock of the proxy")
    }

    func isHeldUp(by member: TransactionMember) -> Bool {
        member.refusal != nil || member.hasLanded
    }

    /// Looks whether what is known of a member is enough for its answer.
    private mutating func look(at place: Place) {
        members[place].answerRefusal()
        guard members[place].hasLanded, members[place].answer == nil else { return }
        let missing = members[place].notFoundYet
        guard !missing.isEmpty else { return members[place].answerAsFound() }
        if missing.contains(home), members[place].isNotAtHome {
            return members[place].fail(TransactionGroup.foundElsewhere)
        }
        for collection in missing where parts[collection]?.hasBegun == true {
            // It was looked at before the decision was carried out there, or taken.
            guard parts[collection]?.built != nil || parts[collection]?.source.log != nil,
                parts[collection]?.source.isWaiting == false
            else { continue }
            if collection == home { members[place].seeksAtHome() }
            parts[collection]?.built = nil
            parts[collection]?.source.mustBeReadAgain()
            isTickWanted = true
        }
    }

    private mutating func send(_ built: [Built], _ wallMilliseconds: UInt64) -> Step {
        guard let target = parts[home]?.built?.participant.target else {
            invariant(false, "an attempt without its home")
            return .waits
        }
        isOut = true
        for place in active { members[place].sent(to: target) }
        return .send(
            TransactionAttempt(
                home: home, writes: built.compactMap(\.commit),
                reads: built.filter { $0.commit == nil }.map(\.participant),
                wallMilliseconds: wallMilliseconds),
            until: active.map { members[$0].deadline }.max() ?? .origin)
    }

    private static var foundElsewhere: DatabaseError {
        DatabaseError(
            .actionIDReuse,
            "an action under this id is in another collection, and the one that decides has none")
    }

    private static func tooLarge(_ bytes: Int) -> DatabaseError {
        DatabaseError(
            .valueTooLarge,
            "a transaction that writes \(bytes) bytes, attemptBytesMax = \(Limits.attemptBytesMax)")
    }

    /// The attempt makes no sense: half of the members are tried again, and one that is alone has
    /// failed.
    private mutating func split(because error: DatabaseError) {
        guard active.count == 1, let place = active.first else {
            return shrink(to: active.count / 2)
        }
        members[place].fail(error)
        remove(place)
    }

    /// Whether every part is to be gone on with, without waiting; asked once.
    package mutating func takeTick() -> Bool {
        defer { isTickWanted = false }
        return isTickWanted
    }

    /// Members that have left since this was last asked.
    package mutating func takeEnded() -> [Ended] {
        defer { ended = [] }
        return ended
    }

    /// A try of it was sent, or failed and will be repeated.
    package mutating func attemptProgress(isTrying: Bool, trouble: DatabaseError?) {
        for place in active {
            if isTrying { members[place].updateDoubt { $0.handedOver() } }
            guard let trouble else { continue }
            members[place].learned(trouble)
            members[place].updateDoubt { $0.tryEnded(trouble) }
        }
    }

    /// The attempt has ended.
    /// - Parameter identifier: Unique for ever: names the next attempt.
    package mutating func attemptEnded(
        _ reply: RepositoryReply, identifier: Identifier128, now: Instant
    ) {
        guard isOut, !active.isEmpty else { return }
        isOut = false
        payload = PayloadID(action: ActionID(rawValue: identifier), execution: 0)
        if case .committed = reply { return committed() }
        // Another attempt has another payload, and stands on what is newest then.
        for collection in collections { parts[collection]?.built = nil }
        for place in leftWhileOut { withdraw(place) }
        leftWhileOut = []
        switch reply {
        case .refusedAt(let collection, let refusal):
            mark("transaction.refused")
            tryEnded { $0.decided() }
            refused(refusal, at: collection, now)
        case .failed(let error):
            tryEnded { $0.tryEnded(error) }
            failed(error, now)
        default: invariant(false, "an attempt cannot end with \(reply)")
        }
    }

    private mutating func tryEnded(_ event: (inout AttemptDoubt) -> Void) {
        for place in active {
            members[place].updateDoubt(event)
            members[place].tryIsOver()
        }
    }

    private mutating func committed() {
        invariant(!hasCommitted && !isOut, "a decision that was not asked for, or is known")
        hasCommitted = true
        for place in active { members[place].committed(landed(members[place])) }
    }

    private mutating func refused(
        _ refusal: CommitRefusal, at collection: CollectionID, _ now: Instant
    ) {
        again(after: now)
        if case .gone = refusal {
            for (place, _) in places(on: collection) { refuse(.gone, place, by: collection) }
            return
        }
        if let value = refusal.value { _ = parts[collection]?.source.adopt(value) }
        if case .moved = refusal { restsUntil = nil }
    }

    private mutating func failed(_ error: DatabaseError, _ now: Instant) {
        if error.refusesTransaction, active.count == 1, let place = active.first {
            // Its coordinator has not looked whether an earlier try of it has landed.
            again(after: now)
            return refuse(error, place, by: home)
        }
        guard !error.endsTransaction else { return split(because: error) }
        mark("transaction.failed")
        learned(error)
        again(after: now)
        // Whether it landed, only the logs can say.
        for place in active { members[place].looksAnew() }
        for collection in collections { parts[collection]?.source.mustBeReadAgain() }
    }

    /// What each writer is told that rested meanwhile: the batch that landed.
    package func landedBatch(of collection: CollectionID) -> InFlightBatch? {
        hasCommitted ? parts[collection]?.built?.batch : nil
    }

    /// The collections that what was decided wrote, or found as they had been read.
    package var decided: [CollectionID] {
        hasCommitted ? collections.filter { parts[$0]?.built != nil } : []
    }

    /// The chosen tail that what is known of a collection begins with: each writer goes on from it.
    package func knownTail(of collection: CollectionID) -> Tail? { parts[collection]?.source.tail }

    package mutating func learned(_ error: DatabaseError) {
        for place in active { members[place].learned(error) }
    }

    // MARK: Its end

    /// What the decision did for a member. Of what it has only read the revision is told that the
    /// decision left: with it, it is one moment.
    private func landed(_ member: TransactionMember) -> [TransactedPart] {
        member.request.parts.compactMap { share in
            guard let built = parts[share.collection]?.built else { return nil }
            guard let batch = built.batch else {
                return TransactedPart(
                    collection: share.collection, revision: built.participant.target.previous,
                    outcomes: [])
            }
            let own = Set(member.ids(on: share))
            let outcomes =
                share.writes
                ? zip(batch.actions, batch.outcomes).filter { own.contains($0.0.action) } : []
            return TransactedPart(
                collection: share.collection, revision: batch.target,
                outcomes: outcomes.map(\.1))
        }
    }

    /// Another attempt is to be made, on what is newest then.
    private mutating func again(after now: Instant) {
        invariant(!hasCommitted && !isOut, "another attempt beside one that is out")
        // Whoever shares a decision has the same one.
        if active.count == 1, let place = active.first { home = members[place].home }
        restsUntil = now.advanced(by: backoff.next(using: &generator))
    }

    package func checkInvariants() {
        for part in parts.values { part.source.checkInvariants() }
        invariant(active == active.sorted(), "members out of order")
        invariant(ended.isEmpty || ended.count <= members.count, "more have ended than there were")
        let used = Set(active.flatMap { members[$0].collections })
        invariant(
            !isOut || used.allSatisfy { parts[$0]?.built != nil }, "sent before it was built")
    }
}

extension DatabaseError {
    /// Whether a transaction makes no sense, so that another try would be refused as well.
    fileprivate var endsTransaction: Bool {
        refusesTransaction
            || [.invalidArgument, .valueTooLarge, .malformedMessage, .actionIDReuse].contains(code)
    }

    /// Whether a coordinator does not take a transaction that makes sense, and that another
    /// coordinator may have taken before.
    fileprivate var refusesTransaction: Bool {
        [.engineUnknown, .executionDiffers, .transactionExpired].contains(code)
    }
}
