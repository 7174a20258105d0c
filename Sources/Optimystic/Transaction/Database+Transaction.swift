import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient

extension Database {
    /// Runs `body` as one transaction over any number of collections, up to
    /// ``Limits/participantCountMax``, and lands what it wrote: everywhere or nowhere.
    ///
    /// When this returns, the writes are durable, and everything the body read was still so when
    /// they took effect. Where another client was first, the body runs again, on a newer revision,
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
        var retry = TransactionRetry(until: deadline)
        while true {
            let conflict: DatabaseError
            do {
                let transaction = Transaction(database: self, deadline: deadline)
                let result = try await body(transaction)
                try await land(transaction.end(), deadline)
                return result
            } catch let error as DatabaseError where error.code == .conflict {
                conflict = error
            }
            try await rest(after: conflict, &retry, &generator)
        }
    }

    // Not part of the generic function above, whose splitting ends the compiler of Swift 6.3.1.
    @inline(never)
    private func rest(
        after conflict: DatabaseError, _ retry: inout TransactionRetry,
        _ generator: inout SeededGenerator
    ) async throws {
        let delay = try retry.pause(after: conflict, at: connection.now, using: &generator)
        await connection.pause(delay)
        try Task.checkCancellation()
    }

    @inline(never)
    private func land(_ state: TransactionState, _ deadline: Instant) async throws {
        guard var landing = try TransactionLanding(state, id: makeActionID()) else { return }
        while case .ask(let request) = landing.next {
            var timeLeft = max(Limits.requestTimeMin, deadline.since(connection.now))
            // Also when the time ran out it is worth while to ask what became of it.
            if case .actionStatus = request { timeLeft = timeout }
            let reply: ClientReply
            do {
                reply = try await connection.request(request, timeout: timeLeft)
            } catch let error as DatabaseError {
                reply = .failed(error)
            }
            try landing.receive(reply)
        }
    }
}
