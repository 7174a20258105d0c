import BlockModel
import BlockRuntime
import OptimysticClient

/// Makes reads and writes of a transaction out of statements: a language of an application's own.
///
/// The statements stand in the log, at the collection that decides, with the engine's name, what
/// they were executed at and a hash of all that came of them. So whoever has the engine can execute
/// the transaction again, later and elsewhere, and compare:
/// ``Database/verify(_:reexecutes:engines:timeout:onProgress:)``.
///
/// That works if execution is deterministic: it depends on the statements, on what is read through
/// the transaction, on ``Transaction/wallMilliseconds`` and ``Transaction/makeID()``, and on
/// nothing else: no other clock, no chance, no order of a `Set`.
public protocol TransactionEngine: Sendable {
    /// Its name and version, `name@version`, of small letters, digits, `-` and `.`, up to
    /// ``Limits/engineNameBytesMax``. What one version does to a statement never changes.
    var name: String { get }
    /// Says what the statements are about: the tables they know, say. An engine with another
    /// schema does not execute them again.
    var schema: Bytes { get }
    /// Executes one statement, by the verbs of `transaction`.
    /// - Throws: Anything: the transaction is rolled back. `.conflict` is to be let pass.
    func execute(_ statement: Bytes, in transaction: Transaction) async throws
}

extension TransactionEngine {
    /// Nothing: the statements speak for themselves.
    public var schema: Bytes { [] }
}

extension TransactionEngine {
    /// As it stands in stamps.
    /// - Throws: `.invalidArgument` when it is no name, or that of the engine that is built in.
    func checkedName() throws(DatabaseError) -> EngineName {
        guard let known = EngineName(Bytes(name.utf8)), known != .actions else {
            throw DatabaseError(
                .invalidArgument,
                "\"\(name)\" is no name for an engine: it is to be name@version, of small letters, "
                    + "digits, - and ., engineNameBytesMax = \(Limits.engineNameBytesMax), and not "
                    + "\(EngineName.actions)")
        }
        return known
    }

    /// As it stands in stamps.
    var schemaHash: Digest {
        schema.isEmpty ? .zero : Digest(domain: "optimystic/engine-schema/1", schema)
    }
}

extension Database {
    /// Has an engine execute statements as one transaction, and lands what they write: everywhere
    /// or nowhere. They are executed again on a newer revision where another client was first.
    ///
    /// - Parameters:
    ///   - statements: Up to ``Limits/statementCountMax``, of ``Limits/statementBytesMax`` in all.
    ///   - timeout: For all runs together.
    /// - Throws: What the engine throws; `.valueTooLarge`; as ``withTransaction(timeout:_:)``.
    @discardableResult
    public func execute(
        _ statements: [Bytes], by engine: any TransactionEngine, timeout: Duration? = nil
    ) async throws -> TransactionCommit {
        try await transact(timeout: timeout, by: engine) { transaction in
            for statement in statements { try await transaction.execute(statement) }
        }.commit
    }

    /// As ``beginTransaction()``, of one that is made of statements: ``Transaction/execute(_:)``.
    /// - Throws: `.invalidArgument` when the engine has no name; `.shuttingDown`.
    public func beginTransaction(by engine: any TransactionEngine) async throws -> Transaction {
        try connection.checkOpen()
        return try Transaction(database: self, time: .eachCall(timeout), engine: engine)
    }
}
