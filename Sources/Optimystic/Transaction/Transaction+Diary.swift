import BlockModel
import BlockRuntime
import OptimysticClient

extension Transaction {
    // MARK: Diaries

    /// Appends an entry when the transaction lands. It relies on nothing that is in the diary.
    ///
    /// - Throws: `.valueTooLarge`; `.invalidArgument` for too many collections.
    public func append<Value>(_ diary: Diary<Value>, _ value: Value) throws {
        let content = ActionContent.append(try diary.coding.bytes(of: value))
        if let problem = content.problem { throw problem }
        try update(diary.info, diary.revision) { $0.act(content) }
    }

    /// The last entries of a diary, the newest first, without those that the transaction appends.
    ///
    /// The transaction lands only if nothing was appended since.
    /// - Throws: `.valueUndecodable`; `.conflict` when what was read before has changed: let it
    ///   pass.
    public func last<Value>(
        _ diary: Diary<Value>, _ countMax: Int = 1
    ) async throws -> [Diary<Value>.Item] {
        let revision = try await watch(diary.info, diary.revision)
        var items: [Diary<Value>.Item] = []
        guard countMax > 0 else { return items }
        let entries = diary.entries(direction: .backward, asOf: revision, timeout: timeLeft)
        for try await item in entries {
            items.append(item)
            if items.count == countMax { break }
        }
        return items
    }

    /// The revision that a collection is read as of, which it must still be at in the end.
    func watch(_ info: CollectionInfo, _ seen: Revision) async throws -> Revision {
        try update(info, seen) { $0.watch() }
        if let snapshot = snapshot(of: info) {
            if pins != nil { try await took(info, seen, at: snapshot) { _ in } }
            return snapshot
        }
        let found = try await database.cut(through: [info], timeout: timeLeft)[0].revision
        try await took(info, seen, at: found) { _ in }
        // The proof of a cut may have found a later one.
        return snapshot(of: info) ?? found
    }
}
