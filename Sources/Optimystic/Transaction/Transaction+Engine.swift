import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

/// What a transaction is executed by, and what may enter its execution.
extension Transaction {
    /// What makes its reads and writes.
    struct Execution: Sendable {
        /// nil: whoever calls its verbs.
        let engine: (any TransactionEngine)?
        let name: EngineName
        var statements: [Bytes] = []
        /// Ids that were made.
        var idCount: UInt32 = 0
        /// Statements that are being executed.
        var underWayCount = 0

        init(_ engine: (any TransactionEngine)?) throws(DatabaseError) {
            self.engine = engine
            name = try engine?.checkedName() ?? .actions
        }
    }

    // MARK: Statements

    /// Executes a statement, by the engine that it was begun with.
    ///
    /// - Throws: What the engine throws, after which it is rolled back; `.valueTooLarge`;
    ///   `.invalidArgument` when it has no engine, or is not open.
    public func execute(_ statement: Bytes) async throws {
        let engine = try execution.withLock {
            execution throws(DatabaseError) -> any TransactionEngine in
            try checkOpen()
            guard let engine = execution.engine else {
                throw DatabaseError(
                    .invalidArgument, "a statement in a transaction that was begun by no engine")
            }
            let source = TransactionSource(
                stamp: stamp(execution, until: database.connection.now),
                statements: execution.statements + [statement])
            if let problem = source.problem { throw problem }
            execution.statements.append(statement)
            execution.underWayCount += 1
            return engine
        }
        defer { execution.withLock { $0.underWayCount -= 1 } }
        do {
            try await Transaction.$executing.withValue(ObjectIdentifier(self)) {
                try await engine.execute(statement, in: self)
            }
        } catch {
            // What it has done of the statement is not the statement.
            giveUp()
            throw error
        }
    }

    /// No statement is taken any more: it lands with all that each of them does.
    /// - Throws: `.invalidArgument` while one is being executed, and when it is not open any more.
    func endStatements() throws(DatabaseError) -> TransactionState {
        try execution.withLock { execution throws(DatabaseError) in
            guard execution.underWayCount == 0 else {
                throw DatabaseError(
                    .invalidArgument, "a statement of the transaction is being executed")
            }
            return try end(.committing)
        }
    }

    /// The transaction whose engine is executing a statement in this task.
    @TaskLocal private static var executing: ObjectIdentifier?

    /// - Throws: `.invalidArgument` for a verb beside the statements: who executes those again
    ///   would not know of it.
    func checkExecuting() throws(DatabaseError) {
        guard isBesideStatements else { return }
        throw DatabaseError(
            .invalidArgument, "a verb beside the statements of a transaction of an engine")
    }

    /// Whether it has an engine, and this task is not the one that executes a statement.
    private var isBesideStatements: Bool {
        Transaction.executing != ObjectIdentifier(self)
            && execution.withLock { $0.engine != nil }
    }

    // MARK: What is the same in every execution

    /// The transaction's time, in milliseconds since 1970: when it was begun, or, while it is
    /// executed again, when it was begun then.
    public var wallMilliseconds: UInt64 { began }

    /// A new id, unlike any other: the same ones, in the same order, when it is executed again.
    /// Those that are made beside the statements of an engine are not made again.
    public func makeID() -> Identifier128 {
        if isBesideStatements { return database.makeActionID().rawValue }
        let number = execution.withLock { execution in
            execution.idCount += 1
            return execution.idCount
        }
        var encoder = CanonicalEncoder()
        encoder.append(action)
        encoder.append(number)
        let digest = Digest(domain: "optimystic/transaction-made-id/1", encoder.bytes)
        return Identifier128(digest.bytes.prefix(Identifier128.byteCount)) ?? .zero
    }

    // MARK: Its stamp

    /// What it says of itself where it lands.
    func stamp(until deadline: Instant) -> TransactionStamp {
        execution.withLock { stamp($0, until: deadline) }
    }

    private func stamp(_ execution: Execution, until deadline: Instant) -> TransactionStamp {
        let left = deadline.since(database.connection.now) + Limits.stampSlack
        return TransactionStamp(
            client: database.client, engine: execution.name,
            schema: execution.engine?.schemaHash ?? .zero, milliseconds: began,
            expiry: database.wallMilliseconds + UInt64(left.milliseconds))
    }

    /// What its engine was given.
    var statements: [Bytes] { execution.withLock { $0.statements } }
}
