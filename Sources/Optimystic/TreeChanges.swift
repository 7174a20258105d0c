import BlockModel
import BlockRuntime
import OptimysticClient

extension Tree {
    /// What one entry of the log did to a tree: the changes of all actions in it, atomic together.
    public struct ChangeSet: Sendable {
        /// The revision of the tree with the changes in it. Every revision is there, also one that
        /// changed nothing.
        public let revision: Revision
        /// The same, to resume behind it.
        public let position: CollectionPosition
        /// In the order in which they were done. A key may occur more than once; the last one
        /// counts.
        public let changes: [Change]
        /// The transactions over several collections that they are parts of, in the order in which
        /// they took effect; none when they are of none. Several of one moment share an entry.
        public let transactions: [TransactionID]
        /// When its writer wrote it down, in milliseconds since 1970. Metadata.
        public let wallMilliseconds: UInt64
        /// How many of ``changes`` are of the first of ``transactions``, how many of the second,
        /// and so on.
        let changeCounts: [Int]

        /// Those of ``changes`` that are a part of a transaction; none of one that is not among
        /// ``transactions``.
        public func changes(of transaction: TransactionID) -> ArraySlice<Change> {
            guard let place = transactions.firstIndex(of: transaction) else { return [] }
            let begin = changeCounts[..<place].reduce(0, +)
            return changes[begin..<begin + changeCounts[place]]
        }
    }
}

extension Tree {
    /// The changes of a tree, and those that come; see ``Tree/changes(since:timeout:)``.
    public struct Changes: AsyncSequence, Sendable {
        let handle: CollectionHandle<Value>
        let since: CollectionPosition?
        let timeout: Duration

        /// Begins at the start; each iteration reads anew.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }

        /// Holds one page.
        public struct Iterator: AsyncIteratorProtocol {
            private var changes: PagedElements<TreeChangePages<Key, Value>>

            init(_ sequence: Changes) {
                let log = LogPages(
                    database: sequence.handle.database, info: sequence.handle.info,
                    after: sequence.since, timeout: sequence.timeout, follows: true)
                changes = PagedElements(TreeChangePages(coding: sequence.handle.coding, log: log))
            }

            /// The changes of the next revision, when there is one. Never nil before an error; nil
            /// after one.
            ///
            /// - Throws: `.valueUndecodable`; `.historyTruncated`. Cancelling the task ends the
            ///   wait.
            public mutating func next() async throws -> ChangeSet? {
                try await changes.next()
            }
        }
    }
}

/// The log of a tree, read as changes.
private struct TreeChangePages<Key: OrderedKey, Value: Sendable>: Pages {
    let coding: ValueCoding<Value>
    var log: LogPages

    mutating func next() async throws -> [LogEntry]? { try await log.next() }

    func element(_ entry: LogEntry) throws -> Tree<Key, Value>.ChangeSet {
        var changes: [Tree<Key, Value>.Change] = []
        var transactions: [TransactionID] = []
        var changeCounts: [Int] = []
        let owners = entry.transactions
        for (number, logged) in entry.body.actions.enumerated() {
            let countBefore = changes.count
            if let owner = owners?[number], owner != transactions.last {
                transactions.append(owner)
                changeCounts.append(0)
            }
            defer {
                if owners != nil {
                    changeCounts[changeCounts.count - 1] += changes.count - countBefore
                }
            }
            let action = try TreeAction(canonicalBytes: logged.bytes)
            guard case .applied(let existed) = try TreeOutcome(canonicalBytes: logged.outcome)
            else { continue }
            for (operation, existed) in zip(action.operations, existed) {
                switch operation {
                case .put(let key, let value):
                    changes.append(
                        .set(try Key(keyBytes: key), try coding.value(of: value, key: key)))
                case .delete(let key):
                    if existed { changes.append(.remove(try Key(keyBytes: key))) }
                }
            }
        }
        return Tree.ChangeSet(
            revision: entry.revision,
            position: CollectionPosition(revision: entry.revision, in: log.info),
            changes: changes, transactions: transactions,
            wallMilliseconds: entry.wallMilliseconds, changeCounts: changeCounts)
    }
}

extension Tree {
    /// The changes after a revision and, when they have been read, those that come: endless, one
    /// element for each revision, none left out.
    ///
    /// Resume with the position of the last element that was handled. Starting from a snapshot,
    /// ``asOf(_:)``, with its position, nothing is missed and nothing comes twice.
    /// - Parameters:
    ///   - position: nil from the first change on.
    ///   - timeout: How long the cluster may be out of reach before the iterator throws.
    /// - Throws: From the iterator: `.invalidArgument` when history since then is truncated;
    ///   `.positionNotFound` when the position does not exist yet, or is one of another life of the
    ///   tree; `.valueUndecodable`.
    public func changes(
        since position: CollectionPosition? = nil, timeout: Duration? = nil
    ) -> Changes {
        Changes(
            handle: handle, since: position, timeout: timeout ?? handle.database.timeout)
    }
}
