import BlockModel
import BlockRuntime
import OptimysticClient

/// One entry of a diary, decoded.
public struct DiaryItem<Value: Sendable>: Sendable {
    /// What was appended, decoded.
    public let value: Value
    /// Where it is; goes on behind it with `after`.
    public let position: CollectionPosition
    /// The id its writer gave it.
    public let action: ActionID
    /// The transaction over several collections that appended it; nil when none did.
    public let transaction: TransactionID?
    /// When the proxy wrote it down, in milliseconds since 1970. Metadata: clocks differ, the order
    /// is that of the positions.
    public let wallMilliseconds: UInt64
}

extension DiaryItem: Equatable where Value: Equatable {}
extension DiaryItem: Hashable where Value: Hashable {}

/// The entries of a diary as of one revision; see ``Diary/entries(from:direction:asOf:timeout:)``.
public struct DiaryEntries<Value: Sendable>: AsyncSequence, Sendable {
    let diary: Diary<Value>
    let origin: ReadOrigin
    let direction: ReadDirection
    let asOf: Revision?
    let timeout: Duration

    /// Begins at the start; each iteration reads anew.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Holds one page, and the request for the next.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: DiaryEntries
        private var page: [DiaryEntry] = []
        private var position = 0
        private var last: LogPosition?
        private var asOf: Revision?
        private var pending: PendingReply?
        private var isLast = false

        init(_ sequence: DiaryEntries) {
            self.sequence = sequence
            asOf = sequence.asOf
        }

        /// The next entry; nil after the last, and after an error.
        ///
        /// - Throws: `.valueUndecodable`; `.historyTruncated`; `.collectionNotFound` when its life
        ///   is over. Cancelling the task ends the wait.
        public mutating func next() async throws -> DiaryItem<Value>? {
            do {
                while position == page.count {
                    guard !isLast else { return nil }
                    if case .after(let origin) = sequence.origin, last == nil {
                        last = try origin.place(in: sequence.diary.info)
                    }
                    try await nextPage()
                }
                defer { position += 1 }
                return try sequence.diary.item(page[position])
            } catch {
                isLast = true
                page = []
                position = 0
                pending = nil
                throw error
            }
        }

        private mutating func nextPage() async throws {
            let reply = try await (pending ?? request()).value()
            pending = nil
            guard case .diaryPage(let next) = reply, next.isLast || !next.entries.isEmpty else {
                throw Database.unexpectedReply(reply)
            }
            sequence.diary.sawPage(next)
            page = next.entries
            position = 0
            asOf = next.asOf
            isLast = next.isLast
            last = next.entries.last?.position ?? last
            if !isLast { pending = request() }
        }

        private func request() -> PendingReply {
            let info = sequence.diary.info
            let read = DiaryReadRequest(
                collection: info.collection, incarnation: info.incarnation,
                direction: sequence.direction, after: last, asOf: asOf,
                bytesMax: UInt32(Limits.readerPageBytes))
            return sequence.diary.database.connection.start(
                .readDiary(read), timeout: sequence.timeout)
        }
    }
}

/// The entries of a diary, and those that come; see ``Diary/follow(after:timeout:)``.
public struct DiaryFollow<Value: Sendable>: AsyncSequence, Sendable {
    let diary: Diary<Value>
    let after: CollectionPosition?
    let timeout: Duration

    /// Begins at the start; each iteration reads anew.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Holds one page.
    public struct Iterator: AsyncIteratorProtocol {
        private let sequence: DiaryFollow
        private var page: [DiaryEntry] = []
        private var position = 0
        private var last: LogPosition?
        private var hasFailed = false

        init(_ sequence: DiaryFollow) {
            self.sequence = sequence
        }

        /// The next entry, when there is one. Never nil before an error; nil after one.
        ///
        /// - Throws: `.valueUndecodable`; `.historyTruncated`; `.collectionNotFound` when its life
        ///   is over. Cancelling the task ends the wait.
        public mutating func next() async throws -> DiaryItem<Value>? {
            guard !hasFailed else { return nil }
            do {
                if last == nil { last = try sequence.after?.place(in: sequence.diary.info) }
                while position == page.count { try await nextPage() }
                defer { position += 1 }
                return try sequence.diary.item(page[position])
            } catch {
                hasFailed = true
                throw error
            }
        }

        private mutating func nextPage() async throws {
            let info = sequence.diary.info
            let read = DiaryReadRequest(
                collection: info.collection, incarnation: info.incarnation, after: last,
                bytesMax: UInt32(Limits.readerPageBytes),
                waitMilliseconds: UInt32(Limits.followTime.milliseconds))
            let next = try await sequence.diary.database.ask(
                .readDiary(read), timeout: Limits.followTime + sequence.timeout
            ) { reply in
                if case .diaryPage(let page) = reply { page } else { nil }
            }
            sequence.diary.sawPage(next)
            page = next.entries
            position = 0
            last = next.entries.last?.position ?? last
        }
    }
}

extension Diary {
    func item(_ entry: DiaryEntry) throws(DatabaseError) -> DiaryItem<Value> {
        DiaryItem(
            value: try coding.value(of: entry),
            position: CollectionPosition(entry.position, in: info), action: entry.action,
            transaction: entry.transaction, wallMilliseconds: entry.wallMilliseconds)
    }
}
