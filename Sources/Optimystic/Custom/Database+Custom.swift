import BlockModel
import BlockTransactions
import OptimysticClient

extension Database {
    // MARK: Custom collections

    /// Opens a collection of the application's own kind, and creates it first when no collection
    /// has the name.
    ///
    /// - Parameters:
    ///   - behavior: Every program that opens the collection must give it the same.
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func createOrOpen<Action: Sendable>(
        _ name: String, _ behavior: CollectionBehavior<Action>, timeout: Duration? = nil
    ) async throws -> CustomCollection<Action> {
        try await open(name, behavior, creates: true, timeout)
    }

    /// Opens a collection of the application's own kind that exists. Never creates one: that it is
    /// not there, and that no proxy could be asked, are different errors.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is something else.
    public func open<Action: Sendable>(
        _ name: String, _ behavior: CollectionBehavior<Action>, timeout: Duration? = nil
    ) async throws -> CustomCollection<Action> {
        try await open(name, behavior, creates: false, timeout)
    }

    private func open<Action: Sendable>(
        _ name: String, _ behavior: CollectionBehavior<Action>, creates: Bool, _ timeout: Duration?
    ) async throws -> CustomCollection<Action> {
        let info = try await open(
            name, .custom, encoding: creates ? .bytes : nil, creates: creates, timeout: timeout)
        let request = LogReadRequest(
            collection: info.collection, incarnation: info.incarnation, after: info.revision)
        let page = try await ask(.readLog(request), timeout: timeout) { reply in
            if case .logPage(let page) = reply { page } else { nil }
        }
        let collection = CustomCollection(
            database: self, info: info,
            local: LocalCollection(
                collection: info.collection, incarnation: info.incarnation, behavior: behavior,
                checkpoint: page),
            generator: makeGenerator())
        try await collection.update(timeout: timeout)
        return collection
    }
}

extension CollectionBehavior where Action: Codable {
    /// A behaviour whose actions are JSON in the log.
    public init(
        apply: @escaping @Sendable (Action, ActionScope) throws -> Void,
        resolve:
            @escaping @Sendable (_ pending: Action, _ landed: [Action])
            -> CollectionBehavior<Action>.Resolution = { _, _ in .keep }
    ) {
        let json = ValueCoding<Action>.json
        self.init(
            coding: Coding(encode: json.encode, decode: json.decode), apply: apply,
            resolve: resolve)
    }
}
