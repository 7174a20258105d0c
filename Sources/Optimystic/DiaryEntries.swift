import BlockModel
import BlockRuntime
import OptimysticClient

extension Diary {
    /// One entry of a diary, decoded.
    public struct Item: Sendable {
        /// What was appended, decoded.
        public let value: Value
        /// Where it is; goes on behind it with `after`.
        public let position: CollectionPosition
        /// The id its writer gave it.
        public let action: ActionID
        /// The transaction over several collections that appended it; nil when none did.
        public let transaction: TransactionID?
        /// When the proxy wrote it down, in milliseconds since 1970. Metadata: clocks differ, the
        /// order is that of the positions.
        public let wallMilliseconds: UInt64
    }
}

extension Diary.Item: Equatable where Value: Equatable {}
extension Diary.Item: Hashable where Value: Hashable {}

extension Diary {
    /// The entries of a diary as of one revision; see
    /// ``Diary/entries(from:direction:asOf:timeout:)``.
    public struct Entries: AsyncSequence, Sendable {
        let handle: CollectionHandle<Value>
        let origin: Origin
        let direction: ReadDirection
        let asOf: Revision?
        let timeout: Duration

        /// Begins at the start; each iteration reads anew.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }

        /// Holds one page, and the request for the next.
        public struct Iterator: AsyncIteratorProtocol {
            private var entries: PagedElements<DiaryPages<Value>>

            init(_ sequence: Entries) {
                entries = PagedElements(
                    DiaryPages(sequence: sequence, ahead: ReadAhead(asOf: sequence.asOf)))
            }

            /// The next entry; nil after the last, and after an error.
            ///
            /// - Throws: `.valueUndecodable`; `.historyTruncated`; `.collectionNotFound` when its
            ///   life is over. Cancelling the task ends the wait.
            public mutating func next() async throws -> Item? {
                try await entries.next()
            }
        }
    }
}

extension Diary {
    /// The entries of a diary, and those that come; see ``Diary/follow(after:timeout:)``.
    public struct Follow: AsyncSequence, Sendable {
        let handle: CollectionHandle<Value>
        let after: CollectionPosition?
        let timeout: Duration

        /// Begins at the start; each iteration reads anew.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }

        /// Holds one page.
        public struct Iterator: AsyncIteratorProtocol {
            private var entries: PagedElements<FollowedDiaryPages<Value>>

            init(_ sequence: Follow) {
                entries = PagedElements(FollowedDiaryPages(sequence: sequence))
            }

            /// The next entry, when there is one. Never nil before an error; nil after one.
            ///
            /// - Throws: `.valueUndecodable`; `.historyTruncated`; `.collectionNotFound` when its
            ///   life is over. Cancelling the task ends the wait.
            public mutating func next() async throws -> Item? {
                try await entries.next()
            }
        }
    }
}

/// The pages of a diary as of one revision.
private struct DiaryPages<Value: Sendable>: PinnedPages {
    let sequence: Diary<Value>.Entries
    var ahead: ReadAhead<LogPosition>

    func request() throws -> PendingReply {
        let handle = sequence.handle
        var after = ahead.last
        if case .after(let origin) = sequence.origin, after == nil {
            after = try origin.place(in: handle.info)
        }
        let read = DiaryReadRequest(
            collection: handle.info.collection, incarnation: handle.info.incarnation,
            direction: sequence.direction, after: after, asOf: ahead.asOf,
            bytesMax: UInt32(Limits.readerPageBytes))
        return handle.database.connection.start(.readDiary(read), timeout: sequence.timeout)
    }

    func page(_ reply: ClientReply) -> PinnedPage<DiaryEntry, LogPosition>? {
        guard case .diaryPage(let page) = reply else { return nil }
        sequence.handle.seen.raise(to: page.asOf)
        return PinnedPage(
            items: page.entries, last: page.entries.last?.position, asOf: page.asOf,
            isLast: page.isLast)
    }

    func element(_ entry: DiaryEntry) throws -> Diary<Value>.Item {
        try sequence.handle.item(entry)
    }
}

/// The pages of a diary, and those that come.
private struct FollowedDiaryPages<Value: Sendable>: Pages {
    let sequence: Diary<Value>.Follow
    private var last: LogPosition?

    init(sequence: Diary<Value>.Follow) { self.sequence = sequence }

    mutating func next() async throws -> [DiaryEntry]? {
        let handle = sequence.handle
        if last == nil { last = try sequence.after?.place(in: handle.info) }
        let read = DiaryReadRequest(
            collection: handle.info.collection, incarnation: handle.info.incarnation, after: last,
            bytesMax: UInt32(Limits.readerPageBytes),
            waitMilliseconds: UInt32(Limits.followTime.milliseconds))
        let page = try await handle.database.ask(
            .readDiary(read), timeout: Limits.followTime + sequence.timeout
        ) { reply in
            if case .diaryPage(let page) = reply { page } else { nil }
        }
        handle.seen.raise(to: page.asOf)
        last = page.entries.last?.position ?? last
        return page.entries
    }

    func element(_ entry: DiaryEntry) throws -> Diary<Value>.Item {
        try sequence.handle.item(entry)
    }
}

extension CollectionHandle {
    fileprivate func item(_ entry: DiaryEntry) throws(DatabaseError) -> Diary<Value>.Item {
        Diary.Item(
            value: try coding.value(of: entry),
            position: CollectionPosition(entry.position, in: info), action: entry.action,
            transaction: entry.transaction, wallMilliseconds: entry.wallMilliseconds)
    }
}
