import BlockModel
import BlockRuntime
import OptimysticClient

/// A queue: values in the order in which they were added, each given out once.
///
/// It speaks of one life of the collection, see ``Tree``. Safe to use from any number of tasks.
public struct Queue<Value: Sendable>: Sendable {
    /// As it was when it was opened.
    public let info: CollectionInfo

    let database: Database
    let coding: ValueCoding<Value>
    private let seen: SeenRevision

    init(database: Database, info: CollectionInfo, coding: ValueCoding<Value>) {
        self.database = database
        self.info = info
        self.coding = coding
        seen = SeenRevision(info.revision)
    }

    /// The name that it was opened by.
    public var name: String { info.name }

    /// The greatest revision that an answer has shown; see ``Tree/revision``.
    public var revision: Revision { seen.value }

    /// Adds a value behind the last one.
    /// - Throws: As ``enqueue(contentsOf:timeout:)``.
    @discardableResult
    public func enqueue(_ value: Value, timeout: Duration? = nil) async throws -> Revision {
        try await enqueue(contentsOf: [value], timeout: timeout)
    }

    /// Adds values behind the last one, in order, as one atomic action.
    ///
    /// - Parameter values: At most ``Limits/queueValueCountMax``, together at most
    ///   ``Limits/actionBytesMax`` bytes.
    /// - Returns: The revision of the queue with the values in it.
    /// - Throws: `.valueTooLarge`; `.commitResultUnknown`, see ``Tree/set(_:to:timeout:)``.
    @discardableResult
    public func enqueue(
        contentsOf values: [Value], timeout: Duration? = nil
    ) async throws -> Revision {
        try await enqueue(
            contentsOf: values, id: database.makeActionID(), firstRevision: revision,
            timeout: timeout)
    }

    /// The same under an id of the application's own: with the same id and first revision the
    /// values are added at most once, however often they are sent, through whatever proxy.
    ///
    /// - Throws: As for ``enqueue(_:timeout:)``, and `.actionIDReuse` for other values under the
    ///   id.
    @discardableResult
    public func enqueue(
        contentsOf values: [Value], id: ActionID, firstRevision: Revision,
        timeout: Duration? = nil
    ) async throws -> Revision {
        let bytes = try values.map { value throws(DatabaseError) in try coding.bytes(of: value) }
        return try await act(
            .enqueue(bytes), id: id, firstRevision: firstRevision, timeout: timeout
        ).revision
    }

    /// Takes values from the front.
    ///
    /// - Parameter countMax: At most ``Limits/queueValueCountMax``. Fewer come when the queue has
    ///   fewer, or when more would be over ``Limits/pageBytesMax`` bytes; none when it is empty.
    /// - Throws: `.commitResultUnknown` when values may have been taken: with an id of your own,
    ///   ``dequeue(_:id:firstRevision:timeout:)``, nothing is lost then.
    public func dequeue(_ countMax: Int = 1, timeout: Duration? = nil) async throws -> [Value] {
        try await dequeue(
            countMax, id: database.makeActionID(), firstRevision: revision, timeout: timeout)
    }

