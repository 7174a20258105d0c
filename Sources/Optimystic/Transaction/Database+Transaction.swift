import BlockModel
import OptimysticClient

extension Database {
    /// Runs `body` as one transaction over one collection, and lands what it wrote.
    ///
    /// When this returns, the writes are durable, and everything the body read was still so when
    /// they took effect. Where somebody else was first, the body runs again, on a newer revision,
    /// until the time runs out: so it must have no effect but through the transaction. A body that
    /// throws ends the transaction; nothing was written then. One that writes nothing reads a
    /// consistent snapshot.
    ///
    /// - Parameter timeout: For all runs together.
    /// - Throws: What `body` throws; `.conflict` when others were first until the time ran out;
    ///   `.commitResultUnknown` when the writes may or may not have landed, which was asked for by
    ///   the action's id, and is never found out by running the body again.
    @discardableResult
    public func withTransaction<Result>(
        timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        let deadline = connection.now.advanced(by: timeout ?? self.timeout)
        var generator = makeGenerator()
        var backoff = Backoff(base: .milliseconds(5), longest: .milliseconds(500))
        while true {
            do {
                let transaction = Transaction(database: self, deadline: deadline)
                let result = try await body(transaction)
                try await land(transaction.end(), deadline)
                return result
            } catch let error as DatabaseError where error.code == .conflict {
                let delay = backoff.next(using: &generator)
                guard connection.now.advanced(by: delay) < deadline else { throw error }
                await connection.pause(delay)
                try Task.checkCancellation()
            }
        }
    }

    private func land(_ state: TransactionState, _ deadline: Instant) async throws {
        let action = state.action
        guard let info = state.collection, !action.operations.isEmpty else { return }
        if let problem = action.problem { throw problem }
        let tree = Tree<Bytes, Bytes>(database: self, info: info, coding: .bytes)
        let id = makeActionID()
        var doubt = AttemptDoubt()
        do {
            doubt.handedOver()
            _ = try await tree.act(
                action, id: id, firstRevision: state.firstRevision,
                timeout: max(.milliseconds(1), deadline.since(connection.now)))
        } catch let error as DatabaseError {
            doubt.tryEnded(error)
            guard doubt.mayHaveCommitted else { throw error }
            // Every try was made under one id; what became of it is looked up, never tried anew.
            let status: TreeCommit?
            do {
                status = try await tree.status(of: id, firstRevision: state.firstRevision)
            } catch let answer as DatabaseError where answer.code == .conflict {
                throw answer
            } catch {
                status = nil
            }
            if status != nil { return }
            var told = doubt.told(error)
            told.message += "; it was action \(id), first sent at revision \(state.firstRevision)"
            throw told
        }
    }
}
