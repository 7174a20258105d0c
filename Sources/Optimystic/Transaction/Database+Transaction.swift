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
    /// - Parameter timeout: For all runs together. A commit that had no answer by then asks what
    ///   became of it, within the database's timeout.
    /// - Throws: What `body` throws; `.conflict` when others were first until the time ran out;
    ///   `.commitResultUnknown` when the writes may or may not have landed, which was asked for by
    ///   the action's id, and is never found out by running the body again. `CancellationError`
    ///   when the task is cancelled: while it commits, it may have taken effect all the same.
    @discardableResult
    public func withTransaction<Result>(
        timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        try await transact(timeout: timeout, isolation: isolation, body).result
    }

    /// As ``withTransaction(timeout:_:)``, for those who want to know where it took effect, or to
    /// ask for its fate later.
    /// - Returns: What the body of the run that took effect returned, and its commit.
    public func transact<Result>(
        timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (Transaction) async throws -> Result
    ) async throws -> (result: Result, commit: TransactionCommit) {
        try await transact(timeout: timeout, by: nil, isolation: isolation, body)
    }

    /// - Parameter engine: What executes the statements; nil: `body` calls the verbs.
    func transact<Result>(
        timeout: Duration?, by engine: (any TransactionEngine)?,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (Transaction) async throws -> Result
    ) async throws -> (result: Result, commit: TransactionCommit) {
        try Transaction.checkNesting(in: self)
        let deadline = connection.now.advanced(by: timeout ?? self.timeout)
        var generator = makeGenerator()
        var retry = TransactionRetry(until: deadline)
        var first: ActionID?
        while true {
            let conflict: DatabaseError
            do {
                let transaction = try Transaction(
                    database: self, time: .all(until: deadline), first: first, engine: engine)
                first = first ?? transaction.action
                defer { transaction.giveUp() }
                let result = try await Transaction.$enclosing.withValue(transaction) {
                    try await body(transaction)
                }
                return (result, try await transaction.land(until: deadline))
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
}

extension Transaction {
    /// The transaction whose body is running in this task.
    @TaskLocal static var enclosing: Transaction?

    /// - Throws: `.invalidArgument` within the body of another one.
    fileprivate static func checkNesting(in database: Database) throws(DatabaseError) {
        guard let enclosing, enclosing.database === database, enclosing.phase == .open else {
            return
        }
        throw DatabaseError(
            .invalidArgument,
            "withTransaction in the body of another one: it would take effect by itself. Give the "
                + "transaction that is open to the function that needs one, or begin a session "
                + "with beginTransaction()")
    }
}
