import BlockModel
import BlockRuntime
import OptimysticClient

/// A queue: values in the order in which they were added, each given out once.
///
/// It speaks of one life of the collection, see ``Tree``. Safe to use from any number of tasks.
public struct Queue<Value: Sendable>: Sendable {
    let handle: CollectionHandle<Value>

    /// As it was when it was opened.
    public var info: CollectionInfo { handle.info }

    /// The name that it was opened by.
    public var name: String { handle.info.name }

    var coding: ValueCoding<Value> { handle.coding }

    /// The greatest revision that an answer has shown; see ``Tree/revision``.
    public var revision: Revision { handle.seen.value }

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
            contentsOf: values, id: handle.database.makeActionID(), firstRevision: revision,
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
        let bytes = try values.map { value throws(DatabaseError) in
            try coding.bytes(of: value)
        }
        let landing = try await handle.act(
            .queue(.enqueue(bytes)), id: id, firstRevision: firstRevision, timeout: timeout)
        guard case .queue(.enqueued) = landing.outcome else {
            throw Database.unexpectedReply(.acted(landing))
        }
        return landing.position.revision
    }

    /// Takes values from the front.
    ///
    /// - Parameter countMax: At most ``Limits/queueValueCountMax``. Fewer come when the queue has
    ///   fewer, or when more would be over ``Limits/pageBytesMax`` bytes; none when it is empty.
    /// - Throws: `.commitResultUnknown` when values may have been taken: with an id of your own,
    ///   ``dequeue(_:id:firstRevision:timeout:)``, nothing is lost then.
    public func dequeue(_ countMax: Int = 1, timeout: Duration? = nil) async throws -> [Value] {
        try await dequeue(
            countMax, id: handle.database.makeActionID(), firstRevision: revision,
            timeout: timeout)
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
        let landing = try await handle.act(
            .queue(.dequeue(countMax: UInt32(countMax))), id: id, firstRevision: firstRevision,
            timeout: timeout)
        guard case .queue(.dequeued(let values)) = landing.outcome else {
            throw Database.unexpectedReply(.acted(landing))
        }
        do {
            return try decode(values, at: landing.position.revision)
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
        try await handle.status(of: id, firstRevision: firstRevision, timeout: timeout)
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
        let values = try await handle.database.ask(read, timeout: timeout) { reply in
            if case .queueValues(let values) = reply { values } else { nil }
        }
        handle.seen.raise(to: values.asOf)
        return try decode(values.values, at: values.asOf)
    }

    /// The number of values; linearizable.
    /// - Complexity: Reads every block of the queue, one for every 32 values.
    /// - Throws: `.historyTruncated` and `.positionNotFound` for the revision.
    public func count(asOf revision: Revision? = nil, timeout: Duration? = nil) async throws -> Int
    {
        let read = request(.count, asOf: revision)
        let (count, asOf) = try await handle.database.ask(read, timeout: timeout) { reply in
            if case .count(let count, let asOf) = reply { (count, asOf) } else { nil }
        }
        handle.seen.raise(to: asOf)
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
        let read = request(.peek(countMax: UInt32(clamping: countMax)), asOf: revision)
        let found = try await handle.database.ask(read, timeout: timeout) { reply in
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
