import BlockModel
import BlockRuntime

/// Carries one client's transaction over several collections from its request to its answer: scans
/// and runs each part on the newest snapshot of its collection, and has all of them decided
/// together (protocol: home-decides, dedupe-scan).
///
/// It drives a ``BatchSource`` of its own for each collection, beginning with what the writer of
/// that collection knows. The writers rest meanwhile, so that it does not race with its own proxy.
package struct TransactionDriver: Sendable {
    /// What is to be done after an event.
    package enum Step: Sendable {
        case waits
        /// Then ``attemptEnded(_:now:)``.
        case send(TransactionAttempt)
        case answer(ClientReply)
    }

    /// One collection's part.
    private struct Part: Sendable {
        let share: TransactionPart
        var source: BatchSource
        /// Whether its actions wait in ``source``, or are to.
        var hasBegun = false
        var built: Built?
        /// Where an earlier try put each of its actions, by their number.
        var landings: [Int: ActionLanding] = [:]
    }

    /// A part that can be sent at its target.
    private struct Built: Sendable {
        let participant: Participant
        /// nil of what is only read.
        let batch: InFlightBatch?
        let commit: CommitAttempt?
    }

    package let request: TransactionRequest
    package let deadline: Instant
    private var parts: [CollectionID: Part] = [:]
    private var payload: PayloadID
    /// Of every try that was sent and is not known to be dead, by its target at the home.
    private var doubts: [AttemptDoubt] = []
    private var isOut = false
    private var trouble: DatabaseError?
    private var answer: ClientReply?
    private var backoff = Backoff(.rivals)
    private var generator: SeededGenerator
    private var restsUntil: Instant?
    /// Every part looks at a tail that was read for this request. What is known at its beginning
    /// may be behind, and then an earlier try of the same may have landed above.
    private var isFresh = false
    /// Why it cannot be done, as a part has found on a fresh look. It is told once the home is
    /// known not to hold it from an earlier try (protocol: dedupe-scan).
    private var refusal: DatabaseError?
    /// The home has found such a reason itself: it was scanned before.
    private var isHomeScanned = false
    private var isTickWanted = false

    /// - Parameters:
    ///   - sources: What is known of each collection.
    ///   - identifier: Unique for ever.
    package init(
        _ request: TransactionRequest, sources: [CollectionID: BatchSource],
        identifier: Identifier128, deadline: Instant
    ) {
        self.request = request
        self.deadline = deadline
        payload = PayloadID(action: ActionID(rawValue: identifier), execution: 0)
        generator = SeededGenerator(seed: UInt64(truncatingIfNeeded: identifier.value))
        for share in request.parts {
            let source = sources[share.collection] ?? BatchSource(collection: share.collection)
            parts[share.collection] = Part(share: share, source: source)
        }
        invariant(parts.count == request.parts.count, "a collection is named twice")
    }

    /// In the order in which they are worked on.
    package var collections: [CollectionID] { request.parts.map(\.collection) }

    /// Whether it is worked on, and not decided.
    package var isWorking: Bool { !isOut && answer == nil }

    // MARK: Events of one collection

    /// The part begins.
    package mutating func begin(_ collection: CollectionID, _ effects: inout WriterEffects) {
        invariant(parts[collection]?.hasBegun != true, "a part begins twice")
        guard answer == nil else { return }
        parts[collection]?.hasBegun = true
        addActions(to: collection)
        effects.wake(at: deadline)
        advance(collection, &effects)
    }

    private mutating func addActions(to collection: CollectionID) {
        guard var part = parts[collection] else { return }
        for (number, content) in part.share.actions.enumerated() {
            let action = ActionRequest(
                collection: collection, incarnation: part.share.incarnation,
                action: request.id(of: number), firstRevision: part.share.firstRevision,
                content: content)
            let waiter = PendingAction.Waiter(token: 0, deadline: deadline)
            if let problem = part.source.add(action, content.bytes, client: 0, waiter) {
                return fail(problem)
            }
        }
        parts[collection] = part
    }

    package mutating func tailWasRead(
        _ value: TailValue, of collection: CollectionID, _ effects: inout WriterEffects
    ) {
        guard var part = parts[collection], answer == nil else { return }
        _ = part.source.tailWasRead(value, &effects)
        parts[collection] = part
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
        guard var part = parts[collection], answer == nil else { return }
        if let error = part.source.wasFetched(things, for: purpose, &effects) {
            learned(error)
            effects.wakeSoon()
        }
        parts[collection] = part
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

    /// Goes as far as possible with one part.
    private mutating func advance(_ collection: CollectionID, _ effects: inout WriterEffects) {
        guard isWorking, var part = parts[collection], part.built == nil else { return }
        if let restsUntil, effects.now < restsUntil { return effects.wake(at: restsUntil) }
        let built = part.source.advance(&effects, isFree: true)
        let log = part.source.log
        parts[collection] = part
        take(effects.takeResponses(), of: collection)
        guard answer == nil, !isTickWanted, parts[collection]?.landings.isEmpty == true else {
            return
        }
        guard let log else {
            if part.share.actions.isEmpty {
                parts[collection]?.source.readTail(&effects)
            }
            return
        }
        if part.share.actions.isEmpty {
            guard log.incarnation == part.share.incarnation else {
                return refuse(gone, by: collection)
            }
        } else if built == nil {
            return
        }
        if let expected = part.share.expectedRevision, expected > log.revision, log.tailRead == 0 {
            // What is known here is behind what the client has seen.
            parts[collection]?.source.readTail(&effects)
            return
        }
        if let expected = part.share.expectedRevision, expected != log.revision {
            return refuse(
                DatabaseError(
                    .conflict,
                    "the collection is at revision \(log.revision), no longer at "
                        + "\(expected), where it was read"), by: collection)
        }
        bind(built, to: log, part.share, effects)
    }

    /// What was built of a part is to land after `log`.
    private mutating func bind(
        _ built: BatchBuilder.Built?, to log: LogState, _ share: TransactionPart,
        _ effects: WriterEffects
    ) {
        invariant(parts[share.collection]?.built == nil, "a part is bound twice")
        if let built {
            guard built.actions.count == share.actions.count else {
                return fail(
                    DatabaseError(
                        .valueTooLarge,
                        "\(share.actions.count) actions on one collection do not fit one entry"))
            }
            for case .tree(.conflict(let check)) in built.outcomes {
                return refuse(
                    DatabaseError(
                        .conflict, "condition \(check) did not hold at revision \(log.revision)"),
                    by: share.collection)
            }
        }
        if share.collection == request.home {
            for place in doubts.indices { doubts[place].logWasRead(through: log.revision) }
            doubts.removeAll { !$0.mayHaveCommitted }
        }
        let participant = Participant(
            collection: share.collection, incarnation: log.incarnation,
            target: log.revision.next, role: share.writes ? .writes : .reads)
        guard let built, share.writes else {
            parts[share.collection]?.built = Built(
                participant: participant, batch: nil, commit: nil)
            return
        }
        let batch = InFlightBatch(built.under(payload), on: log, checkpoint: nil)
        parts[share.collection]?.built = Built(
            participant: participant, batch: batch,
            commit: batch.commit(of: share.collection, effects))
    }

    /// What a source has answered to the actions of its part.
    private mutating func take(
        _ responses: [(token: CollectionWriter.Token, reply: ClientReply)],
        of collection: CollectionID
    ) {
        for response in responses {
            switch response.reply {
            case .acted(let landing):
                mark("transaction.landedEarlier")
                let number = parts[collection]?.landings.count ?? 0
                invariant(
                    number < parts[collection]?.share.actions.count ?? 0,
                    "an answer to no action of the part")
                parts[collection]?.landings[number] = landing
            case .failed(let error): refuse(error, by: collection)
            default: invariant(false, "an action cannot be answered with \(response.reply)")
            }
        }
    }

    // MARK: All of them

    /// What is to be done now that all parts that could be were gone on with.
    package mutating func next(_ wallMilliseconds: UInt64, now: Instant) -> Step {
        if let answer { return .answer(answer) }
        if now >= deadline {
            fail(trouble ?? DatabaseError(.deadlineExceeded, "the time given ran out"))
            return answer.map { .answer($0) } ?? .waits
        }
        guard !isOut else { return .waits }
        if hasLanded { return collectLandings() }
        if let refusal {
            guard isHomeScanned || parts[request.home]?.built != nil else { return .waits }
            fail(refusal)
            return next(wallMilliseconds, now: now)
        }
        let built = collections.compactMap { parts[$0]?.built }
        guard built.count == parts.count else { return .waits }
        let bytes = built.reduce(0) { $0 + ($1.batch?.byteCount ?? 0) }
        guard bytes <= Limits.attemptBytesMax else {
            fail(
                DatabaseError(
                    .valueTooLarge,
                    "a transaction that writes \(bytes) bytes, attemptBytesMax = "
                        + "\(Limits.attemptBytesMax)"))
            return next(wallMilliseconds, now: now)
        }
        invariant(now < deadline && refusal == nil, "a transaction is sent that cannot be done")
        isOut = true
        var doubt = AttemptDoubt(target: parts[request.home]?.built?.participant.target)
        doubt.handedOver()
        doubts.append(doubt)
        return .send(
            TransactionAttempt(
                home: request.home, writes: built.compactMap(\.commit),
                reads: built.filter { $0.commit == nil }.map(\.participant),
                wallMilliseconds: wallMilliseconds))
    }

    /// Whether every part is to be gone on with, without waiting; asked once.
    package mutating func takeTick() -> Bool {
        defer { isTickWanted = false }
        return isTickWanted
    }

    /// A try of it was sent, or failed and will be repeated.
    package mutating func attemptProgress(isTrying: Bool, trouble: DatabaseError?) {
        if isTrying { updateDoubt { $0.handedOver() } }
        guard let trouble else { return }
        learned(trouble)
        updateDoubt { $0.tryEnded(trouble) }
    }

    /// The attempt has ended.
    /// - Parameter identifier: Unique for ever: names the next attempt.
    package mutating func attemptEnded(
        _ reply: RepositoryReply, identifier: Identifier128, now: Instant
    ) {
        guard isOut, answer == nil else { return }
        isOut = false
        payload = PayloadID(action: ActionID(rawValue: identifier), execution: 0)
        if case .failed(let error) = reply {
            updateDoubt { $0.tryEnded(error) }
        } else {
            updateDoubt { $0.tryEnded() }
        }
        switch reply {
        case .committed:
            updateDoubt { $0.decided() }
            answer = .transacted(landed)
        case .refusedAt(let collection, let refusal):
            mark("transaction.refused")
            updateDoubt { $0.decided() }
            again(after: now)
            if case .gone = refusal { return refuse(gone, by: collection) }
            if let value = refusal.value {
                _ = parts[collection]?.source.adopt(value)
            }
            if case .moved = refusal {
                restsUntil = nil
            }
        case .failed(let error) where error.endsTransaction: fail(error)
        case .failed(let error):
            mark("transaction.failed")
            learned(error)
            again(after: now)
            // Whether it landed, only the logs can say.
            isFresh = true
            for collection in collections { parts[collection]?.source.mustBeReadAgain() }
        default: invariant(false, "an attempt cannot end with \(reply)")
        }
        if doubts.last?.mayHaveCommitted == false { doubts.removeLast() }
    }

    /// What each writer is told that rested meanwhile: the batch that landed.
    package func landedBatch(of collection: CollectionID) -> InFlightBatch? {
        guard case .transacted? = answer else { return nil }
        return parts[collection]?.built?.batch
    }

    package mutating func learned(_ error: DatabaseError) { trouble = error.orDeeper(trouble) }

    // MARK: Its end

    private var gone: DatabaseError {
        DatabaseError(
            .collectionNotFound,
            "a collection of the transaction was dropped, and perhaps created again, since it was "
                + "opened")
    }

    private var landed: [TransactedPart] {
        collections.compactMap { collection in
            guard let built = parts[collection]?.built else { return nil }
            return TransactedPart(
                collection: collection,
                revision: built.batch == nil
                    ? built.participant.target.previous : built.participant.target,
                outcomes: built.batch?.outcomes ?? [])
        }
    }

    /// Another attempt is to be made, on what is newest then.
    private mutating func again(after now: Instant) {
        for collection in collections { parts[collection]?.built = nil }
        restsUntil = now.advanced(by: backoff.next(using: &generator))
    }

    /// A part has found why the transaction cannot be done. That is told only by what all parts see
    /// on a fresh look: until then an earlier try of it may have landed above what is known here.
    private mutating func refuse(_ error: DatabaseError, by collection: CollectionID) {
        guard answer == nil else { return }
        guard isFresh else { return lookAnew() }
        if collection == request.home { isHomeScanned = true }
        refusal = refusal ?? error
    }

    private mutating func lookAnew() {
        mark("transaction.looksAnew")
        isFresh = true
        isTickWanted = true
        for collection in collections {
            guard var part = parts[collection], part.hasBegun else {
                parts[collection]?.source.mustBeReadAgain()
                continue
            }
            part.source.withdraw(part.share.actions.indices.map { request.id(of: $0) })
            part.source.mustBeReadAgain()
            part.built = nil
            part.landings = [:]
            parts[collection] = part
            addActions(to: collection)
        }
    }

    private var hasLanded: Bool { parts.values.contains { !$0.landings.isEmpty } }

    /// Some part was found to have landed by an earlier try: so have all of them. One whose
    /// collection is not there any more is left out.
    private mutating func collectLandings() -> Step {
        var landed: [TransactedPart] = []
        for collection in collections {
            guard let part = parts[collection], part.share.writes else { continue }
            guard part.landings.count == part.share.actions.count, let first = part.landings[0]
            else {
                if refusal != nil, part.landings.isEmpty { continue }
                // It was looked at before the decision was carried out there.
                if part.built != nil {
                    parts[collection]?.built = nil
                    parts[collection]?.source.mustBeReadAgain()
                    isTickWanted = true
                }
                return .waits
            }
            landed.append(
                TransactedPart(
                    collection: collection, revision: first.position.revision,
                    outcomes: part.landings.sorted { $0.key < $1.key }.map(\.value.outcome)))
        }
        invariant(!landed.isEmpty, "a transaction has landed nowhere")
        answer = .transacted(landed)
        return .answer(.transacted(landed))
    }

    private mutating func fail(_ error: DatabaseError) {
        guard answer == nil else { return }
        let told = doubts.reduce(error) { $1.told($0) }
        // Of what has landed somewhere the client is not told that it failed.
        answer = .failed(hasLanded ? told.asUnknown : told)
    }

    private mutating func updateDoubt(_ event: (inout AttemptDoubt) -> Void) {
        guard !doubts.isEmpty else { return }
        event(&doubts[doubts.count - 1])
    }

    package func checkInvariants() {
        for part in parts.values { part.source.checkInvariants() }
        invariant(!isOut || parts.values.allSatisfy { $0.built != nil }, "sent before it was built")
        invariant(!isOut || !doubts.isEmpty, "what is out is in no doubt")
    }
}

extension CommitRefusal {
    /// The chosen value that shows it; nil when it shows none.
    package var value: TailValue? {
        switch self {
        case .moved(_, let value), .gone(let value), .blocked(let value), .fenced(let value): value
        case .pending: nil
        }
    }
}

extension DatabaseError {
    /// Whether a transaction makes no sense, so that another try would be refused as well.
    fileprivate var endsTransaction: Bool {
        [.invalidArgument, .valueTooLarge, .malformedMessage, .actionIDReuse].contains(code)
    }
}
