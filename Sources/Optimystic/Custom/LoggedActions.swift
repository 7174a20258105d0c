import BlockModel
import BlockTransactions
import OptimysticClient

/// An action of a custom collection that landed.
public struct LoggedAction<Action: Sendable>: Sendable {
    /// The action, decoded.
    public let action: Action
    /// The id that it was sent under.
    public let id: ActionID
    /// Where it landed.
    public let position: CollectionPosition
    /// When its writer wrote it down, in milliseconds since 1970. Metadata.
    public let wallMilliseconds: UInt64
}

/// The actions of a custom collection; see ``CustomCollection/log(after:timeout:)``.
public struct LoggedActions<Action: Sendable>: AsyncSequence, Sendable {
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
        private let info: CollectionInfo
        private let behavior: CollectionBehavior<Action>
        private let direction: ReadDirection
        private var forward: LogPages
        private var backward: BackwardLogPages
        private var actions: [LoggedAction<Action>] = []
        private var position = 0

        init(_ sequence: LoggedActions) {
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

        /// The next action; nil after the last.
        ///
        /// - Throws: `.valueUndecodable` when an action is not of this type; `.historyTruncated`.
        public mutating func next() async throws -> LoggedAction<Action>? {
            while position == actions.count {
                let entries: [LogEntry]?
                switch direction {
                case .forward: entries = try await forward.next()
                case .backward: entries = try await backward.next()
                }
                guard let entries else { return nil }
                position = 0
                actions = try entries.flatMap { entry in
                    try entry.body.actions.enumerated().map { index, logged in
                        LoggedAction(
                            action: try behavior.action(of: logged, at: entry.revision),
                            id: logged.id,
                            position: CollectionPosition(
                                LogPosition(revision: entry.revision, index: UInt32(index)),
                                in: info),
                            wallMilliseconds: entry.wallMilliseconds)
                    }
                }
                if direction == .backward { actions.reverse() }
            }
            defer { position += 1 }
            return actions[position]
        }
    }
}
