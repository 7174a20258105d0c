import BlockModel
import BlockTransactions
import OptimysticClient

extension CustomCollection {
    /// An action of a custom collection that landed.
    public struct LoggedAction: Sendable {
        /// The action, decoded.
        public let action: Action
        /// The id that it was sent under.
        public let id: ActionID
        /// Where it landed.
        public let position: CollectionPosition
        /// When its writer wrote it down, in milliseconds since 1970. Metadata.
        public let wallMilliseconds: UInt64
        /// The transaction over several collections that it is a part of; nil when it is none.
        public let transaction: TransactionID?
    }
}

extension CustomCollection {
    /// The actions of a custom collection; see ``CustomCollection/log(after:timeout:)``.
    public struct LoggedActions: AsyncSequence, Sendable {
        let database: Database
        let info: CollectionInfo
        let behavior: CollectionBehavior<Action>
        let after: CollectionPosition?
        let direction: ReadDirection
        let timeout: Duration

        /// Begins at the start; each iteration reads anew.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }

        /// Holds one page.
        public struct Iterator: AsyncIteratorProtocol {
            private var actions: PagedElements<LoggedActionPages<Action>>

            init(_ sequence: LoggedActions) {
                actions = PagedElements(LoggedActionPages(sequence))
            }

            /// The next action; nil after the last, and after an error.
            ///
            /// - Throws: `.valueUndecodable` when an action is not of this type;
            ///   `.historyTruncated`.
            public mutating func next() async throws -> LoggedAction? {
                try await actions.next()
            }
        }
    }
}

/// The log of a custom collection, read as its actions.
private struct LoggedActionPages<Action: Sendable>: Pages {
    /// An action of the log, with the entry that it is in.
    struct Item {
        let logged: BlockModel.Action
        let position: LogPosition
        let wallMilliseconds: UInt64
        let transaction: TransactionID?
    }

    private let info: CollectionInfo
    private let behavior: CollectionBehavior<Action>
    private let direction: ReadDirection
    private var forward: LogPages
    private var backward: BackwardLogPages

    init(_ sequence: CustomCollection<Action>.LoggedActions) {
        info = sequence.info
        behavior = sequence.behavior
        direction = sequence.direction
        forward = LogPages(
            database: sequence.database, info: sequence.info, after: sequence.after,
            timeout: sequence.timeout, follows: false)
        backward = BackwardLogPages(
            database: sequence.database, info: sequence.info, after: sequence.after,
            timeout: sequence.timeout)
    }

    mutating func next() async throws -> [Item]? {
        let entries: [LogEntry]?
        switch direction {
        case .forward: entries = try await forward.next()
        case .backward: entries = try await backward.next()
        }
        let items = entries?.flatMap { entry in
            let transactions = entry.transactions
            return entry.body.actions.enumerated().map { index, logged in
                Item(
                    logged: logged,
                    position: LogPosition(revision: entry.revision, index: UInt32(index)),
                    wallMilliseconds: entry.wallMilliseconds,
                    transaction: transactions?[index])
            }
        }
        return direction == .forward ? items : items?.reversed()
    }

    func element(_ item: Item) throws -> CustomCollection<Action>.LoggedAction {
        CustomCollection.LoggedAction(
            action: try behavior.action(of: item.logged, at: item.position.revision),
            id: item.logged.id, position: CollectionPosition(item.position, in: info),
            wallMilliseconds: item.wallMilliseconds, transaction: item.transaction)
    }
}
