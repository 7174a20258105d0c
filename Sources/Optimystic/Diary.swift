import BlockModel
import OptimysticClient

/// A diary: entries in one order that every reader sees, each there exactly once, for ever.
///
/// It speaks of one life of the collection: when that is dropped, every call fails with
/// `.collectionNotFound`, even if the name lives again. Safe to use from any number of tasks; the
/// appends of one task land in the order in which it awaits them.
public struct Diary<Value: Sendable>: Sendable {
    let handle: CollectionHandle<Value>

    /// As it was when it was opened.
    public var info: CollectionInfo { handle.info }

    /// The name that it was opened by.
    public var name: String { handle.info.name }

    var coding: ValueCoding<Value> { handle.coding }

    /// The greatest revision that an answer has shown: what ``append(_:id:firstRevision:timeout:)``
    /// wants to know of an action before it is first sent.
    public var revision: Revision { handle.seen.value }

    // MARK: Appending

    /// Appends an entry. When this returns, the entry is synced to the disks of a majority of the
    /// diary's replicas, once, at the position returned.
    ///
    /// - Throws: `.valueTooLarge`; `.commitResultUnknown` when it may or may not be there: find out
    ///   with an id of your own, see ``append(_:id:firstRevision:timeout:)``.
    /// Cancelling drops the wait; the entry may still land.
    @discardableResult
    public func append(_ value: Value, timeout: Duration? = nil) async throws -> CollectionPosition
    {
        try await append(
            value, id: handle.database.makeActionID(), firstRevision: revision, timeout: timeout)
    }

    /// Appends an entry under an id of the application's own, for retries that outlive the call or
    /// the process: with the same id and the same first revision the entry lands at most once,
    /// however often it is sent, through whatever proxy.
    ///
    /// - Parameters:
    ///   - id: From ``Database/makeActionID()``; keep it with the value.
    ///   - firstRevision: ``revision`` when the id was drawn; keep it too. An earlier landing is
    ///     looked for from there on.
    /// - Throws: `.actionIDReuse` for an id that came with another value; `.dedupeWindowLost` when
    ///   the history since `firstRevision` is gone; and see ``append(_:timeout:)``.
    @discardableResult
    public func append(
        _ value: Value, id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> CollectionPosition {
        let landing = try await handle.act(
            .append(try coding.bytes(of: value)), id: id, firstRevision: firstRevision,
            timeout: timeout)
        return CollectionPosition(landing.position, in: info)
    }

    /// What became of an action: resolves an unknown outcome without trying again.
    ///
    /// - Parameter firstRevision: As in the append.
    /// - Complexity: O(entries since `firstRevision`), read by the proxy.
    public func status(
        of id: ActionID, firstRevision: Revision, timeout: Duration? = nil
    ) async throws -> ActionStatus {
        try await handle.status(of: id, firstRevision: firstRevision, timeout: timeout)
    }

    // MARK: Reading

    /// The entries as of one revision: what the sequence yields does not change while it is read,
    /// whatever is appended meanwhile.
    ///
    /// Reads pages of ``Limits/readerPageBytes`` and one page ahead, which belongs to the iterator
    /// and ends with it.
    /// - Parameters:
    ///   - origin: Where to begin, in the direction of reading.
    ///   - asOf: The revision to read as of; nil for the newest when reading begins, linearizable:
    ///     an append that was acknowledged before is seen.
    ///   - timeout: For each page.
    /// - Throws: From the iterator: `.valueUndecodable`; `.positionNotFound` for a position or a
    ///   revision that does not exist yet, or a position of another life of the diary.
    public func entries(
        from origin: Origin = .start, direction: ReadDirection = .forward,
        asOf: Revision? = nil, timeout: Duration? = nil
    ) -> Entries {
        Entries(
            handle: handle, origin: origin, direction: direction, asOf: asOf,
            timeout: timeout ?? handle.database.timeout)
    }

    /// The entries after a position and, when they have been read, those that come: endless.
    ///
    /// Resume with the position of the last entry that was handled.
    /// - Parameters:
    ///   - position: nil from the first entry on.
    ///   - timeout: How long the cluster may be out of reach before the iterator throws.
    /// - Throws: From the iterator: as that of ``entries(from:direction:asOf:timeout:)``.
    public func follow(
        after position: CollectionPosition? = nil, timeout: Duration? = nil
    ) -> Follow {
        Follow(
            handle: handle, after: position, timeout: timeout ?? handle.database.timeout)
    }
}

extension Diary {
    /// Where reading begins.
    public enum Origin: Hashable, Sendable {
        /// At the first entry in the direction of reading: the oldest forward, the newest backward.
        case start
        /// At the entry that follows this position in the direction of reading.
        case after(CollectionPosition)
    }
}

/// What became of an action.
public enum ActionStatus: Hashable, Sendable {
    case landed(CollectionPosition)
    /// It is in no entry up to this revision. It may land later while its request, or a retry of
    /// it, is on its way.
    case notLanded(asOf: Revision)
}
