import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// A group, the logs of its collections, and what it has asked for.
struct TransactionGroupScene {
    var logs: [CollectionID: SampleLog] = [:]
    var group: TransactionGroup
    let identifiers = SeededIdentifiers(seed: 5)
    var now = Instant.origin
    var wallMilliseconds: UInt64 = 0
    var tailsWanted: Set<CollectionID> = []
    private(set) var ended: [TransactionGroup.ID: TransactionMember] = [:]

    static let deadline = Instant.origin.advanced(by: .seconds(9))

    /// - Parameters:
    ///   - requests: Of members 0, 1 and so on, whose time is ``deadline``, a second more for each.
    ///   - decided: What something was decided of since they came.
    ///   - known: What the proxy knows of the collections before; nothing of others.
    init(
        _ requests: [TransactionRequest], _ logs: [SampleLog], decided: [SampleLog] = [],
        known: [SampleLog] = []
    ) {
        let members = requests.enumerated().map { number, request in
            let time = Duration.seconds(number)
            var member = TransactionMember(
                request, deadline: TransactionGroupScene.deadline.advanced(by: time))
            for log in decided { member.isKnownAnew(log.tail.collection) }
            return member
        }
        self.init(members, logs, known: known)
    }

    /// - Parameter known: What the proxy knows of the collections before; nothing of others.
    init(_ members: [TransactionMember], _ logs: [SampleLog], known: [SampleLog] = []) {
        for log in logs { self.logs[log.tail.collection] = log }
        var sources: [CollectionID: BatchSource] = [:]
        for log in known {
            var source = BatchSource(collection: log.tail.collection)
            _ = source.adopt(.live(log.tail))
            sources[log.tail.collection] = source
        }
        group = TransactionGroup(
            members.enumerated().map { (id: UInt64($0), member: $1) },
            sources: sources, identifier: identifiers.next())
    }

    /// Transaction `number` of the home and others.
    static func request(
        _ number: UInt64, _ parts: [TransactionPart], expiry: UInt64 = .max
    ) -> TransactionRequest {
        TransactionRequest(
            action: Sample.action(number), home: parts[0].collection, parts: parts,
            source: TransactionSource(
                stamp: TransactionStamp(client: .zero, milliseconds: 0, expiry: expiry)))
    }

    /// The entry at the home of a transaction that landed by an earlier try.
    static func landed(_ request: TransactionRequest) -> EntryBody {
        let own = request.parts.first { $0.collection == request.home }
        let actions = (own?.actions ?? []).enumerated().map { number, content in
            Action(id: request.id(of: number), bytes: content.bytes)
        }
        return EntryBody(actions: actions, records: [request.record])
    }

    mutating func run(
        _ collection: CollectionID,
        _ event: (inout TransactionGroup, inout WriterEffects) -> Void
    ) {
        let objects =
            logs[collection].flatMap { try? FetchedObjects.everything(of: $0) } ?? FetchedObjects()
        var effects = WriterEffects(
            now: now, wallMilliseconds: 0, makeIdentifier: identifiers.next, cache: objects,
            blocks: SharedBlockCache(), history: nil)
        event(&group, &effects)
        group.checkInvariants()
        if effects.wantsTail { tailsWanted.insert(collection) }
    }

    mutating func begin() {
        for collection in group.collections { run(collection) { $0.begin(collection, &$1) } }
    }

    /// Answers every tail read that was asked for, with what is newest.
    mutating func readTails() {
        for collection in tailsWanted.sorted() {
            tailsWanted.remove(collection)
            guard let log = logs[collection] else { continue }
            run(collection) { $0.tailWasRead(.live(log.tail), of: collection, &$1) }
        }
    }

    mutating func tick() {
        for collection in group.collections { run(collection) { $0.tick(collection, &$1) } }
    }

    mutating func next() -> TransactionGroup.Step {
        let step = group.next(wallMilliseconds, now: now)
        group.checkInvariants()
        for one in group.takeEnded() { ended[one.id] = one.member }
        return step
    }

    /// Begins, and goes on until everybody is answered without an attempt.
    mutating func runToEnd(sourceLocation: SourceLocation = #_sourceLocation) {
        begin()
        settleToEnd(sourceLocation: sourceLocation)
    }

    /// Goes on until everybody is answered; that it does not get there is an issue.
    mutating func settleToEnd(sourceLocation: SourceLocation = #_sourceLocation) {
        if case .over = settle() { return }
        Issue.record("it goes on", sourceLocation: sourceLocation)
    }

    /// Goes on until it has something to say, or waits for nothing more.
    mutating func settle() -> TransactionGroup.Step {
        for _ in 0..<20 {
            let step = next()
            if case .waits = step {} else { return step }
            let isTicked = group.takeTick()
            if isTicked { tick() }
            if tailsWanted.isEmpty, !isTicked { break }
            readTails()
        }
        return next()
    }

    struct NothingIsSent: Error {}

    /// What it sends.
    mutating func send() throws -> TransactionAttempt {
        guard case .send(let attempt, _) = settle() else { throw NothingIsSent() }
        return attempt
    }

    /// What member `id` was told, and nil while it was told nothing.
    func answer(_ id: TransactionGroup.ID) -> ClientReply? { ended[id]?.answer }

    func error(_ id: TransactionGroup.ID) -> DatabaseError? {
        if case .failed(let error)? = answer(id) { error } else { nil }
    }

    func parts(_ id: TransactionGroup.ID) -> [TransactedPart]? {
        if case .transacted(let parts)? = answer(id) { parts } else { nil }
    }
}