    /// The same under an id of the application's own: with the same id and first revision the same
    /// values are given out, however often it is asked, through whatever proxy.
    ///
    /// - Throws: As for ``dequeue(_:timeout:)``, and `.actionIDReuse` for another action under the
    ///   id.
    public func dequeue(
        _ countMax: Int, id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> [Value] {
        guard countMax >= 0, countMax <= Limits.queueValueCountMax else {
            throw DatabaseError(
                .invalidArgument,
                "\(countMax) values to be taken, queueValueCountMax = \(Limits.queueValueCountMax)")
        }
        let (outcome, revision) = try await act(
            .dequeue(countMax: UInt32(countMax)), id: id, firstRevision: firstRevision,
            timeout: timeout)
        guard case .dequeued(let values) = outcome else {
            throw DatabaseError(
                .malformedMessage, "the proxy answered something else than was asked",
                outcome: .unknown)
        }
        do {
            return try decode(values, at: revision)
        } catch {
            // They are taken all the same: trying again would take others.
            throw DatabaseError(error.code, error.message, outcome: .unknown, cause: error)
        }
    }

    /// What became of an action: resolves an unknown outcome without trying again. Values that it
    /// took are given out by ``dequeue(_:id:firstRevision:timeout:)`` under its id.
    ///
    /// - Parameter firstRevision: As in the action.
    /// - Complexity: O(entries since `firstRevision`), read by the proxy.
    /// - Throws: `.dedupeWindowLost` when the history since `firstRevision` is gone;
    ///   `.invalidArgument` for a revision that does not exist yet.
    public func status(
        of id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> ActionStatus {
        let (landing, asOf) = try await database.landing(
            of: id, in: info, firstRevision: firstRevision, seen: seen, timeout: timeout)
        return ActionStatus(landing, asOf: asOf, in: info)
    }

    private func act(
        _ action: QueueAction, id: ActionID, firstRevision: Revision, timeout: Duration?
    ) async throws -> (outcome: QueueOutcome, revision: Revision) {
        if let problem = action.problem { throw problem }
        let request = ActionRequest(
            collection: info.collection, incarnation: info.incarnation, action: id,
            firstRevision: firstRevision, content: .queue(action))
        let (outcome, revision) = try await database.ask(.act(request), timeout: timeout) { reply in
            if case .acted(let landing) = reply, case .queue(let outcome) = landing.outcome {
                (outcome, landing.position.revision)
            } else {
                nil
            }
        }
        seen.raise(to: revision)
        return (outcome, revision)
    }

    // MARK: Looking

    /// The values at the front, without taking them; linearizable.
    ///
    /// - Parameters:
    ///   - countMax: Fewer come as for ``dequeue(_:timeout:)``.
    ///   - revision: The revision to look at; nil for the newest.
    /// - Throws: `.valueUndecodable`; `.historyTruncated` and `.positionNotFound` for the revision.
    public func peek(
        _ countMax: Int = 1, asOf revision: Revision? = nil, timeout: Duration? = nil
    ) async throws -> [Value] {
        let read = request(.peek(countMax: UInt32(clamping: countMax)), asOf: revision)
        let values = try await database.ask(read, timeout: timeout) { reply in
            if case .queueValues(let values) = reply { values } else { nil }
        }
        seen.raise(to: values.asOf)
        return try decode(values.values, at: values.asOf)
    }

    /// The number of values; linearizable.
    /// - Complexity: Reads every block of the queue, one for every 32 values.
    /// - Throws: `.historyTruncated` and `.positionNotFound` for the revision.
    public func count(asOf revision: Revision? = nil, timeout: Duration? = nil) async throws -> Int
    {
        let read = request(.count, asOf: revision)
        let (count, asOf) = try await database.ask(read, timeout: timeout) { reply in
            if case .count(let count, let asOf) = reply { (count, asOf) } else { nil }
        }
        seen.raise(to: asOf)
        return Int(clamping: count)
    }

    private func request(_ query: QueueQuery, asOf revision: Revision?) -> ClientRequest {
        .readQueue(
            QueueReadRequest(
                collection: info.collection, incarnation: info.incarnation, asOf: revision,
                query: query))
    }

    /// The values at the front as of a revision, as they are stored, and how many there are in all.
    func stored(
        _ countMax: Int, asOf revision: Revision, timeout: Duration?
    ) async throws -> (values: [Bytes], length: Int) {
        var found: [Bytes] = []
        let read = request(.peek(countMax: UInt32(clamping: countMax)), asOf: revision)
        found = try await database.ask(read, timeout: timeout) { reply in
            if case .queueValues(let values) = reply { values.values } else { nil }
        }
        if found.count < countMax {
            return (found, try await count(asOf: revision, timeout: timeout))
        }
        return (found, .max)
    }

    func decode(_ values: [Bytes], at revision: Revision) throws(DatabaseError) -> [Value] {
        var decoded: [Value] = []
        for bytes in values {
            do {
                decoded.append(try coding.decode(bytes))
            } catch {
                throw DatabaseError(
                    .valueUndecodable,
                    "a value of queue \"\(name)\" at revision \(revision) does not decode as "
                        + "\(Value.self)", cause: error)
            }
        }
        return decoded
    }
}
