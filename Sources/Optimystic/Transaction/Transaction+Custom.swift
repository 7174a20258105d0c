import BlockModel
import BlockRuntime
import BlockTransactions
import OptimysticClient
import Synchronization

extension Transaction {
    // MARK: Custom collections

    /// Does an action of a custom collection, by the handler that it was opened with, on what the
    /// transaction sees of it. Others see it when the transaction lands, the handle when it is next
    /// updated. What is pending at the handle is of no concern to the transaction.
    ///
    /// The transaction lands only if nothing has landed in the collection since it first used it.
    /// - Throws: What the handler throws; `.valueTooLarge`; `.conflict` when what was read before
    ///   has changed: let it pass.
    public func act<Action>(
        _ collection: CustomCollection<Action>, _ action: Action
    ) async throws {
        try await own(collection).act(action, of: self.action, timeout: timeLeft)
    }

    /// Looks at a custom collection as the transaction leaves it. Changes are undone.
    ///
    /// The transaction lands only if nothing has landed in the collection since it first used it.
    /// - Parameter body: Must let pass every error that the scope throws; runs again then, with
    ///   the blocks it missed.
    /// - Throws: What `body` throws; `.conflict` when what was read before has changed: let it
    ///   pass.
    public func read<Action, Result: Sendable>(
        _ collection: CustomCollection<Action>,
        _ body: @escaping @Sendable (ActionScope) throws -> Result
    ) async throws -> Result {
        try await own(collection).read(timeout: timeLeft, body)
    }

    /// The snapshot of a custom collection that this transaction has for itself.
    private func own<Action>(
        _ collection: CustomCollection<Action>
    ) async throws -> CustomCollection<Action> {
        let info = collection.info
        guard pins == nil else {
            throw DatabaseError(
                .engineUnknown,
                "\"\(collection.name)\" is a custom collection, which can only be used at its "
                    + "newest revision")
        }
        // Refused here when it is another life's handle, or one collection too many.
        try update(info, info.revision) { _ in }
        if let known = try known(collection) { return known }
        let own = try await collection.forTransaction(timeout: timeLeft)
        try update(info, info.revision) { $0.watch() }
        try await took(info, info.revision, at: await own.revision) { _ in }
        return try customs.withLock { customs throws(DatabaseError) in
            // Two first uses at once: they saw one revision, and the first is the one that acts.
            guard let first = customs[info.collection] else {
                customs[info.collection] = own
                return own
            }
            return try Transaction.typed(first, as: collection)
        }
    }

    private func known<Action>(
        _ collection: CustomCollection<Action>
    ) throws(DatabaseError) -> CustomCollection<Action>? {
        guard let known = customs.withLock({ $0[collection.info.collection] }) else { return nil }
        return try Transaction.typed(known, as: collection)
    }

    private static func typed<Action>(
        _ known: any TransactedCollection, as collection: CustomCollection<Action>
    ) throws(DatabaseError) -> CustomCollection<Action> {
        guard let own = known as? CustomCollection<Action> else {
            throw DatabaseError(
                .invalidArgument,
                "a transaction uses \"\(collection.name)\" with two kinds of actions")
        }
        return own
    }

    /// What the handlers of custom collections have done becomes a part of what lands.
    func prepareCustoms(_ state: inout TransactionState, until deadline: Instant) async throws {
        for (collection, own) in customs.withLock({ $0 }) {
            let timeLeft = max(Limits.requestTimeMin, deadline.since(database.connection.now))
            guard let part = try await own.prepared(timeout: timeLeft) else { continue }
            state.take(part.actions, part.prepared, on: collection)
        }
    }
}

/// A custom collection in a transaction, whatever its actions are.
protocol TransactedCollection: Sendable {
    /// What its actions do; nil when there is none.
    func prepared(timeout: Duration) async throws -> PreparedPart?
}

/// What a transaction does to a custom collection.
struct PreparedPart: Sendable {
    let actions: [Bytes]
    let prepared: PreparedActions
}

extension CustomCollection: TransactedCollection {}
