import BlockModel
import BlockRuntime
import OptimysticClient

extension Database {
    // MARK: Diaries

    /// Opens a diary of JSON values, and creates it first when no collection has the name.
    ///
    /// - Parameters:
    ///   - name: 1 to ``Limits/nameBytesMax`` bytes without control characters.
    ///   - type: What its entries are; see ``ValueCoding/json``.
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func diary<Value: Codable & Sendable>(
        _ name: String, of type: Value.Type, timeout: Duration? = nil
    ) async throws -> Diary<Value> {
        try await diary(name, coding: .json, timeout: timeout)
    }

    /// Opens a diary of raw bytes, and creates it first when no collection has the name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func diary(named name: String, timeout: Duration? = nil) async throws -> Diary<Bytes> {
        try await diary(name, coding: .bytes, timeout: timeout)
    }

    /// Opens a diary of values in a given coding, and creates it first when no collection has the
    /// name.
    ///
    /// - Throws: `.collectionKindMismatch` when the name is taken by something else.
    public func diary<Value>(
        _ name: String, coding: ValueCoding<Value>, timeout: Duration? = nil
    ) async throws -> Diary<Value> {
        try await open(name, coding, encoding: coding.encoding, creates: true, timeout)
    }

    /// Opens a diary of JSON values that exists. Never creates one.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is something else.
    public func openDiary<Value: Codable & Sendable>(
        _ name: String, of type: Value.Type, timeout: Duration? = nil
    ) async throws -> Diary<Value> {
        try await open(name, .json, encoding: .json, creates: false, timeout)
    }

    /// Opens a diary that exists, whatever the encoding of its values, as raw bytes. Never creates
    /// one. A writer keeps to the encoding that ``Diary/info`` names.
    ///
    /// - Throws: `.collectionNotFound`; `.collectionKindMismatch` when it is no diary.
    public func openDiary(
        named name: String, timeout: Duration? = nil
    ) async throws -> Diary<Bytes> {
        try await open(name, .bytes, encoding: nil, creates: false, timeout)
    }

    private func open<Value>(
        _ name: String, _ coding: ValueCoding<Value>, encoding: ValueEncoding?, creates: Bool,
        _ timeout: Duration?
    ) async throws -> Diary<Value> {
        let info = try await open(
            name, .diary, encoding: encoding, creates: creates, timeout: timeout)
        return Diary(handle: CollectionHandle(database: self, info: info, coding: coding))
    }

    // MARK: Collections

    /// All collections, in an order that does not change between two calls.
    ///
    /// - Complexity: One request for each ``Limits/pageItemCountMax`` / 16 collections.
    /// - Throws: Errors of every call, see ``Database``.
    public func collections(timeout: Duration? = nil) async throws -> [CollectionInfo] {
        var all: [CollectionInfo] = []
        var cursor: CollectionID?
        repeat {
            let request = ClientRequest.listCollections(
                after: cursor, countMax: UInt32(Limits.pageItemCountMax / 16))
            let (page, next) = try await ask(request, timeout: timeout) { reply in
                if case .collections(let page, let next) = reply { (page, next) } else { nil }
            }
            all += page
            cursor = next
        } while cursor != nil
        return all
    }

    /// A collection, whatever it is.
    /// - Throws: `.collectionNotFound`.
    package func info(named name: String, timeout: Duration? = nil) async throws -> CollectionInfo {
        try await open(name, nil, encoding: nil, creates: false, timeout: timeout)
    }

    // MARK: The cluster

    /// What every storage peer says of itself, and why one takes no part.
    package func status(timeout: Duration? = nil) async throws -> [PeerReport] {
        try await ask(.clusterStatus, timeout: timeout) { reply in
            if case .clusterStatus(let reports) = reply { reports } else { nil }
        }
    }

    /// The chosen tail of a collection, and what each replica of its register holds.
    ///
    /// The tail is read first; while a client writes, replicas may be ahead of it.
    package func inspectTail(
        _ name: String, timeout: Duration? = nil
    ) async throws -> TailInspection {
        try await ask(.inspectTail(name: name), timeout: timeout) { reply in
            guard case .tail(let value, let replicas) = reply else { return nil }
            return TailInspection(value: value, replicas: replicas)
        }
    }
}

/// A collection's tail register as its replicas hold it.
package struct TailInspection: Hashable, Sendable {
    /// The chosen value.
    package let value: TailValue
    /// What each replica held a moment later.
    package let replicas: [ReplicaReport]
}
