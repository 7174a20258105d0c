import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    // MARK: History

    /// Truncates the history of a collection: revisions up to `through` are gone, and the space
    /// they took is given back in the background. What a tree or a queue holds now is not
    /// touched; of a diary, the entries up to `through` are gone.
    ///
    /// Reads as of a revision below it, and readers that follow changes from there, get
    /// `.historyTruncated`. An action that was first sent before `through` and whose outcome is not
    /// known gets `.dedupeWindowLost` when it is sent again.
    ///
    /// - Parameter through: A revision there is; of what is not final on its replicas yet nothing
    ///   is truncated, which the answer tells: try again later.
    /// - Returns: What is left.
    /// - Throws: `.positionNotFound` for a revision that does not exist yet, `.collectionNotFound`,
    ///   `.commitResultUnknown`.
    @discardableResult
    public func truncate(
        _ name: String, through: Revision, timeout: Duration? = nil
    ) async throws -> HistoryState {
        let tail = try await liveTail(of: name, timeout)
        let request = TruncateCollection(
            collection: tail.collection, incarnation: tail.incarnation, through: through)
        return try await history(.truncate(request), timeout)
    }

    /// Sets how much of its history a collection keeps. What is not kept any more is truncated in
    /// the background, see ``truncate(_:through:timeout:)``.
    ///
    /// - Returns: What is left now.
    /// - Throws: `.collectionNotFound`, `.commitResultUnknown`; `.invalidArgument` when nothing
    ///   would be kept.
    @discardableResult
    public func setRetention(
        _ name: String, to retention: Retention, timeout: Duration? = nil
    ) async throws -> HistoryState {
        if case .last(let count) = retention, !(1...Limits.counterMax).contains(count) {
            throw DatabaseError(.invalidArgument, "\(count) revisions to keep")
        }
        let tail = try await liveTail(of: name, timeout)
        let request = RetainHistory(
            collection: tail.collection, incarnation: tail.incarnation, retention: retention)
        return try await history(.retain(request), timeout)
    }

    /// What is left of a collection's history, and how much is kept.
    /// - Throws: `.collectionNotFound`.
    public func history(of name: String, timeout: Duration? = nil) async throws -> HistoryState {
        let tail = try await liveTail(of: name, timeout)
        return HistoryState(
            truncatedThrough: tail.truncatedThrough, finalThrough: tail.greatestTruncation,
            retention: tail.retention)
    }

    private func liveTail(of name: String, _ timeout: Duration?) async throws -> Tail {
        guard let tail = try await inspectTail(name, timeout: timeout).value.live else {
            throw DatabaseError(.collectionNotFound, "there is no collection \"\(name)\"")
        }
        return tail
    }

    private func history(
        _ request: ClientRequest, _ timeout: Duration?
    ) async throws -> HistoryState {
        try await ask(request, timeout: timeout) { reply in
            if case .history(let state) = reply { state } else { nil }
        }
    }
}
