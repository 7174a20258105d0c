import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// One writer of a diary, its log, and its host: time, fetches and what clients were told.
struct DiaryScene {
    var log: SampleLog
    var now = Instant.origin
    /// What each client was told, by token.
    private(set) var answers: [CollectionWriter.Token: [ClientReply]] = [:]
    private(set) var writer: CollectionWriter
    private(set) var fetchedSegmentCount = 0
    private let identifiers: SeededIdentifiers

    /// A diary of `entryCount` entries of the actions 1001, 1002, … `segmentLength` a segment.
    init(entryCount: Int = 0, segmentLength: Int = 2, seed: UInt64 = 1) {
        log = SampleLog()
        writer = CollectionWriter(collection: log.tail.collection, shardCount: 16)
        identifiers = SeededIdentifiers(seed: seed)
        for number in 0..<entryCount {
            if log.tail.entries.count == segmentLength { log.seal() }
            log.append(Sample.body([1001 + UInt64(number)]), isStored: number % 3 == 0)
        }
    }

    /// Lets others append one entry for each of `numbers`, each sealed by the next.
    mutating func othersAppend(_ numbers: [UInt64]) {
        for number in numbers {
            if !log.tail.entries.isEmpty { log.seal() }
            log.append(Sample.body([number]))
        }
    }

    /// Lands `attempt` as a coordinator does, if the log is still where it aims.
    /// - Returns: The answer of the coordinator.
    mutating func land(_ attempt: CommitAttempt) throws -> RepositoryReply {
        if let landed = log.tail.entries.first(where: { $0.payload == attempt.payload }) {
            return .committed(landed.revision, chainHash: landed.chainHash)
        }
        guard attempt.participant.target == log.tail.revision.next else {
            return attempt.moved(by: log.tail)
        }
        let body = try EntryBody(canonicalBytes: attempt.body)
        log.append(body, payload: attempt.payload)
        return .committed(log.tail.revision, chainHash: log.tail.lastHash)
    }

    // MARK: Events

    @discardableResult
    mutating func handle(
        _ event: (inout CollectionWriter, inout WriterEffects) -> Void
    ) -> WriterEffects {
        var effects = WriterEffects(
            now: now, wallMilliseconds: 77, makeIdentifier: identifiers.next,
            cache: FetchedObjects(),
            blocks: SharedBlockCache(), history: nil)
        event(&writer, &effects)
        writer.checkInvariants()
        for (token, reply) in effects.responses { answers[token, default: []].append(reply) }
        return effects
    }

    /// A client appends action `number`; its token is `number` too unless it says otherwise.
    @discardableResult
    mutating func append(
        _ number: UInt64, bytes: Bytes? = nil, since firstRevision: UInt64,
        token: CollectionWriter.Token? = nil, seconds: Int = 10, ticks: Bool = true
    ) -> WriterEffects {
        let request = ActionRequest(
            collection: log.tail.collection, incarnation: log.tail.incarnation,
            action: Sample.action(number), firstRevision: Revision(firstRevision),
            content: .append(bytes ?? Sample.bytes(number)))
        let deadline = now.advanced(by: .seconds(seconds))
        // Each of another client: they take no turns.
        let effects = handle {
            $0.act(
                request, token: token ?? number, client: number, deadline: deadline, &$1)
        }
        return ticks && effects.wakeAt == now ? handle { $0.tick(&$1) } : effects
    }

    /// A tail read that was asked for comes back.
    @discardableResult
    mutating func readTail() -> WriterEffects {
        let tail = log.tail
        return handle { $0.tailWasRead(.live(tail), &$1) }
    }

    /// Brings what `effects` ask for until nothing more is asked for, with no attempt before that.
    @discardableResult
    mutating func fetchAll(after effects: WriterEffects) throws -> WriterEffects {
        var effects = effects
        while !effects.wants.isEmpty {
            try #require(effects.attempt == nil, "an attempt before the log was read")
            var things = Fetched()
            for item in effects.wants {
                guard case .object(let key) = item else { continue }
                things.objects[key] = try log.object(key)
                if case .segment = key { fetchedSegmentCount += 1 }
            }
            effects = handle { $0.wasFetched(things, &$1) }
        }
        return effects
    }

    /// Appends action `number` on a tail just read, and returns the attempt that carries it.
    mutating func propose(_ number: UInt64, seconds: Int = 10) throws -> CommitAttempt {
        var effects = append(number, since: log.tail.revision.rawValue, seconds: seconds)
        if effects.wantsTail { effects = readTail() }
        return try #require(effects.attempt?.commit)
    }

    @discardableResult
    mutating func end(_ reply: RepositoryReply) -> WriterEffects {
        handle { $0.attemptEnded(reply, &$1) }
    }

    mutating func progress(isTrying: Bool, trouble: DatabaseError? = nil) {
        handle { writer, _ in writer.attemptProgress(isTrying: isTrying, trouble: trouble) }
    }

    @discardableResult
    mutating func pass(seconds: Int) -> WriterEffects {
        now = now.advanced(by: .seconds(seconds))
        return handle { $0.tick(&$1) }
    }

    /// The one error that `token` was told.
    func error(_ token: CollectionWriter.Token) throws -> DatabaseError {
        let replies = answers[token] ?? []
        guard replies.count == 1, case .failed(let error) = replies[0] else {
            throw UnexpectedAnswers(replies: replies)
        }
        return error
    }

    struct UnexpectedAnswers: Error {
        let replies: [ClientReply]
    }
}

extension CommitAttempt {
    /// The actions it carries.
    func actions() throws -> [ActionID] { try EntryBody(canonicalBytes: body).actions.map(\.id) }

    /// What a coordinator answers that finds `tail` elsewhere, and the attempt not in it.
    func moved(by tail: Tail) -> RepositoryReply {
        let isOpen = tail.openEntry(at: participant.target) != nil
        return .refused(.moved(landing: isOpen ? .absent : .notLookedFor, .live(tail)))
    }
}

extension ClientReply {
    static func appended(at revision: UInt64, _ index: UInt32 = 0) -> ClientReply {
        .acted(
            ActionLanding(
                position: LogPosition(revision: Revision(revision), index: index),
                outcome: .appended))
    }
}

extension DatabaseError {
    /// How tries of an attempt fail.
    static let unknown = DatabaseError(
        .commitResultUnknown, "no coordinator answered", outcome: .unknown)
    static let refused = DatabaseError(.quorumUnavailable, "no quorum")
}
